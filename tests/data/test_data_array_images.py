"""Crop, resize and tile images of arrays, as those of files."""

import numpy as np
import pytest
from PIL import Image

from raising import raises
from vaekit.data import load, split
from vaekit.errors import ConfigError, DataError

RNG = np.random.default_rng(0)
SIZES = [
    {"crop": (5, 4)},
    {"resize": (3, 5)},
    {"tile": (2, 3)},
    {"crop": (6, 6), "resize": (4, 4), "tile": (2, 2)},
]


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("channels", [1, 3])
def test_images_of_an_array_become_those_of_files(tmp_path, sizes, channels):
    x = RNG.integers(0, 256, (4, 8, 10, channels)).astype(np.uint8)
    for i, pixels in enumerate(x):
        Image.fromarray(pixels.squeeze()).save(tmp_path / f"{i}.png")
    np.save(tmp_path / "x.npy", x)
    np.savez(tmp_path / "x.npz", x=x, y=np.array(["b", "a", "b", "c"]))
    expected = load(tmp_path, **sizes).train
    for source in (x, tmp_path / "x.npy", tmp_path / "x.npz", load(x), list(x)):
        examples = load(source, **sizes).train
        assert np.array_equal(examples.x, expected.x) and examples.x.dtype == np.uint8
        assert (examples.groups is None) == (expected.groups is None)
        if examples.groups is not None:
            assert np.array_equal(examples.groups, expected.groups)


def test_tiles_have_the_class_and_the_place_of_their_image():
    x, y = np.arange(4 * 4 * 6).reshape(4, 4, 6), np.array([0, 1, 1, 0])
    data = load((x, y), tile=(2, 3))
    assert data.train.y.tolist() == np.repeat(y, 4).tolist()
    assert data.train.files[5] == "array[1][0,3]"
    assert np.array_equal(data.train.x[5, 0], x[1, :2, 3:])


@pytest.mark.parametrize("kind", [np.bool_, np.uint16, np.int32, np.float64])
def test_values_keep_their_type(kind):
    x = RNG.integers(0, 2, (3, 8, 8)).astype(kind)
    assert load(x, resize=(4, 4)).train.x.dtype == x.dtype
    assert np.array_equal(load(x, resize=(8, 8)).train.x[:, 0], x)


def test_a_test_part_changes_alike():
    data = load(np.zeros((5, 8, 8)), test=np.ones((2, 8, 8)), crop=(4, 4))
    assert data.train.x.shape == (5, 1, 4, 4) and data.test.x.shape == (2, 1, 4, 4)


def test_a_named_dataset_is_resized():
    data = load("mnist", resize=(14, 14))
    assert data.shape == (1, 14, 14) and data.test.x.shape == (10_000, 1, 14, 14)
    assert len(data.train) == 60_000 and len(data.classes) == 10


def test_an_array_of_two_dimensions_is_one_image():
    image = RNG.integers(0, 256, (20, 30)).astype(np.uint8)
    data = load(image, tile=(5, 10))
    assert np.array_equal(data.train.x[4, 0], image[5:10, 10:20])
    assert split(data, seed=0).counts() == {"train": 10, "validation": 1, "test": 1}
    assert len(data.notes) == 1 and load(image).shape == (30,)


def test_labeled_vectors_are_not_images():
    with raises(ConfigError, "crop"):
        load((np.zeros((4, 6)), [0, 1, 0, 1]), crop=(2, 2))


@pytest.mark.parametrize("option", ["crop", "tile"])
def test_an_option_larger_than_the_images_is_refused(option):
    with raises(DataError, option):
        load(np.zeros((3, 4, 4)), **{option: (4, 5)})
