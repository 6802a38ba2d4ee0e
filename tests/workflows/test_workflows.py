"""Python first: the jobs as functions, on arrays, on images of any shape, with modules of one's own."""

import numpy as np
import pytest
import torch
from torch import nn

import vaekit
from conftest import QUIET, small_images, train_small
from vaekit.core.distribution_module import DistributionModule
from vaekit.errors import ConfigError, DataError, OutputError, RunError
from vaekit.likelihoods import Bernoulli
from vaekit.posteriors import DiagonalNormal
from vaekit.priors import StandardNormal
from vaekit.runs.run_data import find_examples
from vaekit.workflows import files, use
from vaekit.workflows.plot import PlotContext, View, grid
from vaekit.workflows.plot import latent as latent_picture

QUICK = {"training": {"epochs": 1, "batch_size": 16, "device": "cpu"}, "console": QUIET}


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


# --- Build -----------------------------------------------------------------------------------------------------------------


def test_build_fits_the_data():
    model = vaekit.build(
        "mlp", np.zeros((20, 6)), latent_dim=3, likelihood={"kind": "gaussian", "scale": "learned"}
    )
    p = model.decode(model.encode(torch.zeros(4, 6)).sample((7,)))
    assert p.mean.shape == (7, 4, 6)
    assert p.variance.shape == (7, 4, 6)


@pytest.mark.parametrize(
    ("data", "latent", "likelihood"),
    [
        (np.zeros((20, 28, 28), np.uint8), 2, "Bernoulli"),
        (np.zeros((20, 64, 64), np.uint8), 32, "Bernoulli"),
        (np.zeros((20, 3, 37, 53), np.uint8), 32, "Gaussian"),
        (np.zeros((20, 8, 8), bool), 2, "Bernoulli"),
        (np.full((20, 40), 3.5), 5, "Gaussian"),
        (np.full((20, 40), 0.5), 5, "Gaussian"),
        (np.full((20, 40), True), 5, "Bernoulli"),
    ],
)
def test_what_is_left_open_follows_the_data(data, latent, likelihood):
    model = vaekit.build("mlp", data)
    assert model.latent_shape == (latent,)
    assert type(model.likelihood).__name__ == likelihood


def test_build_takes_modules_of_ones_own():
    model = vaekit.build("mlp", small_images(), encoder=Encoder(), latent_dim=2)
    assert isinstance(model.encoder, Encoder)
    assert model.posterior.mu.in_features == 5
    with pytest.raises(ConfigError, match="optimizer cannot be a module"):
        vaekit.build("mlp", small_images(), optimizer=Encoder())


def test_integers_are_scaled_for_a_likelihood_of_unit_data(tmp_path):
    run = vaekit.train("mlp", data="digits", out=tmp_path / "run", **QUICK)
    assert str(run.support) == "integers:17"
    assert run.prepare(np.full((1, 1, 8, 8), 16, np.uint8)).max() == 1.0


def test_a_likelihood_that_does_not_suit_the_data_is_refused(tmp_path):
    with pytest.raises(DataError, match="the data are real, the model accepts binary or unit"):
        vaekit.train(
            "mlp", data=np.full((30, 4), 7.5), likelihood="bernoulli", out=tmp_path / "run", **QUICK
        )
    assert not (tmp_path / "run").exists()


