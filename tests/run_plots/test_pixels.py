"""Values of a run as pixels: in [0, 1], on a common scale, with one or three channels."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from vaekit.data import Support
from vaekit.run_plots.pixels import to_pixels

RNG = np.random.default_rng(0)


def run_of(shape, kind="unit", normalize="none"):
    """A run, as far as pixels depend on it."""
    config = SimpleNamespace(data=SimpleNamespace(normalize=normalize))
    model = SimpleNamespace(data_shape=shape)
    support = Support(kind)
    transform = support.transform((kind,))
    return SimpleNamespace(model=model, transform=transform, support=support, config=config)


def test_images_are_clipped_and_not_rescaled():
    values = torch.tensor([-0.5, 0.25, 1.5]).reshape(3, 1, 1, 1)
    pixels = to_pixels(run_of((1, 1, 1)), values)
    assert pixels.ravel().tolist() == [0.0, 0.25, 1.0]


def test_real_images_have_the_range_of_the_middle_99_percent_of_the_examples():
    examples = RNG.normal(3, 10, size=(500, 1, 4, 4))
    low, high = np.percentile(examples, (0.5, 99.5))
    values = np.array([low, (low + high) / 2, high, high + 100]).reshape(4, 1, 1, 1)
    pixels = to_pixels(run_of((1, 4, 4), "real"), values, examples)
    assert pixels.ravel() == pytest.approx([0.0, 0.5, 1.0, 1.0])


def test_faint_images_that_are_normalized_fill_the_range_from_black_to_white():
    examples = RNG.uniform(0.1, 0.2, size=(500, 1, 4, 4))
    for normalize, ends in (("none", (0.1, 0.2)), ("standardize", (0.0, 1.0))):
        run = run_of((1, 4, 4), normalize=normalize)
        pixels = to_pixels(run, examples, examples)
        assert (pixels.min(), pixels.max()) == pytest.approx(ends, abs=1e-3)


def test_constant_real_images_have_finite_pixels():
    examples = np.full((5, 1, 2, 2), 7.0)
    assert np.isfinite(to_pixels(run_of((1, 2, 2), "real"), examples, examples)).all()


@pytest.mark.parametrize("channels", [2, 5])
def test_other_numbers_of_channels_are_averaged(channels):
    values = RNG.random((3, 6, channels, 4, 4))
    pixels = to_pixels(run_of((channels, 4, 4)), values)
    np.testing.assert_allclose(pixels, values.mean(-3, keepdims=True))


@pytest.mark.parametrize("channels", [1, 3])
def test_one_and_three_channels_are_unchanged(channels):
    values = RNG.random((3, channels, 4, 4))
    np.testing.assert_array_equal(to_pixels(run_of((channels, 4, 4)), values), values)


def test_vectors_are_unchanged():
    values = RNG.normal(size=(4, 5))
    np.testing.assert_array_equal(to_pixels(run_of((5,), "real"), values, values), values)
