"""The estimated work of an evaluation is the work that it does."""

import time
from importlib import import_module

import numpy as np
import pytest

import vaekit
from vaekit.core.vae import VAE
from vaekit.evaluation.duration import (
    DECODER_SHARE,
    FIRST_BATCH,
    count_passes,
    seconds_per_pass,
)
from vaekit.evaluation.marginal_likelihood import ImportanceSampling

EVALUATE = import_module("vaekit.workflows.evaluate")

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("options", [{"importance_samples": 60}, {"ais_steps": 4, "ais_chains": 5}])
def test_the_passes_are_those_that_the_decoder_makes(small_run, monkeypatch, options):
    decoded = []
    original = VAE.decode

    def decode(self, z, *args):
        decoded.append(z.shape[: z.dim() - 1].numel())
        return original(self, z, *args)

    monkeypatch.setattr(VAE, "decode", decode)
    asked = {"importance_samples": 1, "ais_steps": 0, "ais_chains": 16, **options}
    examples = vaekit.evaluate(small_run, split="train", generated_examples=0, **asked).examples
    importance = ImportanceSampling(asked.pop("importance_samples"), examples)
    passes = count_passes(
        examples, importance=importance, dequantized=False, generated_examples=0, **asked
    )
    # Decoding is half of a pass, and a gradient takes as long as three.
    work = DECODER_SHARE * sum(decoded) / examples * (3 if asked["ais_steps"] else 1)
    assert work == pytest.approx(sum(passes.values()), rel=0.25)
    assert max(passes, key=passes.get) in options


def test_a_long_evaluation_is_announced_and_a_short_one_is_not(small_run, monkeypatch, capsys):
    for seconds, lines in ((EVALUATE.MIN_ANNOUNCED_SECONDS, 1), (0.0, 0)):
        monkeypatch.setattr(
            EVALUATE, "seconds_per_pass", lambda model, inputs, seconds=seconds: seconds
        )
        vaekit.evaluate(small_run, importance_samples=1, generated_examples=0)
        assert capsys.readouterr().err.count("estimated duration: ") == lines


def test_the_pace_of_a_slow_model_is_told_by_few_examples(small_run, monkeypatch):
    run = small_run
    inputs = run.inputs(np.zeros((200, *run.model.data_shape), np.float32))
    encoded = []
    original = VAE.encode

    def encode(self, x, *args):
        encoded.append(len(x))
        time.sleep(0.03 * len(x))  # seconds
        return original(self, x, *args)

    monkeypatch.setattr(VAE, "encode", encode)
    assert seconds_per_pass(run.model, inputs) >= 0.03 * len(inputs)
    assert sum(encoded) == 2 * FIRST_BATCH
