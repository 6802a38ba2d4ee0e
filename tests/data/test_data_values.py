"""Values that no model can take are refused by position, whatever holds them."""

import numpy as np
import pytest
import torch

import vaekit
from conftest import QUIET, train_small
from raising import raises
from vaekit.data import Support, load
from vaekit.data.checks import as_array, check_inputs, check_latents
from vaekit.errors import ConfigError, DataError


def table(dtype=np.float64) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(20, 4)).astype(dtype)


def with_value(value: float, dtype=np.float64) -> np.ndarray:
    x = table(dtype)
    x[7, 2] = value
    return x


def message_of(work) -> str:
    with pytest.raises(DataError) as caught:
        work()
    return str(caught.value)


# --- Sizes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [np.nan, np.inf, -2e19, 1e39, 1e300])
def test_a_value_that_float32_cannot_square_is_refused_by_row_and_column(value):
    with raises(DataError, "data"):
        load(with_value(value))
    message = message_of(lambda: load(with_value(value)))
    assert "example 7 " in message and "(column 2)" in message


def test_the_largest_values_have_finite_squares():
    x = load(with_value(1.8e19, np.float32)).train.x
    assert np.isfinite(np.square(x)).all()
    assert load(with_value(60_000, np.float16)).train.x.dtype == np.float16


def test_a_pixel_is_named_by_channel_row_and_column():
    x = np.zeros((3, 3, 5, 6))
    x[1, 2, 3, 4] = np.nan
    position = "(channel 2, row 3, column 4)"
    assert position in message_of(lambda: load(x))
    channels_last = np.moveaxis(x, 1, -1)
    assert position in message_of(lambda: check_inputs(channels_last, (3, 5, 6), Support("real")))


def test_examples_of_later_blocks_keep_their_number():
    x = np.zeros((9000, 600), np.float32)  # 16 MiB are fewer than 7,000 of them
    x[8123, 599] = np.inf
    message = message_of(lambda: load(x))
    assert "example 8123 " in message and "(column 599)" in message


def test_a_latent_code_that_is_not_finite_is_named():
    z = np.zeros((5, 3))
    z[4, 1] = 1e39
    assert "latent code 4 " in (message := message_of(lambda: check_latents(z, 3)))
    assert "dimension 1" in message


# --- Masks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("masked", [[(7, 2)], [(7, 2), (9, 0)]])
def test_a_masked_value_is_refused_by_row_and_column(masked):
    x = np.ma.masked_array(table(), False)
    for at in masked:
        x[at] = np.ma.masked
    with raises(DataError, "data"):
        load(x)
    message = message_of(lambda: load(x))
    assert f"{len(masked)} of 80" in message and "example 7, column 2" in message
    with raises(DataError, "x"):
        check_inputs(x, (4,), Support("real"))
    with raises(DataError, "z"):
        check_latents(x, 4)


@pytest.mark.parametrize("mask", [False, np.zeros((20, 4), bool), np.ma.nomask])
def test_a_mask_that_masks_nothing_changes_nothing(mask):
    loaded = load(np.ma.masked_array(table(), mask)).train.x
    assert type(loaded) is np.ndarray
    np.testing.assert_array_equal(loaded, table())


def test_masked_labels_are_refused():
    y = np.ma.masked_array(np.arange(20) % 2, np.arange(20) == 3)
    with raises(DataError, "data"):
        load((table(), y))


# --- Containers ----------------------------------------------------------------------------------


class Frame:
    """A table with the attributes of a data frame."""

    def __init__(self, columns: dict[str, np.ndarray], extension: bool = False):
        self.columns = list(columns)
        self.arrays = list(columns.values())
        self.dtypes = [array.dtype for array in self.arrays]
        self.extension = extension

    def __array__(self, dtype=None, copy=None):
        array = np.stack(self.arrays, 1)
        return array.astype(object) if self.extension else array

    def to_numpy(self, dtype, na_value):
        return np.stack(self.arrays, 1).astype(dtype)


@pytest.mark.parametrize("extension", [False, True])
def test_a_data_frame_of_numbers_is_a_table(extension):
    frame = Frame({"a": np.arange(5), "b": np.arange(5) + 0.5}, extension)
    np.testing.assert_array_equal(as_array(frame, "x"), [[i, i + 0.5] for i in range(5)])


def test_columns_of_a_data_frame_that_are_text_are_named():
    frame = Frame({"size": np.arange(2), "species": np.array(["a", "b"], object)})
    message = message_of(lambda: as_array(frame, "x"))
    assert "species" in message and "size" not in message


def test_lists_and_tensors_are_arrays():
    rows = table().tolist()
    np.testing.assert_array_equal(load(rows).train.x, table())
    parameter = torch.tensor(table(), requires_grad=True)
    np.testing.assert_array_equal(load(parameter).train.x, table())
    np.testing.assert_array_equal(check_inputs(2 * parameter, (4,), Support("real")), 2 * table())


def test_lists_of_different_lengths_are_refused():
    with raises(DataError, "data"):
        load([[1.0, 2.0], [3.0]])
    with raises(DataError, "x"):
        check_inputs([[1.0, 2.0], [3.0]], (2,), Support("real"))


def test_images_of_pillow_are_one_example_each():
    from PIL import Image

    images = [Image.new("RGB", (6, 5), (i, 0, 0)) for i in range(3)]
    assert load(images).shape == (3, 5, 6)
    assert load(images[0]).shape == (3, 5, 6)
    assert len(load(images[0]).train) == 1


def test_options_of_data_take_a_path_like_its_text(tmp_path):
    np.save(tmp_path / "table.npy", table())
    assert vaekit.build("mlp", {"source": tmp_path / "table.npy"}).data_shape == (4,)
    recorded = train_small(tmp_path / "run", {"source": tmp_path / "table.npy"}).config.data
    assert recorded.source == str(tmp_path / "table.npy")


# --- Batches of one example ----------------------------------------------------------------------

BATCH_NORM = {"encoder": {"batch_norm": True}}


@pytest.mark.parametrize(
    ("options", "parameter"),
    [
        ({"training": {"batch_size": 1}}, "training.batch_size"),
        ({"data": {"source": "table.npy", "train_size": 1}}, "data.train_size"),
    ],
    ids=["batches of one", "one example"],
)
def test_batch_normalization_of_one_example_is_refused_before_the_folder_is_claimed(
    tmp_path, monkeypatch, options, parameter
):
    monkeypatch.chdir(tmp_path)
    np.save("table.npy", table())
    with raises(ConfigError, parameter):
        vaekit.train(
            "mlp", **{"data": "table.npy"} | BATCH_NORM | options, out="run", console=QUIET
        )
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_last_batch_of_one_example_is_trained_with_the_one_before(tmp_path):
    run = train_small(tmp_path / "rest", **BATCH_NORM)  # 49 examples in batches of 16
    assert run.history["step"] == [3, 6]
