"""The default recipe, and options on top of it."""

import numpy as np
import pytest

import vaekit
from conftest import QUIET
from raising import raises
from vaekit import recipes
from vaekit.config import default_recipe
from vaekit.errors import ConfigError, DataError
from vaekit.nets import ConvEncoder, MLPEncoder
from vaekit.nets.components import ComponentsEncoder
from vaekit.workflows.data_profile import profile_data

LETTERS = (np.random.default_rng(0).random((60, 1, 8, 8)) > 0.7).astype(float)
"""Nearly binary images."""
GRAY = np.random.default_rng(0).uniform(0.3, 0.7, (60, 1, 8, 8))


@pytest.mark.parametrize(
    ("x", "recipe"),
    [
        (LETTERS, "plane"),
        (LETTERS * 0.98 + 0.01, "plane"),
        (LETTERS.repeat(6, 2).repeat(6, 3), "images"),
        (GRAY, "images"),
        (np.concatenate([LETTERS] * 3, 1), "images"),
        (GRAY - 0.5, "images"),
        (GRAY[:, 0, 0], "vectors"),
        (LETTERS[:, 0, 0], "vectors"),
    ],
    ids=["binary", "letters", "large", "gray", "color", "real", "table", "binary table"],
)
def test_the_default_recipe_suits_the_data(x: np.ndarray, recipe: str):
    assert default_recipe(profile_data(vaekit.load_data(x))) == recipe
    assert recipe in recipes.names()


def test_without_a_recipe_the_model_is_that_of_the_default():
    assert type(vaekit.build(data=LETTERS).encoder) is MLPEncoder
    images = vaekit.build(data=GRAY).encoder
    assert (type(images), type(images.net)) == (ComponentsEncoder, ConvEncoder)
    table = vaekit.build(data=GRAY[:, 0, 0]).encoder
    assert (type(table), type(table.net)) == (ComponentsEncoder, MLPEncoder)


def test_options_override_the_default_recipe():
    table = np.zeros((12, 6))
    assert vaekit.build(data=table, encoder={"hidden": [9]}).encoder.net.hidden == (9,)
    narrow = {"channels": [2]}
    assert vaekit.build(data=GRAY, encoder=narrow, decoder=narrow).encoder.net.channels == (2,)
    assert type(vaekit.build("conv", GRAY, encoder=narrow).encoder) is ConvEncoder


@pytest.mark.slow
def test_a_run_records_its_recipe(tmp_path):
    training = {"epochs": 1, "batch_size": 16, "device": "cpu"}
    run = vaekit.train(
        data=np.random.default_rng(0).random((60, 6)),
        out=tmp_path / "run",
        training=training,
        console=QUIET,
    )
    assert (run.config.recipe, run.config.part("encoder").kind) == ("vectors", "mlp")
    assert vaekit.load_run(run.path).summary["recipe"] == "vectors"


def test_an_invalid_option_is_refused_before_the_data_are_read(tmp_path):
    missing = tmp_path / "missing.npy"
    with raises(ConfigError, "optimizer.lr"):
        vaekit.train(data=missing, optimizer={"lr": -1.0})
    with raises(DataError):
        vaekit.train(data=missing)


def test_an_option_of_another_recipe_is_refused():
    with raises(ConfigError, "encoder.blocks"):
        vaekit.build(data=np.zeros((12, 1, 28, 28)), encoder={"blocks": 2})


def test_an_unknown_recipe_is_refused():
    with raises(ConfigError, "recipe"):
        recipes.text("cnov")
