import numpy as np
import pytest

import vaekit
from vaekit.training.budget import default_batch_size, default_steps

GRAY = np.random.default_rng(0).random((30, 1, 28, 28))


@pytest.mark.parametrize(
    ("examples", "size"), [(1, 1), (7, 1), (16, 2), (200, 16), (512, 64), (10**6, 64)]
)
def test_an_epoch_has_eight_batches_if_it_can(examples: int, size: int):
    assert default_batch_size(examples) == size


def test_the_budget_is_that_of_the_keras_example():
    model = vaekit.build("conv", GRAY, latent_dim=2)
    assert default_steps(model, 54_000, 64) == 4500
    assert default_steps(model, 54_000, 128) < 4500
    wide = vaekit.build("conv", GRAY, latent_dim=2, encoder={"channels": [512, 512]})
    assert 50 <= default_steps(wide, 54_000, 64) < 1000


def test_few_examples_are_not_visited_endlessly():
    model = vaekit.build("conv", GRAY, latent_dim=2)
    assert default_steps(model, 10, 1) == 3000
    assert default_steps(model, 1, 1) == 300