# --- Train -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recipe", ["mlp", "conv"])
@pytest.mark.parametrize(
    "data",
    [
        small_images(),
        small_images(shape=(3, 9, 13)),
        np.random.default_rng(0).normal(size=(60, 5)),
        np.random.default_rng(0).random((60, 7, 5)) > 0.5,
        (np.random.default_rng(0).random((60, 6)).astype(np.float32), np.arange(60) % 2),
    ],
    ids=["gray", "colour", "table", "binary images", "unit table with labels"],
)
def test_any_data_train_evaluate_plot_sample_and_come_back(tmp_path, recipe, data):
    if recipe == "conv" and len(vaekit.load_data(data).shape) == 1:
        with pytest.raises(ConfigError, match="conv takes images"):
            vaekit.train(recipe, data=data, out=tmp_path / "run", **QUICK)
        return
    run = vaekit.train(recipe, data=data, out=tmp_path / "run", **QUICK)
    found = vaekit.load_run(run.path)
    samples = found.sample(4)
    assert samples.shape == (4, *run.model.data_shape)
    assert np.isfinite(samples).all()
    images = len(run.model.data_shape) == 3
    names = {"latent", "reconstructions", "curves", "dimensions", "losses"} | (
        {"grid", "samples"} if images else set()
    )
    assert {path.stem for path in (run.path / "plots").iterdir()} == names
    if not images:
        with pytest.raises(ConfigError, match="grid needs images"):
            vaekit.plot(run, ["grid"], data=data)


def test_a_model_of_ones_own_modules_is_trained_in_place_and_comes_back(tmp_path):
    model = vaekit.VAE(
        Encoder(), DiagonalNormal(5, 2), StandardNormal(2), Decoder(), Bernoulli((1, 8, 8))
    )
    before = model.encoder.layer.weight.clone()
    run = vaekit.train(model, data=small_images(), out=tmp_path / "run", **QUICK)
    assert run.model is model
    assert not torch.equal(before, model.encoder.layer.weight)
    assert run.config.part("encoder").model_dump() == {"kind": "custom", "name": "Encoder"}
    with pytest.raises(
        RunError,
        match=r"the encoder of .* is a module of your own, Encoder: load_run\(path, model=...\)",
    ):
        vaekit.load_run(run.path)
    blank = vaekit.VAE(
        Encoder(), DiagonalNormal(5, 2), StandardNormal(2), Decoder(), Bernoulli((1, 8, 8))
    )
    again = vaekit.load_run(run.path, model=blank)
    assert again.model is blank
    assert torch.equal(blank.encoder.layer.weight, model.encoder.layer.weight)


def test_a_whole_part_of_ones_own(tmp_path):
    class Spread(DistributionModule):
        """A prior twice as wide."""

        def forward(self, features=None):
            normal = torch.distributions.Normal(torch.zeros(2), 2 * torch.ones(2))
            return torch.distributions.Independent(normal, 1)

    run = vaekit.train(
        "mlp", data=small_images(), prior=Spread(), latent_dim=2, out=tmp_path / "run", **QUICK
    )
    assert run.summary["test"]["divergence"]["value"] > 0


def test_a_model_for_other_data_is_refused(tmp_path):
    model = vaekit.build("mlp", small_images())
    with pytest.raises(
        ConfigError, match=r"for rows of shape \(1, 8, 8\), the data have \(1, 9, 9\)"
    ):
        vaekit.train(model, data=small_images(shape=(1, 9, 9)), out=tmp_path / "run", **QUICK)
    assert not (tmp_path / "run").exists()


def test_an_objective_as_options_and_as_an_object(tmp_path):
    options = vaekit.train(
        "mlp", data=small_images(), objective={"beta": 2.0}, out=tmp_path / "a", **QUICK
    )
    thing = vaekit.train(
        "mlp", data=small_images(), objective=vaekit.ELBO(beta=2.0), out=tmp_path / "b", **QUICK
    )
    assert options.config == thing.config
    assert (tmp_path / "a/model.safetensors").read_bytes() == (
        tmp_path / "b/model.safetensors"
    ).read_bytes()


