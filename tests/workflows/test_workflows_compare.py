"""Runs side by side: on the same rows, with the same noise, and only where that means something."""

import numpy as np
import pytest
import torch

import vaekit
from conftest import small_images, train_small
from vaekit.errors import ConfigError, DataError, RunError
from vaekit.run_plots.context import PlotContext
from vaekit.runs.run_data import find_examples
from vaekit.workflows import use
from vaekit.workflows.compare import pushed

PLAIN = {"posterior": "deterministic", "objective": "reconstruction-only"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("compare")


@pytest.fixture(scope="module")
def bars(folder):
    data = small_images()
    np.savez(folder / "bars.npz", x=data.train.x, y=np.array(data.classes)[data.train.y])
    return str(folder / "bars.npz")


@pytest.fixture(scope="module")
def runs(folder, bars):
    return {
        "vae": train_small(folder / "vae", bars, latent_dim=2),
        "plain": train_small(folder / "plain", bars, latent_dim=3, **PLAIN),
        "few": train_small(
            folder / "few", {"source": bars, "train_size": 20}, latent_dim=2, conditional=True
        ),
        "other seed": train_small(
            folder / "other seed", bars, latent_dim=1, seed=5, likelihood="gaussian"
        ),
        "discrete": train_small(
            folder / "discrete", bars, posterior={"kind": "categorical", "classes": 4}, latent_dim=6
        ),
    }


def drawn(monkeypatch):
    """The arguments that the pictures are drawn with."""
    given = {}
    for name in ("comparison", "compared_curves"):
        draw = getattr(vaekit.plots, name)

        def keep(*args, _draw=draw, _name=name, **kwargs):
            given[_name] = (args, kwargs)
            return _draw(*args, **kwargs)

        monkeypatch.setattr(vaekit.plots, name, keep)
    return given


# --- Figures --------------------------------------------------------------------------------------------------------------


def test_the_figures_are_those_of_evaluate(runs):
    found = vaekit.compare([runs["vae"], runs["few"].path], samples=4, seed=3)
    assert [row["run"] for row in found["runs"]] == ["vae", "few"]
    for row in found["runs"]:
        alone = vaekit.evaluate(runs[row["run"]], samples=4, seed=3)
        for name in ("loss", "reconstruction", "divergence", "importance_weighted_bound"):
            assert row[name] == alone[name]
        assert row["epochs"] == 2 and row["seconds"] > 0 and row["recipe"] == "mlp"
    assert [row["training_examples"] for row in found["runs"]] == [49, 20]
    assert found["runs"][0]["parameters"] == sum(
        c.total for c in runs["vae"].model.count_parameters().values()
    )
    assert found["rows"] == 6 and found["files"] == []


def test_a_plain_autoencoder_has_no_divergence_and_is_not_ranked(runs):
    found = vaekit.compare([runs["vae"], runs["plain"]], samples=2)
    plain = found["runs"][1]
    assert plain["divergence"] is None and plain["importance_weighted_bound"] is None
    assert found["ranking"] is None
    assert found["why_no_ranking"] == [
        "estimator: vae one draw of z a row; negative ELBO, beta = 1; plain reconstruction error alone, no bound"
    ]
    assert [row["latent_dim"] for row in found["runs"]] == [2, 3]


def test_runs_of_one_protocol_are_ranked_by_what_they_are_behind_row_by_row(runs, folder, bars):
    worse = train_small(folder / "worse", bars, latent_dim=2, optimizer={"lr": 1e-5})
    for samples, figure, sign in ((None, "loss", 1), (3, "importance_weighted_bound", -1)):
        found = vaekit.compare([worse, runs["vae"]], samples=samples)
        best, behind = found["ranking"]
        assert found["ranked_by"] == figure
        assert (best["run"], behind["run"]) == ("vae", "worse") and best["behind"]["value"] == 0.0
        value = {row["run"]: sign * row[figure]["value"] for row in found["runs"]}
        assert behind["behind"]["value"] == pytest.approx(value["worse"] - value["vae"], rel=1e-9)
        assert 0 < behind["behind"]["standard_error"] < found["runs"][0][figure]["standard_error"]


def test_autoencoders_are_ranked_by_their_loss_whatever_bound_is_asked_for(runs, folder, bars):
    other = train_small(folder / "other plain", bars, latent_dim=1, **PLAIN)
    found = vaekit.compare([runs["plain"], other], samples=2)
    assert found["ranked_by"] == "loss" and len(found["ranking"]) == 2


def test_runs_of_several_protocols_are_not_ranked_and_the_reasons_are_given(runs):
    found = vaekit.compare([runs["vae"], runs["few"], runs["other seed"]], split="train")
    assert found["ranking"] is None
    likelihood, condition = found["why_no_ranking"]
    assert likelihood.startswith(
        "likelihood: vae Bernoulli, not normalised: a Bernoulli with grayscale targets"
    )
    assert likelihood.endswith("; other seed density, not dequantised")
    assert condition == "condition: vae nothing; few the class of each row; other seed nothing"


def test_the_rows_are_those_that_all_runs_hold_as_this_split(runs, bars):
    found = vaekit.compare([runs["vae"], runs["other seed"]], split="train")
    splits = [np.load(runs[name].path / "split.npz")["train"] for name in ("vae", "other seed")]
    common = np.intersect1d(*splits)
    assert found["rows"] == len(common) < 49
    np.save(runs["vae"].path.parent / "common.npy", small_images().train.x[common])
    alone = vaekit.evaluate(runs["vae"], data=runs["vae"].path.parent / "common.npy", samples=1)
    assert found["runs"][0]["loss"]["value"] == pytest.approx(alone["loss"]["value"], rel=1e-6)
    assert vaekit.compare([runs["vae"], runs["few"]], split="train")["rows"] == 20
    assert vaekit.compare([runs["vae"], runs["few"]], split="train", limit=7)["rows"] == 7


# --- Pictures -------------------------------------------------------------------------------------------------------------


def test_two_pictures_of_every_kind_of_run(runs, tmp_path, monkeypatch):
    given = drawn(monkeypatch)
    found = vaekit.compare(list(runs.values()), split="train", out=tmp_path / "all.png")
    assert found["files"] == [str(tmp_path / "all.png"), str(tmp_path / "all-curves.png")]
    (columns, labels, classes), options = given["comparison"]
    assert options["title"] == f"5 runs on bars, {found['rows']} train rows"
    assert len(labels) == found["rows"] and classes == ("a", "b", "c")
    vae, plain, few, seed, discrete = columns
    assert [np.shape(c.points)[1] for c in columns] == [2, 2, 2, 1, 2]
    for column in columns:
        np.testing.assert_array_equal(column.originals, vae.originals)
        assert np.shape(column.moved) == (3, 5, 1, 8, 8) and np.shape(column.samples) == (
            10,
            1,
            8,
            8,
        )
        for direction in column.moved:
            np.testing.assert_allclose(direction[0], column.decoded[0], atol=1e-5)
    assert vae.steps == ["0 sd", "0.5 sd", "1 sd", "2 sd", "4 sd"] and discrete.steps[-1] == "100%"
    assert plain.note == f"reconstruction {found['runs'][1]['reconstruction']['value']:.1f} nats"
    assert seed.note.startswith("loss ") and few.name == "few"
    (curves, kept), _ = given["compared_curves"]
    assert list(kept.values()) == [run.summary["best_epoch"] for run in runs.values()]
    assert list(curves) == ["vae", "plain (no divergence)", "few", "other seed", "discrete"]
    assert list(curves["vae"]["updates"]) == [
        3,
        6,
    ]  # 49 rows in batches of 16, the last row with the batch before
    assert list(curves["few"]["updates"]) == [2, 4]
    assert np.isnan(curves["plain (no divergence)"]["val_divergence"]).all()
    assert np.isfinite(curves["plain (no divergence)"]["val_loss"]).all()


def test_a_code_is_pushed_by_the_spread_of_all_codes(runs):
    run = runs["plain"]
    shown = PlotContext(run, lambda: find_examples(run, "train")[0])
    code = use.encode(run, shown.rows).mean[0]
    with torch.no_grad():
        z, _ = pushed(shown, code, 0)
    away = (z - code) / shown.draws.std(0)
    np.testing.assert_allclose(
        np.sqrt((away**2).mean(-1)), np.tile([0, 0.5, 1, 2, 4], (3, 1)), rtol=1e-3, atol=1e-5
    )
    np.testing.assert_allclose(away[:, 4], 8 * away[:, 1], rtol=1e-2, atol=1e-3)
    np.testing.assert_array_equal(pushed(shown, code, 0)[0], z)
    assert not np.allclose(pushed(shown, code, 1)[0], z)


def test_of_discrete_codes_a_growing_share_is_replaced(runs):
    run = runs["discrete"]
    shown = PlotContext(run, lambda: find_examples(run, "train")[0])
    code = use.encode(run, shown.rows).mean[0]
    z, steps = pushed(shown, code, 0)
    indices = run.model.codebook.indices(torch.tensor(z)).numpy()
    changed = (indices != indices[:, :1]).sum(-1)
    np.testing.assert_array_equal(z[:, 0], np.tile(code, (3, 1)))
    assert (changed <= np.ceil(6 * np.array([0, 0.125, 0.25, 0.5, 1]))).all() and changed[
        :, -1
    ].min() > 0
    assert (np.diff(changed, axis=1) >= 0).all()
    assert steps == ["0%", "12%", "25%", "50%", "100%"]


def test_tables_show_their_codes(tmp_path):
    table = np.random.default_rng(0).normal(size=(60, 5))
    runs = [
        train_small(tmp_path / name, data=table, seed=i // 2) for i, name in enumerate(("a", "b"))
    ]
    assert len(vaekit.compare(runs, data=table, out=tmp_path / "a.pdf")["files"]) == 2
    with pytest.raises(DataError, match="arrays in memory"):
        vaekit.compare(runs)


# --- Requests that cannot be ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        (["vae"], {}, "compare takes 2 to 8 runs, not 1: name their folders"),
        ([], {}, "compare takes 2 to 8 runs, not 0"),
        (["vae"] * 9, {}, "2 to 8 runs, not 9"),
        (["vae", "vae"], {}, "vae is given twice: compare different runs"),
        (["vae", "few"], {"train_size": 0}, "limit = 0: at least 1"),
        (["vae", "few"], {"samples": 0}, "samples = 0: at least 1"),
        (
            ["vae", "few"],
            {"out": "a.gif"},
            "a.gif cannot be written: a comparison is a .png, .pdf or .svg",
        ),
    ],
)
def test_what_is_refused_at_once(runs, names, options, message):
    with pytest.raises(ConfigError, match=message):
        vaekit.compare([runs[name] for name in names], **options)


