"""The default recipe, and options on top of it."""

import numpy as np
import pytest

import vaekit
from conftest import QUIET
from raising import raises
from vaekit import recipes
from vaekit.errors import ConfigError, DataError
from vaekit.nets import ConvEncoder, MLPEncoder, ResNetEncoder


@pytest.mark.parametrize(
    ("shape", "recipe"),
    [
        ((1, 28, 28), "conv"),
        ((1, 128, 128), "conv"),
        ((3, 32, 32), "conv"),
        ((3, 63, 64), "conv"),
        ((3, 64, 63), "conv"),
        ((3, 64, 64), "resnet"),
        ((3, 96, 128), "resnet"),
        ((4, 64, 64), "resnet"),
        ((7,), "mlp"),
        ((64, 64), "mlp"),
    ],
)
def test_the_default_recipe_suits_the_data(shape: tuple[int, ...], recipe: str):
    assert recipes.default_for(shape) == recipe
    assert recipe in recipes.names()


@pytest.mark.parametrize(
    ("shape", "encoder"),
    [
        ((1, 8, 8), ConvEncoder),
        ((3, 9, 13), ConvEncoder),
        ((3, 64, 64), ResNetEncoder),
        ((6,), MLPEncoder),
    ],
)
def test_without_a_recipe_the_model_is_that_of_the_default(shape: tuple[int, ...], encoder: type):
    model = vaekit.build(data=np.random.default_rng(0).random((12, *shape)), latent_dim=2)
    assert type(model.encoder) is encoder
    assert model.data_shape == shape


def test_options_override_the_default_recipe():
    table = np.zeros((12, 6))
    images = np.zeros((12, 3, 64, 64))
    assert vaekit.build(data=table, encoder={"hidden": [9]}).encoder.hidden == (9,)
    small = {"channels": [2], "blocks": 2}
    assert vaekit.build(data=images, encoder=small, decoder=small).encoder.blocks == 2
    assert type(vaekit.build("conv", images, encoder={"channels": [2]}).encoder) is ConvEncoder


@pytest.mark.slow
def test_a_run_records_its_recipe(tmp_path):
    training = {"epochs": 1, "batch_size": 16, "device": "cpu"}
    run = vaekit.train(
        data=np.random.default_rng(0).random((60, 6)),
        out=tmp_path / "run",
        training=training,
        console=QUIET,
    )
    assert (run.config.recipe, run.config.part("encoder").kind) == ("mlp", "mlp")
    assert vaekit.load_run(run.path).summary["recipe"] == "mlp"


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
