"""Samples and reconstructions beside real rows: what is compared with what, and by what."""

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

import vaekit
from conftest import QUIET, small_images, train_small
from vaekit import plots
from vaekit.errors import ConfigError, DataError
from vaekit.evaluation import (
    ClassifierFeatures,
    CodeMixture,
    embed,
    frechet_distance,
    nearest_distance,
)
from vaekit.inference.encode_decode import sample_means
from vaekit.runs.training_examples import fit_mixture, nearest_training_examples, training_examples
from vaekit.runtime.seeding import seeded_noise
from vaekit.workflows import quality
from vaekit.workflows import training_examples as of_training
from vaekit.workflows.sample_quality import feature_network
from vaekit.workflows.training_setup import load_data

FIGURES = {
    "frechet",
    "kernel",
    "precision",
    "recall",
    "density",
    "coverage",
    "nearest_training_distance",
}


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """A run on a file with enough rows to compare: 24 of them test."""
    folder, data = tmp_path_factory.mktemp("many"), small_images(rows=240)
    np.savez(folder / "bars.npz", x=data.train.x, y=np.array(data.classes)[data.train.y])
    return train_small(folder / "run", str(folder / "bars.npz"), latent_dim=2)


@pytest.fixture(scope="module")
def conditional(tmp_path_factory):
    return train_small(
        tmp_path_factory.mktemp("conditional") / "run",
        small_images(rows=240),
        latent_dim=2,
        conditional=True,
    )


def test_samples_stand_beside_training_rows_with_all_figures_and_their_errors(many):
    found = vaekit.evaluate(many, samples=1)
    judged = found["sample_quality"]
    assert judged["rows"] == 24 and judged["values"] == "means of p(x given z)"
    for source in ("prior", "mixture", "real_data_baseline"):
        assert set(judged[source]) == FIGURES
        assert all(figure["standard_error"] >= 0 for figure in judged[source].values())
    assert judged["real_data_baseline"]["frechet"]["value"] < judged["prior"]["frechet"]["value"]


def test_figures_repeat_by_seed_and_differ_by_it(many):
    first, again, other = (
        vaekit.evaluate(many, samples=1, seed=seed)["sample_quality"] for seed in (0, 0, 1)
    )
    assert first == again and first["prior"]["frechet"] != other["prior"]["frechet"]


def test_fewer_samples_are_judged_beside_as_few_rows(many):
    assert vaekit.evaluate(many, samples=1, generated=20)["sample_quality"]["rows"] == 20


def test_too_few_rows_are_said_to_be_too_few(many):
    found = vaekit.evaluate(many, samples=1, generated=19)
    assert found["sample_quality"] is None
    assert found["why_no_sample_quality"] == "distances of samples need 20 rows, here are 19"


def test_none_are_judged_where_none_are_asked_for_or_the_rows_are_others(many, tmp_path):
    assert "sample_quality" not in vaekit.evaluate(many, samples=1, generated=0)
    np.save(tmp_path / "other.npy", np.zeros((30, 1, 8, 8), np.uint8))
    found = vaekit.evaluate(many, samples=1, data=tmp_path / "other.npy")
    assert found["sample_quality"] is None and "not of others" in found["why_no_sample_quality"]


def test_zeros_and_ones_are_drawn(tmp_path):
    run = train_small(tmp_path / "run", {"source": str(_bars(tmp_path)), "binarize": "threshold"})
    assert vaekit.evaluate(run, samples=1)["sample_quality"]["values"] == "draws from p(x given z)"


def _bars(folder):
    np.savez(folder / "bars.npz", x=small_images(rows=240).train.x)
    return folder / "bars.npz"


def test_a_discrete_latent_has_no_mixture(tmp_path):
    run = train_small(
        tmp_path / "run", small_images(rows=240), posterior={"kind": "categorical"}, latent_dim=4
    )
    assert (
        "mixture"
        not in vaekit.evaluate(run, samples=1, data=small_images(rows=240))["sample_quality"]
    )
    with pytest.raises(ConfigError, match="those of this run are discrete: draw from the prior"):
        fit_mixture(run, data=small_images(rows=240))


def test_a_mixture_draws_codes_that_the_run_decodes(many):
    assert many.decode(fit_mixture(many, components=2).draw(5)).shape == (5, 1, 8, 8)


