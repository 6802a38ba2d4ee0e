"""Imputation of files and arrays with missing values."""

import numpy as np
import pytest

from conftest import small_images, train_small
from raising import raises
from vaekit import workflows
from vaekit.errors import ConfigError, DataError
from vaekit.workflows.impute import load_incomplete

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run that has learned bars; tests must not change it."""
    options = {"training": {"epochs": 30}, "encoder": {"hidden": [64]}, "decoder": {"hidden": [64]}}
    folder = tmp_path_factory.mktemp("impute")
    return train_small(folder / "run", small_images(900), latent_dim=4, **options)


def test_half_images_are_imputed_better_than_by_the_mean_image(run):
    x = small_images(30).train.x
    missing = np.zeros(x.shape, bool)
    missing[..., :4] = True
    imputed = run.impute(x, missing)
    assert (imputed[~missing] == x[~missing]).all()
    mean_image = np.broadcast_to(small_images(900).train.x.mean(0), x.shape)
    error, error_of_mean = (
        np.square(guess[missing] - x[missing]).mean() for guess in (imputed, mean_image)
    )
    assert error < 0.85 * error_of_mean


def test_a_file_is_imputed(run, tmp_path):
    x = small_images(5).train.x
    mask = np.random.default_rng(0).random(x.shape) < 0.3
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "mask.npy", mask)
    result = workflows.impute(
        run, tmp_path / "x.npy", missing=tmp_path / "mask.npy", out=tmp_path / "imputed.npy"
    )
    assert result.examples == 5
    assert result.missing_fraction == pytest.approx(mask.mean())
    imputed = np.load(result.path)
    assert (imputed[~mask] == x[~mask]).all()
    assert not (imputed[mask] == x[mask]).all()
    np.testing.assert_array_equal(imputed, run.impute(np.where(mask, np.uint8(0), x), mask))


def test_nan_and_a_mask_both_mark_missing_values(tmp_path):
    np.save(tmp_path / "x.npy", np.array([[1.0, np.nan], [3.0, 4.0]]))
    np.save(tmp_path / "mask.npy", np.array([[False, False], [True, False]]))
    values, missing = load_incomplete(tmp_path / "x.npy", tmp_path / "mask.npy")
    assert missing.tolist() == [[False, True], [True, False]]
    assert values.tolist() == [[1.0, 0.0], [0.0, 4.0]]


@pytest.mark.parametrize(
    ("values", "mask", "parameter"),
    [
        (np.ones((2, 2)), None, "data"),
        (np.ones((2, 2)), np.ones((2, 3), bool), "missing"),
        (np.ones((2, 2)), np.ones((2, 2)), "missing"),
        (np.array([{}]), None, None),
    ],
    ids=["nothing missing", "shape of the mask", "type of the mask", "objects"],
)
def test_files_that_mark_nothing_are_refused(tmp_path, values, mask, parameter):
    np.save(tmp_path / "x.npy", values, allow_pickle=True)
    if mask is not None:
        np.save(tmp_path / "mask.npy", mask)
    with raises(DataError, parameter):
        load_incomplete(tmp_path / "x.npy", None if mask is None else tmp_path / "mask.npy")


def test_files_of_other_formats_are_refused(run, tmp_path):
    np.save(tmp_path / "x.npy", np.full((2, 1, 8, 8), np.nan))
    with raises(DataError, "data"):
        load_incomplete(tmp_path / "x.csv", None)
    with raises(ConfigError, "out"):
        workflows.impute(run, tmp_path / "x.npy", out=tmp_path / "imputed.gif")
