"""Loading datasets from names, paths, arrays and datasets."""

import numpy as np
import pytest
from PIL import Image

from raising import raises
from vaekit.data import Dataset, Examples, Support, load
from vaekit.data.binarization import binarize
from vaekit.data.readers.image_arrays import MixedSizesError
from vaekit.errors import ConfigError, DataError


def test_a_dataset_is_returned_unchanged():
    data = load(np.zeros((3, 4)))
    assert load(data) is data


def test_a_dataset_with_another_support_or_test_part():
    data = load((np.zeros((3, 4)), [10, 2, 10]))
    other = load(data, support="real", test=(np.ones((1, 4)), [2]))
    assert str(other.support) == "real" and other.classes == data.classes == ("2", "10")
    assert other.test is not None and other.test.y is not None and other.test.y.tolist() == [0]
    assert other.train.x is data.train.x
    assert other.train.y is not None and other.train.y.tolist() == [1, 0, 1]


def test_gray_values_do_not_outlast_another_support_or_test_part():
    data = binarize(load(np.array([[0.2, 0.7]])), "dynamic")
    assert data.gray is not None
    assert load(data, support="real").gray is None
    assert load(data, test=np.array([[0.0, 1.0]])).gray is None


def test_examples_and_names_of_arrays():
    data = load(Examples(np.zeros((3, 4)), np.array([4, 5, 4])))
    assert isinstance(data, Dataset) and data.name == "array" and data.classes == ("4", "5")


def test_support_is_declared():
    assert str(load(np.zeros((2, 2), np.int64), support="integers:17").support) == "integers:17"
    assert load(np.zeros((2, 2)), support=Support("binary")).support == Support("binary")
    with raises(DataError, "data"):
        load(np.full((2, 2), 17), support="integers:17")
    with raises(ConfigError, "support"):
        load(np.zeros((2, 2)), support="rael")


def test_the_support_of_the_data_is_that_of_the_test_part():
    with raises(DataError, "test"):
        load(np.zeros((2, 2)), test=np.full((1, 2), 2.0))
    assert load(np.zeros((2, 2)), test=np.full((1, 2), 2.0), support="real").test is not None
    bytes_of_unit_data = load(np.zeros((2, 2)), test=np.ones((1, 2), np.uint8))
    assert str(bytes_of_unit_data.support) == "unit"


def test_named_data_with_another_support():
    assert str(load("digits", support="real").support) == "real"
    with raises(DataError, "data"):
        load("digits", support="unit")


@pytest.mark.parametrize(
    "name", ["mnits", "", "no/such/folder", "x.npy", "a\0b", "x" * 5000, "a\nb"]
)
def test_unknown_names_are_refused(name):
    with raises(DataError, "data"):
        load(name)
    with raises(DataError, "test"):
        load(np.zeros((2, 2)), test=name)


def test_an_unknown_name_gets_the_nearest_one_as_a_suggestion():
    with pytest.raises(DataError) as caught:
        load("mnits")
    assert "'mnist'" in str(caught.value) and "'digits'" not in str(caught.value)


def test_a_name_is_searched_for_in_the_data_folder(monkeypatch, tmp_path):
    for folder in (tmp_path / "data/faces", tmp_path / "secret"):
        folder.mkdir(parents=True)
        (folder / "train-images-idx3-ubyte").write_bytes(
            bytes([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 7, 8])
        )
    monkeypatch.setenv("VAEKIT_DATA", str(tmp_path / "data"))
    assert load("faces").name == "faces" and load("faces").shape == (1, 1, 2)
    for name in ("../secret", "other", str(tmp_path / "data/other"), ""):
        with raises(DataError, "data"):
            load(name)


@pytest.mark.parametrize("source", [{"x": [1.0]}, 3, None, (1, 2, 3), object()])
def test_sources_of_another_type_are_refused(source):
    with raises(DataError, "data"):
        load(source)


def test_files_of_another_format_are_refused(tmp_path):
    (tmp_path / "a.csv").write_text("1,2")
    with raises(DataError, "data"):
        load(tmp_path / "a.csv")


def test_test_part_from_a_file(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((4, 3)))
    np.save(tmp_path / "b.npy", np.ones((2, 3)))
    data = load(tmp_path / "a.npy", test=tmp_path / "b.npy")
    assert data.name == "a" and data.test is not None
    assert np.array_equal(data.test.x, np.ones((2, 3)))
    np.save(tmp_path / "c.npy", np.ones((2, 5)))
    with raises(DataError, "test"):
        load(tmp_path / "a.npy", test=tmp_path / "c.npy")


def test_a_test_part_replaces_that_of_the_data(tmp_path):
    arrays = {"x": np.zeros((2, 3)), "y": [4, 2], "x_test": np.zeros((2, 3)), "y_test": [7, 9]}
    np.savez(tmp_path / "a.npz", **arrays)
    data = load(tmp_path / "a.npz", test=(np.ones((3, 3)), [8, 4, 2]))
    assert data.test is not None and np.array_equal(data.test.x, np.ones((3, 3)))
    assert data.classes == ("2", "4", "8")
    assert data.test.y is not None and data.test.y.tolist() == [2, 1, 0]


def test_test_data_with_a_test_part_of_their_own_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros((2, 3)), x_test=np.zeros((2, 3)))
    with raises(DataError, "test"):
        load(np.zeros((2, 3)), test=tmp_path / "a.npz")


def test_a_tensor_is_an_array():
    torch = pytest.importorskip("torch")
    data = load((torch.zeros(3, 2), torch.tensor([0, 1, 0])))
    assert data.shape == (2,) and data.classes == ("0", "1")


# --- Images of Pillow and lists ------------------------------------------------------------------


def test_an_image_of_pillow_is_one_example():
    image = Image.fromarray(np.arange(6, dtype=np.uint8).reshape(2, 3))
    assert load(image).train.x.tolist() == [[[[0, 1, 2], [3, 4, 5]]]]
    assert load(image, resize=(4, 4)).shape == (1, 4, 4)


def test_a_list_of_images_of_pillow():
    images = [Image.new("L", (3, 2), 7), Image.new("RGB", (3, 2), (7, 8, 9))]
    assert load(images).train.x[:, :, 0, 0].tolist() == [[7, 7, 7], [7, 8, 9]]
    with raises(MixedSizesError, "resize"):
        load([*images, Image.new("L", (4, 2))])


def test_a_list_of_arrays_of_one_shape():
    assert load([np.zeros((4, 5), np.uint8)] * 3).train.x.shape == (3, 1, 4, 5)
    assert load([np.zeros(4)] * 3).train.x.shape == (3, 4)


@pytest.mark.parametrize("other", [np.zeros((4, 6)), np.zeros((4, 5), np.float32)])
def test_arrays_that_differ_are_named(other):
    with pytest.raises(DataError, match=r"array 0 .*array 1 "):
        load([np.zeros((4, 5)), other, np.zeros((1, 1))])


def test_an_empty_list_is_refused():
    with raises(DataError, "data"):
        load([])