def test_the_mixture_of_a_conditional_run_knows_its_classes(conditional):
    data = small_images(rows=240)
    mixture = fit_mixture(conditional, data=data)
    assert mixture.weights.shape[0] == 3
    torch.testing.assert_close(mixture.weights.sum(1), torch.ones(3, dtype=torch.float64))
    assert "mixture" in vaekit.evaluate(conditional, samples=1, data=data)["sample_quality"]


def test_other_features_are_those_that_are_named_and_few_where_rows_are_few(many):
    own = load_data(many.config)
    assert isinstance(feature_network(many, own, "classifier", 24, 0), ClassifierFeatures)
    assert feature_network(many, own, None, 24, 0).name == "2 principal components of training rows"
    assert feature_network(many, own, None, 10_000, 0).width == 64


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        (
            "inception",
            ConfigError,
            "features 'inception': allowed are components, classifier, and a file",
        ),
        ("no.pth", DataError, "no.pth cannot be read: no such file"),
    ],
)
def test_features_that_are_none_are_refused_before_anything_is_computed(many, name, error, message):
    with pytest.raises(error, match=message):
        vaekit.evaluate(many.path / "not a run", features=name)


def test_few_rows_for_many_features_are_warned_of(many):
    (warning,) = vaekit.evaluate(many, samples=1, features="classifier")["sample_quality"][
        "warnings"
    ]
    assert warning.startswith("24 rows are few for 128 features")


def test_training_rows_are_not_held_to_themselves(many):
    assert (
        "real_data_baseline"
        not in vaekit.evaluate(many, samples=1, split="train")["sample_quality"]
    )


def test_the_floor_is_of_training_rows(many):
    own = load_data(many.config)
    others = training_examples(many, own, 24, 0)
    real = own.train.select(np.load(many.path / "split.npz")["test"])
    network = feature_network(many, own, None, 24, 0)
    x, known = (
        embed(network, [torch.from_numpy(part).float() / 255])
        for part in (real.x, own.train.x[others.indices])
    )
    found = vaekit.evaluate(many, samples=1)["sample_quality"]["real_data_baseline"]
    assert found["frechet"]["value"] == pytest.approx(frechet_distance(known, x).value, rel=1e-3)
    assert found["nearest_training_distance"]["value"] == pytest.approx(
        nearest_distance(x, known).mean().item(), rel=1e-3
    )


def test_files_with_one_class_behind_the_other_get_the_same_figures_as_mixed_ones(tmp_path):
    rng, data = np.random.default_rng(0), small_images(rows=900).train
    order = np.argsort(data.y, kind="stable")
    found = []
    for name, rows in (("sorted", order), ("mixed", rng.permutation(900))):
        np.save(tmp_path / f"{name}.npy", data.x[rows])
        run = train_small(tmp_path / name, str(tmp_path / f"{name}.npy"))
        found.append(
            vaekit.evaluate(run, samples=1)["sample_quality"]["real_data_baseline"]["kernel"]
        )
    assert all(abs(each["value"]) < 5 * each["standard_error"] for each in found)


def test_samples_of_a_conditional_run_have_the_classes_of_the_rows(conditional, monkeypatch):
    asked = []

    def drawing(of):
        return lambda *given: asked.append(given[-1]) or of(*given)

    monkeypatch.setattr(quality, "sample_prior", drawing(quality.sample_prior))
    monkeypatch.setattr(CodeMixture, "draw", drawing(CodeMixture.draw))
    data = small_images(rows=240)
    vaekit.evaluate(conditional, samples=1, data=data)
    classes = data.train.y[np.load(conditional.path / "split.npz")["test"]]
    assert len(asked) == 2 and torch.equal(asked[0], asked[1])
    assert (
        torch.equal(asked[0].bincount(), torch.from_numpy(classes).bincount())
        and len(set(asked[0].tolist())) == 3
    )