def test_a_folder_that_is_no_run_is_refused(runs, tmp_path):
    with pytest.raises(ConfigError, match="not 1"):
        vaekit.compare(str(runs["vae"].path))
    with pytest.raises(RunError, match="is not a run folder"):
        vaekit.compare([runs["vae"], tmp_path])


def test_runs_of_other_data_are_refused_by_name(runs, tmp_path):
    wide = train_small(tmp_path / "wide", data=small_images(shape=(1, 8, 9)))
    real = train_small(
        tmp_path / "real", data=np.random.default_rng(0).random((60, 8, 8)).astype(np.float32)
    )
    more = train_small(tmp_path / "more", data=small_images(rows=70))
    end = ": figures of different data say nothing beside each other"
    for other, message in (
        (wide, r"vae was trained on rows of shape \(1, 8, 8\), wide on \(1, 8, 9\)" + end),
        (real, "vae was trained on values that are integers:256, real on unit" + end),
        (more, "vae was trained on the data bars, more on in-memory" + end),
    ):
        with pytest.raises(DataError, match=message):
            vaekit.compare([runs["vae"], other])


def test_runs_with_no_row_in_common_are_refused(folder, bars):
    runs = [
        train_small(folder / f"seed{seed}", {"source": bars, "train_size": 3}, seed=seed)
        for seed in (1, 2)
    ]
    with pytest.raises(
        DataError,
        match="no train rows in common: they were split by different seeds, train with the same",
    ):
        vaekit.compare(runs, split="train")


def test_runs_of_one_name_are_told_apart_by_their_paths(folder, bars, tmp_path):
    again = train_small(tmp_path / "vae", bars, latent_dim=2, seed=0)
    found = vaekit.compare([folder / "vae", again.path])
    assert [row["run"] for row in found["runs"]] == [str(folder / "vae"), str(again.path)]
    assert found["runs"][0]["loss"] == found["runs"][1]["loss"]
