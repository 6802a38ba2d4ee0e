"""Comparison of runs: on the same examples, with the same noise, ranked only if comparable."""

import numpy as np
import pytest
import torch

import vaekit
from conftest import small_images, train_small
from raising import raises
from vaekit.errors import ConfigError, DataError, RunError
from vaekit.run_plots.context import PlotContext
from vaekit.runs.example_selection import select_examples
from vaekit.runs.run_data import RunData
from vaekit.workflows.comparison_plots import perturbed_codes

pytestmark = pytest.mark.slow

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
    few = {"source": bars, "train_size": 20}
    discrete = {"posterior": {"kind": "categorical", "classes": 4}, "latent_dim": 6}
    other = {"latent_dim": 1, "seed": 5, "likelihood": "gaussian"}
    return {
        "vae": train_small(folder / "vae", bars, latent_dim=2),
        "plain": train_small(folder / "plain", bars, latent_dim=3, **PLAIN),
        "few": train_small(folder / "few", few, latent_dim=2, conditional=True),
        "other seed": train_small(folder / "other seed", bars, **other),
        "discrete": train_small(folder / "discrete", bars, **discrete),
    }


def record_plots(monkeypatch) -> dict:
    """The arguments of the plots by function, once they are drawn."""
    recorded = {}
    for name in ("comparison", "run_curves"):
        draw = getattr(vaekit.plots, name)

        def record(*arguments, _draw=draw, _name=name, **options):
            recorded[_name] = (arguments, options)
            return _draw(*arguments, **options)

        monkeypatch.setattr(vaekit.plots, name, record)
    return recorded


# --- Metrics ---------------------------------------------------------------------------------


def test_metrics_are_those_of_evaluate(runs):
    comparison = vaekit.compare([runs["vae"], runs["few"].path], importance_samples=4, seed=3)
    assert [line.run for line in comparison.runs] == ["vae", "few"]
    for line in comparison.runs:
        alone = vaekit.evaluate(runs[line.run], importance_samples=4, seed=3)
        assert line.loss == alone.terms.loss
        assert line.reconstruction == alone.terms.reconstruction
        assert line.divergence == alone.terms.divergence
        assert line.importance_weighted_bound == alone.importance_weighted_bound
        assert line.epochs == 2 and line.recipe == "mlp"
    assert [line.training_examples for line in comparison.runs] == [49, 20]
    counts = runs["vae"].model.count_parameters().values()
    assert comparison.runs[0].parameters == sum(count.total for count in counts)
    assert comparison.examples == 6 and comparison.files == ()


def test_the_seconds_of_a_run_are_those_of_all_its_epochs(runs):
    for line in vaekit.compare([runs["vae"], runs["few"]]).runs:
        seconds = runs[line.run].history["seconds"]
        assert len(seconds) == 2
        assert line.seconds == pytest.approx(sum(seconds))


def test_a_comparison_without_importance_samples_has_no_bound(runs):
    comparison = vaekit.compare([runs["vae"], runs["few"]])
    assert all(line.importance_weighted_bound is None for line in comparison.runs)
    assert "importance_weighted_bound" not in comparison.to_dict()["runs"][0]


def test_the_examples_are_those_of_the_split_in_every_run(runs, tmp_path):
    comparison = vaekit.compare([runs["vae"], runs["other seed"]], split="train")
    splits = [np.load(runs[name].path / "split.npz")["train"] for name in ("vae", "other seed")]
    common = np.intersect1d(*splits)
    assert comparison.examples == len(common) < 49
    np.save(tmp_path / "common.npy", small_images().train.x[common])
    alone = vaekit.evaluate(runs["vae"], data=tmp_path / "common.npy", importance_samples=1)
    assert comparison.runs[0].loss.value == pytest.approx(alone.terms.loss.value, rel=1e-6)
    pair = [runs["vae"], runs["few"]]
    assert vaekit.compare(pair, split="train").examples == 20
    assert vaekit.compare(pair, split="train", max_examples=7).examples == 7


def test_runs_of_one_name_are_distinguished_by_their_paths(folder, bars, tmp_path):
    again = train_small(tmp_path / "vae", bars, latent_dim=2, seed=0)
    first, second = vaekit.compare([folder / "vae", again.path]).runs
    assert [first.run, second.run] == [str(folder / "vae"), str(again.path)]
    assert first.loss == second.loss


# --- Ranking ---------------------------------------------------------------------------------