def test_a_mixture_is_told_the_class_of_each_code(conditional, monkeypatch):
    data, given = small_images(rows=240), {}
    encode, fit = of_training.encode_all, of_training.CodeMixture

    def encoding(model, rows, **rest):
        given["rows"] = rows.x[rows.indices]
        return encode(model, rows, **rest)

    def fitting(codes, y, **rest):
        given["y"] = y
        return fit(codes, y, **rest)

    monkeypatch.setattr(of_training, "encode_all", encoding)
    monkeypatch.setattr(of_training, "CodeMixture", fitting)
    fit_mixture(conditional, data=data)
    known = {row.tobytes(): label for row, label in zip(data.train.x, data.train.y, strict=True)}
    assert [known[row.tobytes()] for row in given["rows"]] == given["y"].tolist() and len(
        given["y"]
    ) > 100


def test_tables_are_judged_by_draws(tmp_path):
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(300, 4)))
    run = train_small(tmp_path / "run", str(tmp_path / "x.npy"), training={"epochs": 40})
    judged = vaekit.evaluate(run, samples=1)["sample_quality"]
    assert (
        judged["values"] == "draws from p(x given z)" and judged["prior"]["coverage"]["value"] > 0.5
    )


def test_a_table_of_one_column_has_figures_too(tmp_path):
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(300, 1)))
    run = train_small(tmp_path / "run", str(tmp_path / "x.npy"), latent_dim=1)
    assert vaekit.evaluate(run, samples=1)["sample_quality"]["prior"]["frechet"]["value"] >= 0


def test_a_classifier_needs_labels(tmp_path):
    run = train_small(tmp_path / "run", str(_bars(tmp_path)))
    with pytest.raises(
        ConfigError,
        match="a classifier needs labels, these data have none: judge by --features components",
    ):
        vaekit.evaluate(run, samples=1, features="classifier")


def test_mnist_is_judged_by_the_network_in_the_package(tmp_path):
    run = vaekit.train(
        "mlp",
        data={"source": "mnist", "train_size": 1300},
        out=tmp_path / "run",
        training={"epochs": 1},
        console=QUIET,
    )
    found = vaekit.evaluate(run, samples=1, limit=1300)["sample_quality"]
    assert (
        found["features"] == "128 features of a small classifier, trained on mnist, in the package"
        and found["rows"] == 1300
    )
    few = vaekit.evaluate(run, samples=1, limit=60)["sample_quality"]
    assert few["features"] == "6 principal components of training rows" and few["warnings"] == []


def test_training_rows_are_training_rows(many):
    own = load_data(many.config)
    rows = training_examples(many, own, 50, 0)
    split = np.load(many.path / "split.npz")
    assert (
        len(rows) == 50
        and np.isin(rows.indices, split["train"]).all()
        and len(set(rows.indices)) == 50
    )


def test_the_closest_training_row_of_a_training_row_is_itself(many):
    own = load_data(many.config)
    rows = training_examples(many, own, 7, 0)
    x, _ = next(rows.batches(many.model))
    found, distance = nearest_training_examples(many, own, x)
    np.testing.assert_array_equal(found, own.train.x[rows.indices])
    assert distance.max() < 1e-2


def test_the_closest_rows_stand_below_samples(many, tmp_path, monkeypatch):
    shown = {}
    monkeypatch.setattr(
        plots, "walks", lambda images, labels, **rest: shown.update(images=images) or Figure()
    )
    vaekit.plot(many, ["nearest"], out=tmp_path)
    samples, rows = shown["images"]
    with seeded_noise(0):
        wanted = sample_means(many.model, 10)
    np.testing.assert_allclose(samples, wanted, atol=1e-6)
    raw, _ = nearest_training_examples(many, load_data(many.config), wanted)
    np.testing.assert_allclose(rows, raw / 255, atol=1e-6)


def test_rows_that_were_in_memory_are_asked_for(conditional, tmp_path):
    with pytest.raises(
        ConfigError,
        match="nearest needs the training rows, and those of this run were arrays in memory",
    ):
        vaekit.plot(conditional, ["nearest"], data=small_images(rows=240), out=tmp_path)


def test_reconstructions_have_errors_in_the_values_that_the_model_takes(many):
    found = vaekit.evaluate(many, samples=1)["reconstructions"]
    x = small_images(rows=240).train.x[np.load(many.path / "split.npz")["test"]]
    mse = np.mean((many.reconstruct(x) / 255 - x / 255) ** 2)
    assert (
        found["mse"]["value"] == pytest.approx(mse, rel=1e-5)
        and "psnr" in found
        and "ssim" not in found
    )
