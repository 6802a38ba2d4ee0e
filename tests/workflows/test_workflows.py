"""Build and train from Python: arrays, images of any shape, modules of the user's own."""

import numpy as np
import pytest
import torch
from torch import nn

import vaekit
from conftest import QUIET, small_images, tensor_bytes, train_small, with_plots
from raising import raises
from vaekit.core.distribution_module import DistributionModule
from vaekit.data import Dataset
from vaekit.errors import ConfigError, OutputError, RunError
from vaekit.likelihoods import Bernoulli
from vaekit.posteriors import DiagonalNormal
from vaekit.priors import StandardNormal

pytestmark = pytest.mark.slow

SHORT = {"training": {"epochs": 1, "batch_size": 16, "device": "cpu"}, "console": QUIET}


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(64, 5)

    def forward(self, x):
        return torch.tanh(self.layer(x.flatten(1)))


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 64)

    def forward(self, z):
        return self.layer(z).reshape(-1, 1, 8, 8)


def custom_model() -> vaekit.VAE:
    likelihood = Bernoulli((1, 8, 8))
    return vaekit.VAE(Encoder(), DiagonalNormal(5, 2), StandardNormal(2), Decoder(), likelihood)


def weights_of(run) -> bytes:
    return tensor_bytes(run.path / "model.safetensors")


# --- Build -----------------------------------------------------------------------------------


def test_a_built_model_suits_the_data():
    likelihood = {"kind": "gaussian", "scale": "learned"}
    model = vaekit.build("mlp", np.zeros((20, 6)), latent_dim=3, likelihood=likelihood)
    p = model.decode(model.encode(torch.zeros(4, 6)).sample((7,)))
    assert p.mean.shape == (7, 4, 6)
    assert p.variance.shape == (7, 4, 6)


NOISE = np.random.default_rng(0).uniform(size=(100, 16, 16))


def explaining(x: np.ndarray) -> int:
    """The number of principal components that explain 80 % of the variance."""
    flat = x.reshape(len(x), -1).astype(np.float64)
    shares = np.linalg.svd(flat - flat.mean(0), compute_uv=False) ** 2
    return int((np.cumsum(shares) / shares.sum() < 0.8).sum()) + 1


@pytest.mark.parametrize(
    ("data", "latent_dim", "likelihood"),
    [
        (np.zeros((20, 28, 28), np.uint8), 2, "Bernoulli"),
        (NOISE > 0.5, 2, "Bernoulli"),
        (NOISE, explaining(NOISE), "Gaussian"),
        (NOISE.repeat(3, 1).repeat(3, 2) > 0.5, explaining(NOISE > 0.5), "Bernoulli"),
        (NOISE[..., None].repeat(3, 3), explaining(NOISE), "Gaussian"),
        (NOISE[:, :6, :6], 32, "Gaussian"),
        (NOISE[:, 0], explaining(NOISE[:, 0]), "Gaussian"),
        (NOISE[:, 0] > 0.5, explaining(NOISE[:, 0] > 0.5), "Bernoulli"),
        (50 * NOISE[:, 0], explaining(NOISE[:, 0]), "NormalizedLikelihood"),
    ],
)
def test_defaults_follow_the_data(data, latent_dim, likelihood):
    model = vaekit.build("mlp", data)
    assert model.latent_shape == (latent_dim,)
    assert type(model.likelihood).__name__ == likelihood


def test_a_model_is_built_with_modules_of_the_users_own():
    model = vaekit.build("mlp", small_images(), encoder=Encoder(), latent_dim=2)
    assert isinstance(model.encoder, Encoder)
    assert model.posterior.mu.in_features == 5
    with raises(ConfigError, "optimizer"):
        vaekit.build("mlp", small_images(), optimizer=Encoder())


def test_integers_are_scaled_for_a_likelihood_of_unit_data(tmp_path):
    run = vaekit.train("mlp", data="digits", out=tmp_path / "run", **SHORT)
    assert str(run.support) == "integers:17"
    assert run.prepare(np.full((1, 1, 8, 8), 16, np.uint8)).max() == 1.0


