"""Results do not depend on the state of torch, numpy and the process that a caller has set."""

from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch

import vaekit
from conftest import small_images, train_small
from vaekit.runtime.torch_state import default_torch_state

IMAGES = small_images().train.x


@contextmanager
def double():
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


STATES = {
    "no gradients": torch.no_grad,
    "inference": torch.inference_mode,
    "float64": double,
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "another device": lambda: torch.device("meta"),
    "numpy raises": lambda: np.errstate(all="raise"),
}


def results(folder: Path) -> dict[str, object]:
    """What a training and its use compute."""
    data = folder.parent / "images.npz"
    np.savez(data, x=IMAGES)
    train_small(folder, str(data), latent_dim=2)
    run = vaekit.load_run(folder)
    evaluation = vaekit.evaluate(
        run, importance_samples=3, ais_steps=2, ais_chains=2, generated_examples=4
    )
    missing = np.zeros(IMAGES.shape, bool)
    missing[:, :, :4] = True
    return {
        "test": run.summary["test"],
        "evaluation": {**evaluation.to_dict(), "run": "", "data": ""},
        "codes": run.encode(IMAGES).mean.tolist(),
        "samples": run.sample(3, seed=0, sample_likelihood=True).tolist(),
        "streamed": [x.tolist() for x in run.iter_sample(3, seed=0, sample_likelihood=True)],
        "scores": run.score(IMAGES).tolist(),
        "imputed": run.impute(IMAGES, missing, iterations=2).tolist(),
        "mixture": run.sample(3, seed=0, latents=vaekit.fit_mixture(run).sample).tolist(),
        "plots": len(vaekit.plot(run, "latent")),
    }


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    return results(tmp_path_factory.mktemp("plain") / "run")


@pytest.mark.slow
@pytest.mark.parametrize("state", STATES.values(), ids=STATES.keys())
def test_results_do_not_depend_on_the_state_of_the_caller(state, expected, tmp_path):
    with state():
        assert results(tmp_path / "run") == expected


@pytest.mark.parametrize("state", STATES.values(), ids=STATES.keys())
def test_the_state_of_the_caller_is_kept(state):
    def seen() -> tuple:
        x = torch.zeros(1)
        autocast = torch.is_autocast_enabled("cpu")
        return x.dtype, x.device, x.is_inference(), torch.is_grad_enabled(), autocast

    plain = seen()
    with state():
        before = seen()
        with default_torch_state():
            assert seen() == plain
        assert seen() == before
