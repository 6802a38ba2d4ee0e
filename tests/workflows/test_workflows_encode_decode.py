"""Runs of every kind of latent: trained, judged, drawn, and brought back as they were; what cannot be leaves nothing behind."""

import math

import numpy as np
import pytest
import torch

import vaekit
from conftest import QUIET, small_images, train_small
from vaekit.errors import ConfigError
from vaekit.runtime.seeding import seeded_noise
from vaekit.workflows import files, use

CODEBOOK = {"kind": "vector-quantized", "codes": 4, "groups": 2}
LEARNED = {"kind": "autoregressive", "width": 8, "layers": 1, "heads": 2}
KINDS = {
    "deterministic": {"posterior": "deterministic", "objective": "reconstruction-only"},
    "gumbel": {"posterior": {"kind": "categorical", "classes": 3}},
    "straight-through": {
        "posterior": {"kind": "categorical", "classes": 3, "gradient": "straight-through"}
    },
    "codebook": {"posterior": CODEBOOK, "prior": "uniform"},
    "codebook and prior": {"posterior": CODEBOOK, "prior": LEARNED},
    "levels": {"posterior": {"kind": "finite-scalar", "levels": [3, 2]}, "prior": LEARNED},
    "classes": {"prior": "class-normal", "conditional": True},
    "map": {"maps": True},
    "map of codes": {"posterior": CODEBOOK, "prior": LEARNED, "maps": True, "conditional": True},
    "score function": {
        "posterior": {"kind": "categorical", "classes": 3},
        "objective": {"gradient": "score-function"},
    },
    "no divergence": {"objective": "reconstruction-only"},
    "no reconstruction": {"objective": "divergence-only"},
}


def options_of(kind: str) -> dict:
    options = {
        "latent_dim": 4,
        "prior_stage": {"epochs": 1},
        "training": {"epochs": 1},
        **KINDS[kind],
    }
    if options.pop("maps", False):
        options |= {
            part: {"kind": "conv-map", "channels": [3, 4]} for part in ("encoder", "decoder")
        }
    return options


def trained(out, **options):
    """A run of one epoch; hidden layers of eight where the nets have some."""
    small = {part: {"hidden": [8]} for part in ("encoder", "decoder") if part not in options}
    training = {"epochs": 1, "batch_size": 16, "device": "cpu"}
    given = {**small, **options, "training": training}
    return vaekit.train("mlp", data=small_images(), out=out, console=QUIET, **given)


@pytest.fixture(scope="module", params=KINDS)
def run(request, tmp_path_factory):
    return trained(tmp_path_factory.mktemp("kinds") / "run", **options_of(request.param))


X = small_images().train.x[:6]
LABELS = ["a", "b", "c"] * 2


def labels(run):
    return LABELS if run.model.classes else None


def test_a_run_of_any_latent_comes_back_as_it_was(run):
    found = vaekit.load_run(run.path)
    weights, again = run.model.state_dict(), found.model.state_dict()
    assert weights.keys() == again.keys() and all(
        torch.equal(weights[name], again[name]) for name in weights
    )
    assert found.config == run.config
    y = labels(run)
    codes = run.encode(X, y)
    assert torch.equal(found.encode(X, y).mean, codes.mean)
    np.testing.assert_array_equal(found.reconstruct(X, y), run.reconstruct(X, y))
    with seeded_noise(3):
        expected = run.sample(6)
    with seeded_noise(3):
        np.testing.assert_array_equal(found.sample(6), expected)
    assert expected.shape == X.shape and np.isfinite(expected).all()


def test_codes_of_any_latent_go_out_as_rows_of_numbers_and_in_again(run):
    y = labels(run)
    rows = vaekit.data.Examples(X, np.arange(6) % 3 if y else None)
    codes = use.encode(run, rows)
    assert codes.mean.shape == codes.sigma.shape == (6, run.model.latent_shape.numel())
    decoded = run.decode(codes.mean, y)
    np.testing.assert_allclose(decoded, run.reconstruct(X, y), rtol=1e-5, atol=1e-4)
    np.testing.assert_array_equal(
        run.decode(codes.mean.reshape(6, *run.model.latent_shape), y), decoded
    )
    codebook = run.model.codebook
    assert (codes.indices is None) == (codebook is None)
    if codebook is not None:
        assert codes.indices.shape == (6, codebook.positions)
        z = codebook.embed(torch.tensor(codes.indices)).flatten(1)
        np.testing.assert_allclose(z.numpy(force=True), codes.mean, atol=1e-6)
    shuffled = use.sample(run, 5, seed=1)
    np.testing.assert_array_equal(shuffled, use.sample(run, 5, seed=1))