def test_what_a_run_recorded_about_its_data_is_not_used_for_others(small_run, tmp_path):
    bars = small_images().train
    np.savez(tmp_path / "x.npz", x=bars.x / 255, y=np.array(["a", "d", "e"])[bars.y])
    config = str(small_run.path / "config.yaml")
    options = {"data": str(tmp_path / "x.npz"), "out": tmp_path / "run", "console": QUIET}
    run = vaekit.train(config, **options)
    assert small_run.config.data.classes == ("a", "b", "c")
    assert run.config.data.classes == ("a", "d", "e")
    assert str(run.support) == "unit"


def test_test_examples_of_one_dataset_are_not_those_of_another(tmp_path):
    x = small_images(60).train.x
    for name, count in {"one": 30, "its test": 7, "other": 60}.items():
        np.save(tmp_path / f"{name}.npy", x[:count])
    data = {"source": str(tmp_path / "one.npy"), "test": str(tmp_path / "its test.npy")}
    run = train_small(tmp_path / "run", data)
    assert run.summary["data"]["examples"]["test"] == 7
    path = str(tmp_path / "other.npy")
    for number, other in enumerate((path, {"source": path})):
        config = str(run.path / "config.yaml")
        options = {"out": tmp_path / str(number), "console": QUIET}
        again = vaekit.train(config, data=other, **options)
        assert again.config.data.test is None
        assert sum(again.summary["data"]["examples"].values()) == 60


def test_training_samples_pixels_by_their_gray_values(tmp_path):
    means, elbo = [], vaekit.ELBO()

    def objective(model, x, *, step=None):
        if step is not None:  # a trial before training has none
            means.append(x.mean().item())
        return elbo(model, x, step=step)

    data = {"source": "digits", "binarize": "dynamic"}
    training = {"epochs": 1, "batch_size": 2000}
    run = train_small(tmp_path / "run", data, objective=objective, training=training)
    train = np.load(run.path / "split.npz")["train"]
    gray = vaekit.load_data("digits").train.x[train] / 16
    assert means == pytest.approx([gray.mean()], abs=5 * (0.25 / gray.size) ** 0.5)


def test_a_likelihood_that_does_not_suit_the_data_is_refused(tmp_path):
    data = np.full((30, 4), 7.5)
    with raises(ConfigError, "likelihood"):
        vaekit.train("mlp", data=data, likelihood="bernoulli", out=tmp_path / "run", **SHORT)
    assert not (tmp_path / "run").exists()


def test_a_likelihood_without_the_required_attributes_is_refused():
    class Incomplete(nn.Module):
        shape = (1, 8, 8)

        def forward(self, features):
            return torch.distributions.Independent(torch.distributions.Normal(features, 1.0), 3)

    with raises(ConfigError):
        vaekit.VAE(Encoder(), DiagonalNormal(5, 2), StandardNormal(2), Decoder(), Incomplete())


# --- Train -----------------------------------------------------------------------------------

RNG = np.random.default_rng(0)
DATA = {
    "gray": small_images(),
    "color": small_images(shape=(3, 9, 13)),
    "table": RNG.normal(size=(60, 5)),
    "binary images": RNG.random((60, 7, 5)) > 0.5,
    "unit table with labels": (RNG.random((60, 6)).astype(np.float32), np.arange(60) % 2),
}


@pytest.mark.parametrize("recipe", ["mlp", "conv"])
@pytest.mark.parametrize("data", DATA.values(), ids=DATA)
def test_any_data_are_trained_on_plotted_and_sampled(tmp_path, recipe, data):
    is_table = len(vaekit.load_data(data).shape) == 1
    if recipe == "conv" and is_table:
        with raises(ConfigError):
            vaekit.train(recipe, data=data, out=tmp_path / "run", **SHORT)
        return
    with with_plots():
        run = vaekit.train(recipe, data=data, out=tmp_path / "run", **SHORT)
    samples = vaekit.load_run(run.path).sample(4)
    assert samples.shape == (4, *run.model.data_shape)
    assert np.isfinite(samples).all()
    plots = {"latent", "reconstructions", "curves", "dimensions", "losses"}
    if not is_table:
        plots |= {"grid", "samples"}
    assert {path.stem for path in (run.path / "plots").iterdir()} == plots


@pytest.mark.parametrize("latent_dim", [1, 2, 5])
def test_any_number_of_latent_dimensions_is_plotted(tmp_path, latent_dim):
    run = train_small(tmp_path / "run", plots=True, latent_dim=latent_dim)
    plots = {"latent", "grid", "reconstructions", "samples", "curves", "dimensions", "losses"}
    assert {path.stem for path in (run.path / "plots").iterdir()} == plots