def test_runs_are_ranked_by_their_difference_to_the_best_example_by_example(runs, folder, bars):
    worse = train_small(folder / "worse", bars, latent_dim=2, optimizer={"lr": 1e-5})
    for samples, metric, sign in ((None, "loss", 1), (3, "importance_weighted_bound", -1)):
        comparison = vaekit.compare([worse, runs["vae"]], importance_samples=samples)
        assert comparison.ranked_by == metric
        best, second = comparison.ranking
        assert (best.run, second.run) == ("vae", "worse")
        assert best.behind.value == 0.0
        values = {line.run: sign * getattr(line, metric).value for line in comparison.runs}
        assert second.behind.value == pytest.approx(values["worse"] - values["vae"], rel=1e-9)
        error = getattr(comparison.runs[0], metric).standard_error
        assert 0 < second.behind.standard_error < error


def test_plain_autoencoders_are_ranked_by_their_loss(runs, folder, bars):
    other = train_small(folder / "other plain", bars, latent_dim=1, **PLAIN)
    comparison = vaekit.compare([runs["plain"], other], importance_samples=2)
    assert comparison.ranked_by == "loss"
    assert len(comparison.ranking) == 2


def test_a_plain_autoencoder_has_no_divergence_and_is_not_ranked_with_a_vae(runs):
    comparison = vaekit.compare([runs["vae"], runs["plain"]], importance_samples=2)
    plain = comparison.runs[1]
    assert plain.divergence.value is None and plain.divergence.unavailable
    assert plain.importance_weighted_bound.value is None
    assert comparison.ranking is None and comparison.ranked_by is None
    (reason,) = comparison.unranked_reasons
    assert reason.startswith("estimator: ")
    assert [line.latent_dim for line in comparison.runs] == [2, 3]


def test_runs_of_different_protocols_are_not_ranked_for_every_difference(runs):
    comparison = vaekit.compare([runs["vae"], runs["few"], runs["other seed"]], split="train")
    assert comparison.ranking is None
    fields = [reason.partition(":")[0] for reason in comparison.unranked_reasons]
    assert fields == ["likelihood", "condition"]
    assert all(name in comparison.unranked_reasons[0] for name in ("vae", "few", "other seed"))


# --- Plots -----------------------------------------------------------------------------------


def test_two_plots_show_every_kind_of_run(runs, tmp_path, monkeypatch):
    recorded = record_plots(monkeypatch)
    comparison = vaekit.compare(list(runs.values()), split="train", out=tmp_path / "all.png")
    assert comparison.files == (str(tmp_path / "all.png"), str(tmp_path / "all-curves.png"))
    (columns, labels, classes), _ = recorded["comparison"]
    assert len(labels) == comparison.examples and classes == ("a", "b", "c")
    assert [column.name for column in columns] == list(runs)
    assert [np.shape(column.points)[1] for column in columns] == [2, 2, 2, 1, 2]
    for column in columns:
        np.testing.assert_array_equal(column.originals, columns[0].originals)
        assert np.shape(column.perturbed) == (3, 5, 1, 8, 8)
        assert np.shape(column.samples) == (10, 1, 8, 8)
        for direction in column.perturbed:
            np.testing.assert_allclose(direction[0], column.decoded[0], atol=1e-5)
    assert columns[0].steps == ["0 sd", "0.5 sd", "1 sd", "2 sd", "4 sd"]
    assert columns[-1].steps[-1] == "100%"


def test_samples_in_the_plot_are_those_of_the_runs_by_the_seed(runs, tmp_path, monkeypatch):
    recorded = record_plots(monkeypatch)
    names = ("vae", "few")  # the second run is conditional
    vaekit.compare([runs[name] for name in names], out=tmp_path / "a.png", seed=3)
    (columns, *_), _ = recorded["comparison"]
    for column, name in zip(columns, names, strict=True):
        samples = runs[name].sample(10, seed=3) / 255
        np.testing.assert_allclose(column.samples, samples, atol=1e-6)


def test_curves_have_steps_and_best_epochs_and_no_divergence_of_a_plain_autoencoder(
    runs, tmp_path, monkeypatch
):
    recorded = record_plots(monkeypatch)
    vaekit.compare(list(runs.values()), split="train", out=tmp_path / "all.png")
    (curves, best_epochs, second_stages), _ = recorded["run_curves"]
    assert list(best_epochs.values()) == [run.best_epoch for run in runs.values()]
    assert set(second_stages.values()) == {None}
    by_run = dict(zip(runs, curves.values(), strict=True))
    assert list(by_run["vae"]["step"]) == [3, 6]  # 49 examples in batches of 16 and one of 17
    assert list(by_run["few"]["step"]) == [2, 4]
    assert np.isnan(by_run["plain"]["val_divergence"]).all()
    assert np.isfinite(by_run["plain"]["val_loss"]).all()