def test_files_of_codes_say_which_entries_of_the_codebook_they_are(run, tmp_path):
    codes = use.encode(run, vaekit.data.Examples(X, np.arange(6) % 3 if labels(run) else None))
    for name in ("codes.npz", "codes.csv"):
        files.save_codes(tmp_path / name, codes)
        np.testing.assert_allclose(files.load_codes(tmp_path / name)[0], codes.mean, rtol=1e-6)
    with np.load(tmp_path / "codes.npz") as file:
        assert ("index" in file) == (codes.indices is not None)
        if codes.indices is not None:
            np.testing.assert_array_equal(file["index"], codes.indices)
    header, first, *_ = (tmp_path / "codes.csv").read_text().splitlines()
    columns = [i for i, name in enumerate(header.split(",")) if name.startswith("index")]
    found = [int(first.split(",")[i]) for i in columns]
    assert found == ([] if codes.indices is None else codes.indices[0].tolist())


def test_a_run_of_any_latent_is_judged(run):
    figures = vaekit.evaluate(run, data=small_images(), samples=2)
    assert {k: figures[k]["value"] for k in ("loss", "reconstruction")} == {
        k: run.summary["test"][k]["value"] for k in ("loss", "reconstruction")
    }
    if run.config.part("posterior").kind == "deterministic":
        assert (
            figures["divergence"] is None and "no finite divergence" in figures["why_no_divergence"]
        )
        assert figures["importance_weighted_bound"] is None
        assert figures["loss"] == figures["reconstruction"]
    else:
        assert math.isfinite(figures["importance_weighted_bound"]["value"])
        total = figures["reconstruction"]["value"] + figures["divergence"]["value"]
        assert figures["loss"]["value"] == pytest.approx(total)


def test_pictures_are_there(run):
    assert {"latent", "reconstructions", "samples", "curves"} <= {
        path.stem for path in (run.path / "plots").iterdir()
    }


def test_a_codebook_is_learned_and_kept(tmp_path):
    run = trained(tmp_path / "run", **options_of("codebook"))
    blank = vaekit.build("mlp", small_images(), latent_dim=4, posterior=CODEBOOK, prior="uniform")
    found = vaekit.load_run(run.path).model.state_dict()
    for name in ("posterior.latent.vectors", "posterior.usage", "posterior.totals"):
        assert not torch.equal(found[name], blank.state_dict()[name])


def test_the_recorded_configuration_of_a_map_repeats_the_run(tmp_path):
    np.savez(
        tmp_path / "bars.npz",
        x=small_images().train.x,
        y=np.array(list("abc"))[small_images().train.y],
    )
    options = {
        **options_of("map of codes"),
        "training": {"epochs": 1, "batch_size": 16, "device": "cpu"},
    }
    run = vaekit.train(
        "mlp", data=str(tmp_path / "bars.npz"), out=tmp_path / "run", console=QUIET, **options
    )
    again = vaekit.train(str(run.path / "config.yaml"), out=tmp_path / "again", console=QUIET)
    assert (again.path / "model.safetensors").read_bytes() == (
        run.path / "model.safetensors"
    ).read_bytes()


REFUSED = {
    "a plain autoencoder's bound": (
        {"posterior": "deterministic"},
        "set objective=reconstruction-only",
    ),
    "a plain autoencoder's divergence": (
        {"posterior": "deterministic", "objective": "divergence-only"},
        "Deterministic's divergence has no gradient",
    ),
    "a codebook's divergence": (
        {"posterior": CODEBOOK, "objective": "divergence-only"},
        "divergence has no gradient",
    ),
    "a codebook's score": (
        {"posterior": CODEBOOK, "objective": {"gradient": "score-function"}},
        "objective.gradient to pathwise",
    ),
    "a sampled divergence of relaxed codes": (
        {"posterior": "categorical", "objective": {"divergence": "monte-carlo"}},
        "objective.gradient to score-function",
    ),
    "a density over codes": (
        {"posterior": CODEBOOK, "prior": "standard-normal"},
        "set prior=uniform",
    ),
    "codes of a density": ({"prior": "autoregressive"}, "set prior=standard-normal"),
    "classes of none": ({"prior": "class-normal"}, "add --conditional"),
    "a map from none": ({"decoder": "conv-map"}, "set encoder=conv-map"),
}


@pytest.mark.parametrize(("options", "remedy"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_is_refused_before_anything_is_written(tmp_path, options, remedy):
    with pytest.raises(ConfigError) as error:
        trained(tmp_path / "run", latent_dim=4, **options)
    assert remedy in str(error.value) and "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_equal_seeds_give_equal_codebooks(tmp_path):
    options = {**options_of("codebook and prior"), "training": {"epochs": 1}}
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train_small(tmp_path / name, seed=seed, **options)
    a, b, c = ((tmp_path / name / "model.safetensors").read_bytes() for name in "abc")
    assert a == b != c