def test_a_model_of_the_users_own_modules_is_trained_in_place_and_loaded_into_such_a_model(
    tmp_path,
):
    model = custom_model()
    before = model.encoder.layer.weight.clone()
    run = vaekit.train(model, data=small_images(), out=tmp_path / "run", **SHORT)
    assert run.model is model
    assert not torch.equal(before, model.encoder.layer.weight)
    assert run.config.part("encoder").model_dump() == {"kind": "custom", "name": "Encoder"}
    with raises(RunError, "model"):
        vaekit.load_run(run.path)
    untrained = custom_model()
    loaded = vaekit.load_run(run.path, model=untrained)
    assert loaded.model is untrained
    assert torch.equal(untrained.encoder.layer.weight, model.encoder.layer.weight)


def test_a_prior_of_the_users_own_is_trained_with(tmp_path):
    class Wide(DistributionModule):
        """A prior twice as wide as the standard normal."""

        def forward(self, features=None):
            normal = torch.distributions.Normal(torch.zeros(2), 2 * torch.ones(2))
            return torch.distributions.Independent(normal, 1)

    options = {"prior": Wide(), "latent_dim": 2, "out": tmp_path / "run", **SHORT}
    run = vaekit.train("mlp", data=small_images(), **options)
    assert run.summary["test"]["divergence"]["value"] > 0


def test_a_model_for_data_of_another_shape_is_refused(tmp_path):
    model = vaekit.build("mlp", small_images())
    with raises(ConfigError):
        vaekit.train(model, data=small_images(shape=(1, 9, 9)), out=tmp_path / "run", **SHORT)
    assert not (tmp_path / "run").exists()


def test_a_model_that_is_built_takes_no_options_of_its_parts(tmp_path):
    model = vaekit.build("mlp", small_images())
    with raises(ConfigError, "latent_dim"):
        vaekit.train(model, data=small_images(), latent_dim=8, out=tmp_path / "run", **SHORT)


def test_an_objective_as_options_and_as_an_object_trains_equally(tmp_path):
    as_options, as_object = (
        vaekit.train("mlp", data=small_images(), objective=each, out=tmp_path / name, **SHORT)
        for name, each in (("options", {"beta": 2.0}), ("object", vaekit.ELBO(beta=2.0)))
    )
    assert as_options.config == as_object.config
    assert weights_of(as_options) == weights_of(as_object)


def test_batch_normalization_trains_if_the_last_batch_would_have_one_example(tmp_path):
    net = {"hidden": [4], "batch_norm": True}
    run = train_small(tmp_path / "run", encoder=net, decoder=net, training={"batch_size": 16})
    assert run.summary["data"]["examples"]["train"] % 16 == 1


# --- Folders and splits ----------------------------------------------------------------------


def test_default_folders_have_the_names_of_recipe_data_and_time(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folders = [vaekit.train("mlp", data=small_images(), **SHORT).path for _ in range(2)]
    for folder in folders:
        assert folder.parent.name == "runs"
        assert folder.name.startswith("mlp-bars-2")
    assert folders[0] != folders[1]


def test_an_existing_run_is_overwritten_only_on_request(tmp_path):
    train_small(tmp_path / "run")
    with raises(OutputError, "overwrite"):
        train_small(tmp_path / "run")
    train_small(tmp_path / "run", overwrite=True)


def test_train_size_reduces_the_training_examples_only(tmp_path):
    digits = train_small(tmp_path / "digits", data={"source": "digits", "train_size": 50})
    assert digits.summary["data"]["examples"] == {"train": 50, "validation": 162, "test": 180}
    bars = train_small(tmp_path / "bars")
    assert bars.summary["data"]["examples"] == {"train": 49, "validation": 5, "test": 6}


def test_the_original_protocol_validates_on_the_test_examples(tmp_path):
    bars = small_images()
    test = bars.train.select(np.arange(20))
    data = Dataset("bars", bars.train, test, bars.support, bars.classes)
    nets = {"encoder": {"channels": [4]}, "decoder": {"channels": [4]}}
    run = vaekit.train("conv-original", data=data, out=tmp_path / "run", **nets, **SHORT)
    assert run.summary["data"]["examples"] == {"train": 60, "validation": 20, "test": 20}
    assert run.config.data.validation == "test"