def context_of(run, split="train") -> PlotContext:
    selection = select_examples(run, split)
    return PlotContext(run, lambda: selection, lambda: RunData.load(run))


def test_a_perturbed_code_moves_in_units_of_the_spread_of_codes(runs):
    context = context_of(runs["plain"])
    code = runs["plain"].encode(context.examples).mean[0]
    with torch.no_grad():
        z, _ = perturbed_codes(context, code, 0)
    distances = (z - code) / context.posterior_samples.std(0)
    root_mean_squares = np.sqrt((distances**2).mean(-1))
    expected = np.tile([0, 0.5, 1, 2, 4], (3, 1))
    np.testing.assert_allclose(root_mean_squares, expected, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(distances[:, 4], 8 * distances[:, 1], rtol=1e-2, atol=1e-3)
    np.testing.assert_array_equal(perturbed_codes(context, code, 0)[0], z)
    assert not np.allclose(perturbed_codes(context, code, 1)[0], z)


def test_a_growing_fraction_of_discrete_codes_is_replaced(runs):
    """A random one of 4 codes differs from the previous one with probability 3/4."""
    run = runs["discrete"]
    context = context_of(run)
    code = context.codes[0]
    counts = []
    for seed in range(40):
        z, steps = perturbed_codes(context, code, seed)
        np.testing.assert_array_equal(z[:, 0], np.tile(code, (3, 1)))
        indices = run.model.codebook.indices(run.check_latents(z.reshape(15, -1)))
        indices = indices.reshape(3, 5, 6).numpy()
        is_changed = indices != indices[:, :1]
        assert (is_changed[:, :-1] <= is_changed[:, 1:]).all()  # replaced codes stay replaced
        counts.append(is_changed.sum(-1))
    assert steps == ["0%", "12%", "25%", "50%", "100%"]
    changed = np.concatenate(counts).astype(float)
    expected = 0.75 * np.ceil(6 * np.array([0, 0.125, 0.25, 0.5, 1]))
    error = changed.std(0) / len(changed) ** 0.5
    assert (np.abs(changed.mean(0) - expected) <= 5 * error).all()


def test_tables_are_compared_by_their_codes(tmp_path):
    table = np.random.default_rng(0).normal(size=(60, 5))
    runs = [train_small(tmp_path / name, data=table) for name in ("a", "b")]
    comparison = vaekit.compare(runs, data=table, out=tmp_path / "a.pdf")
    assert len(comparison.files) == 2
    with raises(DataError, "data"):
        vaekit.compare(runs)


# --- Invalid requests ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "options", "parameter"),
    [
        (["vae"], {}, "runs"),
        ([], {}, "runs"),
        (["vae"] * 9, {}, "runs"),
        (["vae", "vae"], {}, "runs"),
        (["vae", "few"], {"max_examples": 0}, "max_examples"),
        (["vae", "few"], {"importance_samples": 0}, "importance_samples"),
        (["vae", "few"], {"out": "a.gif"}, "out"),
    ],
)
def test_invalid_options_are_refused(runs, names, options, parameter):
    with raises(ConfigError, parameter):
        vaekit.compare([runs[name] for name in names], **options)


def test_one_path_or_a_folder_that_is_no_run_is_refused(runs, tmp_path):
    with raises(ConfigError, "runs"):
        vaekit.compare(str(runs["vae"].path))
    with raises(RunError, "run"):
        vaekit.compare([runs["vae"], tmp_path])


@pytest.mark.parametrize("difference", ["shape", "support", "content"])
def test_runs_of_different_data_are_refused(runs, tmp_path, difference):
    data = {
        "shape": small_images(shape=(1, 8, 9)),
        "support": np.random.default_rng(0).random((60, 8, 8)).astype(np.float32),
        "content": small_images(examples=70),
    }[difference]
    other = train_small(tmp_path / "other", data=data)
    with raises(DataError, "runs"):
        vaekit.compare([runs["vae"], other])


def test_runs_without_common_examples_are_refused(folder, bars):
    data = {"source": bars, "train_size": 3}
    runs = [train_small(folder / f"seed{seed}", data, seed=seed) for seed in (1, 2)]
    with raises(DataError, "split"):
        vaekit.compare(runs, split="train")
