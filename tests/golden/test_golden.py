"""The losses of 20 steps of every recipe in float64, compared with recorded ones.

`vaekit.train` runs each recipe on a small fixed dataset: configuration, model, objective,
optimizer, schedule, noise, annealing and codebook are those of any training. A change that keeps
the mathematics keeps the losses to a relative error of 1e-9. A change that alters it on purpose
records them again:

    python tests/golden/test_golden.py

Recipes with a learned prior have ten more losses, those of the steps of their second stage.
"""

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import torch
from rich.console import Console

import vaekit
from vaekit import recipes

pytestmark = pytest.mark.slow

LOSSES = Path(__file__).with_name("losses.json")
TOLERANCE = 1e-9

BATCHES = 10
EPOCHS = 2
STEPS = BATCHES * EPOCHS
PRIOR_STEPS = BATCHES
TWO_STAGES = {"fsq", "vq"}

# An eighth of the recipe's channels: its 60 million weights would take minutes.
DCGAN_CHANNELS = {"channels": [16, 32, 64, 128]}
OVERRIDES = {"dcgan": {"encoder": DCGAN_CHANNELS, "decoder": DCGAN_CHANNELS}}

BATCH_SIZE = 8
BATCH_SIZES = {"mlp-500": 50}  # the recipe trains on 500 examples


class EnoughLossesError(Exception):
    """Ends a training after its last recorded loss, before evaluation and plots take their time."""


@pytest.mark.parametrize("recipe", recipes.names())
def test_the_losses_of_a_recipe_are_the_recorded_ones(recipe: str, tmp_path: Path):
    expected = json.loads(LOSSES.read_text())[recipe]
    losses = train_losses(recipe, tmp_path)
    np.testing.assert_allclose(losses, expected, rtol=TOLERANCE, atol=0)


def test_every_recipe_has_recorded_losses_and_every_record_a_recipe():
    assert sorted(json.loads(LOSSES.read_text())) == sorted(recipes.names())


def train_losses(recipe: str, folder: Path) -> list[float]:
    """The loss of every step of a small run of the recipe, in order."""
    batch_size = BATCH_SIZES.get(recipe, BATCH_SIZE)
    steps = STEPS + (PRIOR_STEPS if recipe in TWO_STAGES else 0)
    with one_thread(), recorded_losses(steps) as losses:
        vaekit.train(
            recipe,
            data=write_data(recipe, folder, BATCHES * batch_size),
            out=folder / "run",
            console=Console(quiet=True),
            training={
                "epochs": EPOCHS,
                "batch_size": batch_size,
                "precision": "64-true",
                "device": "cpu",
            },
            prior_stage={"epochs": 1, "batch_size": batch_size},
            **OVERRIDES.get(recipe, {}),
        )
    assert len(losses) == steps
    return losses


def write_data(recipe: str, folder: Path, examples: int) -> dict[str, Any]:
    """Write a training and a test file and return the `data` options that name them."""
    digits = recipe == "categorical-digits"
    images = digit_images if digits else gray_images
    np.save(folder / "train.npy", images(examples, seed=0))
    np.save(folder / "test.npy", images(6, seed=1))
    return {
        "source": str(folder / "train.npy"),
        "test": str(folder / "test.npy"),
        "support": "integers:17" if digits else None,
        "validation": "test",  # so that every example of the source trains
    }


def gray_images(count: int, seed: int) -> np.ndarray:
    """Dark images of 28 x 28 bytes with one bright bar each."""
    return bars(count, seed).repeat(7, axis=2).repeat(7, axis=3)


def digit_images(count: int, seed: int) -> np.ndarray:
    """Dark images of 8 x 8 pixels and 17 levels with one bright bar each."""
    return bars(count, seed).repeat(2, axis=2).repeat(2, axis=3) // 15


def bars(count: int, seed: int) -> np.ndarray:
    """Dark images of 4 x 4 bytes with one bright row or column each."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 30, (count, 1, 4, 4), dtype=np.uint8)
    for i, place in enumerate(rng.integers(0, 4, count)):
        bar = images[i, 0, place] if i % 2 else images[i, 0, :, place]
        bar += 200
    return images


@contextmanager
def recorded_losses(steps: int) -> Iterator[list[float]]:
    """The list of all losses whose gradient is computed in the block, which ends after `steps`."""
    losses: list[float] = []
    backward = torch.Tensor.backward

    def record(loss: torch.Tensor, *arguments: Any, **options: Any) -> None:
        assert loss.dtype == torch.float64
        losses.append(loss.item())
        if len(losses) == steps:
            raise EnoughLossesError
        backward(loss, *arguments, **options)

    with patch.object(torch.Tensor, "backward", record), suppress(EnoughLossesError):
        yield losses


@contextmanager
def one_thread() -> Iterator[None]:
    """Run torch in one thread: the order of a sum then depends on no number of cores."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def main() -> None:
    """Record the losses of the installed code."""
    losses = {}
    for recipe in sorted(recipes.names()):
        with tempfile.TemporaryDirectory() as folder:
            losses[recipe] = train_losses(recipe, Path(folder))
        print(
            f"{recipe}: {losses[recipe][0]:.6g} to {losses[recipe][STEPS - 1]:.6g}", file=sys.stderr
        )
    LOSSES.write_text(json.dumps(losses, indent=1) + "\n")


if __name__ == "__main__":
    main()
