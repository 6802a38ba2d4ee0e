"""Rows with values missing, by command and in Python."""

import json

import numpy as np
import pytest

from conftest import small_images, train_small
from vaekit.errors import ConfigError, DataError
from vaekit.workflows.impute import impute, load_incomplete


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run that has learned bars, read-only for tests."""
    options = {"training": {"epochs": 60}, "encoder": {"hidden": [64]}, "decoder": {"hidden": [64]}}
    return train_small(
        tmp_path_factory.mktemp("impute") / "run", small_images(900), latent_dim=4, **options
    )


def test_bars_are_continued_better_than_by_the_mean_image(run):
    rows = small_images(30).train
    missing = np.zeros(rows.x.shape, bool)
    missing[..., :4] = True
    found = impute(run, rows, missing)
    assert (found[~missing] == rows.x[~missing]).all()
    mean = np.broadcast_to(small_images(900).train.x.mean(0), rows.x.shape)
    error, of_mean = (np.square(guess[missing] - rows.x[missing]).mean() for guess in (found, mean))
    assert error < 0.85 * of_mean


def test_nan_and_masks_both_mark_what_is_missing(tmp_path):
    values = np.array([[1.0, np.nan], [3.0, 4.0]])
    np.save(tmp_path / "v.npy", values)
    np.save(tmp_path / "m.npy", np.array([[False, False], [True, False]]))
    filled, missing = load_incomplete(tmp_path / "v.npy", tmp_path / "m.npy")
    assert missing.tolist() == [[False, True], [True, False]] and filled.tolist() == [
        [1.0, 0.0],
        [0.0, 4.0],
    ]


@pytest.mark.parametrize(
    ("values", "mask", "message"),
    [
        (np.ones((2, 2)), None, "has nothing missing: mark it by NaN, or by a mask"),
        (np.ones((2, 2)), np.ones((2, 3), bool), r"is bool \(2, 3\), the rows are \(2, 2\)"),
        (np.ones((2, 2)), np.ones((2, 2)), "give bools of that shape"),
        (np.array([{}]), None, "cannot be read"),
    ],
)
def test_what_marks_nothing_is_refused(tmp_path, values, mask, message):
    np.save(tmp_path / "v.npy", values, allow_pickle=True)
    if mask is not None:
        np.save(tmp_path / "m.npy", mask)
    with pytest.raises(DataError, match=message) as error:
        load_incomplete(tmp_path / "v.npy", None if mask is None else tmp_path / "m.npy")
    assert "\n" not in str(error.value)


def test_what_cannot_be_asked(run):
    rows = small_images(3).train
    with pytest.raises(
        DataError, match=r"missing is bool \(3, 1, 4, 4\), the rows are \(3, 1, 8, 8\)"
    ):
        impute(run, rows, np.ones((3, 1, 4, 4), bool))
    with pytest.raises(ConfigError, match="sweeps = 0: at least 1"):
        impute(run, rows, np.ones(rows.x.shape, bool), sweeps=0)


def test_the_command_fills_in_a_file(run, cli, tmp_path):
    x = small_images(5).train.x
    mask = np.random.default_rng(0).random(x.shape) < 0.3
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "mask.npy", mask)
    status, out, _ = cli("impute", run.path, "x.npy", "--missing", "mask.npy", "--json")
    assert status == 0 and json.loads(out)["rows"] == 5
    filled = np.load(tmp_path / "imputed.npy")
    assert (filled[~mask] == x[~mask]).all() and not (filled[mask] == x[mask]).all()