def test_the_default_folder_is_named_for_recipe_data_and_time(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runs = [vaekit.train("mlp", data=small_images(), **QUICK).path for _ in range(2)]
    assert all(run.parent.name == "runs" and run.name.startswith("mlp-bars-2") for run in runs)
    assert runs[0] != runs[1]


def test_an_existing_run_is_kept_unless_forced(tmp_path, small_run):
    train_small(tmp_path / "run")
    with pytest.raises(OutputError, match="--force"):
        train_small(tmp_path / "run")
    train_small(tmp_path / "run", force=True)


def test_a_limit_draws_that_many_rows_and_leaves_validation_and_test_alone(tmp_path, small_run):
    whole = train_small(tmp_path / "whole")
    part = train_small(tmp_path / "part", data={"source": "digits", "train_size": 50})
    assert part.summary["data"]["rows"] == {"train": 50, "validation": 162, "test": 180}
    assert whole.summary["data"]["rows"] == {"train": 49, "validation": 5, "test": 6}


def test_the_original_protocol_validates_on_the_test_rows(tmp_path):
    data = small_images()
    split = vaekit.data.Dataset(
        "bars", data.train, data.train.select(np.arange(20)), data.support, data.classes
    )
    run = vaekit.train(
        "conv-original",
        data=split,
        out=tmp_path / "run",
        encoder={"channels": [4]},
        decoder={"channels": [4]},
        **QUICK,
    )
    assert run.summary["data"]["rows"] == {"train": 60, "validation": 20, "test": 20}
    assert run.summary["data"]["validation"] == "the test rows, as in the original protocol"


# --- Judge and use ---------------------------------------------------------------------------------------------------------


def test_evaluate_adds_up_and_the_bound_lies_above_the_elbo(small_run):
    figures = vaekit.evaluate(small_run, samples=200, split="train")
    assert figures["loss"]["value"] == pytest.approx(
        figures["reconstruction"]["value"] + figures["divergence"]["value"]
    )
    assert figures["importance_weighted_bound"]["value"] > -figures["loss"]["value"]
    assert figures["rows"] == small_run.summary["data"]["rows"]["train"]
    assert vaekit.evaluate(small_run, samples=200, split="train") == figures


def test_the_summary_is_what_evaluate_finds(small_run):
    figures = vaekit.evaluate(small_run, samples=1, seed=small_run.config.seed)
    assert {k: figures[k] for k in ("loss", "reconstruction", "divergence")} == small_run.summary[
        "test"
    ]


def test_bits_per_dimension_are_there_where_the_likelihood_is_normalised(tmp_path, small_run):
    assert vaekit.evaluate(small_run, samples=2)["bits_per_dimension"] is None
    x = np.random.default_rng(0).random((60, 6)) > 0.5
    np.save(tmp_path / "x.npy", x)
    run = vaekit.train("mlp", data=str(tmp_path / "x.npy"), out=tmp_path / "run", **QUICK)
    figures = vaekit.evaluate(run, samples=2)
    bits = figures["bits_per_dimension"]["value"]
    assert bits == pytest.approx(-figures["importance_weighted_bound"]["value"] / 6 / np.log(2))


def test_encode_decode_and_reconstruct_agree(small_run):
    result = use.reconstruct(small_run, indices=[0, 2])
    codes = use.encode(small_run, vaekit.data.Examples(result.originals))
    np.testing.assert_array_equal(result.codes.mean, codes.mean)
    np.testing.assert_allclose(result.decoded, use.decode(small_run, codes.mean), rtol=1e-6)
    np.testing.assert_allclose(
        small_run.encode(result.originals).mean, codes.mean, rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("name", ["codes.npz", "codes.npy", "codes.csv"])
def test_codes_come_back_from_every_kind_of_file(small_run, tmp_path, name):
    codes = use.encode(small_run, find_examples(small_run)[0])
    files.save_codes(tmp_path / name, codes)
    np.testing.assert_allclose(files.load_codes(tmp_path / name)[0], codes.mean, rtol=1e-6)


def test_samples_repeat_with_their_seed_and_a_draw_is_no_mean(small_run):
    np.testing.assert_array_equal(
        use.sample(small_run, 5, seed=3), use.sample(small_run, 5, seed=3)
    )
    assert not np.array_equal(use.sample(small_run, 5, seed=3), use.sample(small_run, 5, seed=4))
    assert set(np.unique(use.sample(small_run, 5, draw=True))) <= {0.0, 255.0}


def test_a_file_of_ones_own_is_read_like_the_training_data(small_run, tmp_path):
    data = small_images()
    np.save(tmp_path / "x.npy", data.train.x[:4, 0])
    np.testing.assert_array_equal(
        find_examples(small_run, data=tmp_path / "x.npy")[0].x, data.train.x[:4]
    )
    assert vaekit.evaluate(small_run, data=tmp_path / "x.npy", samples=1)["rows"] == 4


def test_the_grid_shows_what_decode_gives(small_run, tmp_path):
    shown = PlotContext(small_run, lambda: find_examples(small_run)[0])
    first, second = shown.dimensions()
    with torch.no_grad():
        figure = grid(shown, View(across=(-2.0, 2.0), down=(-1.0, 3.0)))
    sheet = figure.axes[0].images[0].get_array()
    z = np.zeros((1, 3), np.float32)
    z[0, first], z[0, second] = -2.0, 3.0
    expected = use.decode(small_run, z)[0, 0] / 255
    np.testing.assert_allclose(np.asarray(sheet).squeeze()[:8, :8], expected, atol=1e-6)


@pytest.mark.parametrize("latent", [1, 2, 5])
def test_every_picture_is_drawn_for_any_number_of_latent_dimensions(tmp_path, latent):
    run = train_small(tmp_path / "run", latent_dim=latent)
    names = {"latent", "grid", "reconstructions", "samples", "curves", "dimensions", "losses"}
    assert {path.stem for path in (run.path / "plots").iterdir()} == names
    with torch.no_grad():
        shown = PlotContext(run, lambda: find_examples(run, data=small_images())[0])
        title = latent_picture(shown, View(projection="pca")).get_suptitle()
    assert ("principal components" in title.replace("\n", " ")) == (latent > 2)


# --- Requests that cannot be -----------------------------------------------------------------------------------------------


def test_a_model_that_is_built_takes_no_options_of_parts(tmp_path):
    with pytest.raises(
        ConfigError, match="latent_dim cannot be set for a model that is already built"
    ):
        vaekit.train(
            vaekit.build("mlp", small_images()),
            data=small_images(),
            latent_dim=8,
            out=tmp_path / "run",
            **QUICK,
        )


def test_a_folder_with_a_foreign_config_is_never_cleared(tmp_path):
    (tmp_path / "other/plots").mkdir(parents=True)
    (tmp_path / "other/config.yaml").write_text("site_name: mine\n")
    (tmp_path / "other/plots/thesis.png").write_text("years")
    with pytest.raises(OutputError, match="is not a run folder"):
        train_small(tmp_path / "other", force=True)
    assert (tmp_path / "other/plots/thesis.png").read_text() == "years"


def test_counts_and_codes_that_cannot_be(small_run):
    with pytest.raises(ConfigError, match="count = 0"):
        use.sample(small_run, 0)
    assert small_run.model.sample(0).shape == (0, 1, 8, 8)
    for decode in (small_run.decode, lambda z: use.decode(small_run, z)):
        with pytest.raises(
            DataError, match=r"codes of shape \(2, 4\) were given, this model takes \[N, 3\]"
        ):
            decode(np.zeros((2, 4)))
        with pytest.raises(DataError, match="NaN, infinity"):
            decode(np.full((2, 3), np.nan))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.csv", b""),
        ("text.csv", b"z1,z2,z3\na,b,c\n"),
        ("ragged.csv", b"z1,z2,z3\n1,2\n"),
        ("field.csv", b"z1\n" + b"1" * 200_000 + b"\n"),
        ("bytes.csv", b"\xff\xfe\x00"),
        ("junk.npz", b"junk"),
        ("junk.npy", b"junk"),
    ],
)
def test_files_that_hold_no_codes_are_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=name):
        files.load_codes(tmp_path / name)


def test_a_likelihood_of_ones_own_is_told_what_it_lacks():
    class Bare(nn.Module):
        shape = (1, 8, 8)

        def forward(self, features):
            return torch.distributions.Independent(torch.distributions.Normal(features, 1.0), 3)

    with pytest.raises(ConfigError, match="no attribute 'accepts': derive it from vaekit"):
        vaekit.VAE(Encoder(), DiagonalNormal(5, 2), StandardNormal(2), Decoder(), Bare())
