"""Plots of a run agree with `evaluate`; their titles name the examples; their formats."""

import numpy as np
import pytest
import torch
from matplotlib.artist import Artist

import vaekit
from conftest import QUIET, small_images, train_small
from raising import raises
from vaekit.data import Dataset, Examples
from vaekit.errors import ConfigError
from vaekit.inference.bounds import elbo_per_example
from vaekit.inference.encode_decode import sample_means
from vaekit.run_plots.context import PlotContext, View
from vaekit.run_plots.curves import curves
from vaekit.run_plots.dimensions import dimensions
from vaekit.run_plots.grid import grid
from vaekit.run_plots.latent import latent
from vaekit.run_plots.losses import losses
from vaekit.run_plots.nearest import nearest
from vaekit.run_plots.registry import PLOTS
from vaekit.run_plots.samples import prior_samples, samples
from vaekit.run_plots.usage import usage
from vaekit.runs.example_selection import ExampleSelection, select_evaluation_examples
from vaekit.runs.run_data import RunData
from vaekit.runtime.seeding import seeded_noise

pytestmark = pytest.mark.slow

SHORT = {"generated_examples": 0, "importance_samples": 1}
"""Options of the shortest evaluation."""


def context_of(run, data=None) -> PlotContext:
    return PlotContext(
        run,
        lambda: select_evaluation_examples(run, "test", data),
        lambda: RunData.load(run, data),
    )


def heights(axes):
    return sorted((patch.get_height() for patch in axes.patches), reverse=True)


def title_of(figure) -> str:
    return " ".join(figure.get_suptitle().split())


# --- Values --------------------------------------------------------------------------------------


def test_dimensions_agree_with_evaluate(small_run):
    metrics = vaekit.evaluate(small_run, **SHORT).latent
    figure = dimensions(context_of(small_run), View())
    expected = sorted(metrics.divergence_per_dimension, reverse=True)
    assert heights(figure.axes[0]) == pytest.approx(expected, rel=1e-5)
    assert title_of(figure).startswith(f"{metrics.active_dimensions} of 3 latent dimensions")


def test_without_a_divergence_dimensions_show_the_variance(tmp_path):
    data = small_images()
    parts = {"posterior": "deterministic", "objective": "reconstruction-only"}
    run = train_small(tmp_path / "run", data, training={"epochs": 1}, **parts)
    context = context_of(run, data)
    figure = dimensions(context, View())
    expected = sorted(context.codes.var(0), reverse=True)
    np.testing.assert_allclose(heights(figure.axes[0]), expected, rtol=1e-6)
    assert "variance" in figure.axes[0].get_ylabel()
    for plot in (losses, curves):
        (axes,) = plot(context, View()).axes
        assert axes.get_title("left") == "Loss (reconstruction alone)"


def test_curves_of_a_bound_have_its_terms(small_run):
    titles = [axes.get_title("left") for axes in curves(context_of(small_run), View()).axes]
    assert titles == ["Loss (negative ELBO)", "Reconstruction", "Divergence"]


def test_losses_have_the_means_and_standard_errors_of_evaluate(small_run):
    terms = vaekit.evaluate(small_run, **SHORT).terms
    panels = losses(context_of(small_run), View()).axes
    for axes, metric in zip(
        panels, (terms.loss, terms.reconstruction, terms.divergence), strict=True
    ):
        mean = f"mean {metric.value:.2f} ± {metric.standard_error:.2f}"
        assert axes.get_title("right") == mean


def test_usage_agrees_with_evaluate(tmp_path):
    data = small_images(shape=(1, 16, 16))
    short = {"training": {"epochs": 1, "device": "cpu"}, "prior_stage": {"epochs": 1}}
    run = vaekit.train("vq", data=data, out=tmp_path / "run", console=QUIET, **short)
    codes = vaekit.evaluate(run, data=data, **SHORT).codes
    figure = usage(context_of(run, data), View())
    frequencies = sum(patch.get_data().values for patch in figure.axes[0].patches)
    assert frequencies.sum() == pytest.approx(100)
    assert (frequencies > 0).sum() == codes.used
    assert len(frequencies) == codes.available
    assert title_of(figure).startswith(f"{codes.used} of {codes.available} codes")
    with raises(ConfigError, "names"):
        vaekit.plot(run, "dimensions", data=data)


def test_a_continuous_latent_has_no_code_usage(small_run):
    with raises(ConfigError, "names"):
        vaekit.plot(small_run, "usage")


def test_at_most_max_examples_are_shown_and_spread_over_the_classes(small_run):
    run_data = RunData.load(small_run)
    examples = run_data.examples("train")
    examples = examples.select(np.argsort(examples.y))  # sorted by class
    selection = ExampleSelection(examples, "train", run_data)
    context = PlotContext(small_run, lambda: selection, lambda: run_data)
    assert title_of(losses(context, View())).startswith(f"Losses of {len(examples)} bars")
    context = PlotContext(small_run, lambda: selection, lambda: run_data, max_examples=10)
    for plot in (losses, dimensions, latent):
        assert f"10 of {len(examples)} bars training examples" in title_of(plot(context, View()))
    indices = np.linspace(0, len(examples) - 1, 10).astype(int)
    assert set(examples.y[indices]) == set(examples.y)
    terms = elbo_per_example(small_run.model, small_run.inputs(examples))
    np.testing.assert_allclose(context.terms.divergence, terms.divergence[indices], rtol=1e-5)


def test_samples_are_over_their_nearest_training_examples(small_run):
    context = context_of(small_run)
    view = View(seed=3)
    upper, lower = nearest(context, view).axes
    images_of_prior = prior_samples(context, view, 10)
    training = context.run_data.examples("train").x
    inputs = small_run.prepare(training)
    distances = torch.cdist(images_of_prior.flatten(1), inputs.flatten(1))
    closest = training[distances.argmin(1).numpy()] / 255
    for axes, images in ((upper, images_of_prior.numpy()), (lower, closest)):
        row = np.asarray(axes.images[0].get_array())
        for index, image in enumerate(images):
            tile = row[:, 9 * index : 9 * index + 8]
            np.testing.assert_allclose(tile, image[0], atol=1e-6)


def test_samples_depend_on_the_seed_alone(small_run):
    def pixels(seed):
        return np.asarray(
            samples(context_of(small_run), View(seed=seed)).axes[0].images[0].get_array()
        )

    first = pixels(1)
    assert np.array_equal(first, pixels(1))
    assert not np.array_equal(first, pixels(2))


# --- Titles --------------------------------------------------------------------------------------


@pytest.fixture
def titles(monkeypatch, tmp_path):
    """The titles of plots that are not written."""

    def titles_of(run, names, **options):
        drawn = []

        def keep(figure, path):
            drawn.append(title_of(figure))
            return path

        monkeypatch.setattr("vaekit.plots.save", keep)
        vaekit.plot(run, names, out=tmp_path, **options)
        return drawn

    return titles_of


NAMES = ["latent", "reconstructions", "dimensions", "losses", "traversals", "interpolations"]


@pytest.mark.parametrize(
    ("split", "count", "part"),
    [(None, 6, "test"), ("train", 49, "training"), ("validation", 5, "validation")],
)
def test_titles_name_the_part_of_the_data(small_run, titles, split, count, part):
    title = dict(zip(NAMES, titles(small_run, NAMES, split=split), strict=True))
    for name in ("latent", "dimensions", "losses"):
        assert f"{count} bars {part} examples, mlp" in title[name]
    for name in ("reconstructions", "traversals", "interpolations"):
        assert f"bars {part} examples" in title[name]


def test_titles_of_other_examples_name_their_data(small_run, titles, tmp_path):
    x = small_images().train.x
    np.savez(tmp_path / "other.npz", x=x, x_test=x[:9])
    other = tmp_path / "other.npz"
    names = ["reconstructions", "curves", "samples", "grid"]
    reconstruction, *others = titles(small_run, names, data=other)
    assert "other test examples" in reconstruction
    assert all("mlp on bars" in title for title in others)
    (title,) = titles(small_run, ["latent"], data=other, split="train")
    assert "60 other non-test examples" in title
    (title,) = titles(small_run, ["reconstructions"], data=x)
    assert "bars" not in title


def test_titles_name_classes(tmp_path, titles):
    images = small_images(examples=240)
    classes = tuple(f"class {i}" if i else "a" for i in range(24))
    examples = Examples(images.train.x, np.arange(240) % 24)
    data = Dataset("bars", examples, None, images.support, classes)
    run = train_small(
        tmp_path / "run", data, conditional=True, latent_dim=1, training={"epochs": 1}
    )
    names = ["classes", "grid", "dimensions", "traversals"]
    by_class, of_grid, of_dimensions, of_traversals = titles(run, names, data=data)
    assert "20 of 24 classes" in by_class
    assert of_grid.endswith("class a")
    assert "of 1 latent dimension active" in of_dimensions
    assert of_traversals.endswith("class a")
    of_grid, of_samples = titles(run, ["grid", "samples"], data=data, label="class 7")
    assert of_grid.endswith(", class 7")
    assert "of class 7 from" in of_samples


def test_every_plot_of_a_run_has_its_verdict(small_run, titles, monkeypatch):
    verdict = [{"kind": "collapse", "text": "Posterior collapse."}]
    monkeypatch.setitem(small_run.summary, "verdict", verdict)
    with_verdict = []
    monkeypatch.setattr(
        "vaekit.plots.style.Annotation", lambda text, **_: with_verdict.append(text) or Artist()
    )
    names = [name for name in PLOTS if name not in ("classes", "usage")]
    titles(small_run, [*names, "traversals", "interpolations"])
    assert with_verdict == ["Posterior collapse."] * (len(names) + 2)


@pytest.mark.parametrize("projection", ["active", "pca"])
def test_contours_of_the_prior_are_projected_as_the_codes(small_run, projection):
    figure = latent(context_of(small_run), View(projection=projection))
    axes = figure.axes[0]
    lines = [np.asarray(line.get_xydata()) for line in axes.lines]
    radii = [np.ptp(line, axis=0) / 2 for line in lines]
    expected = np.sqrt(-2 * np.log(1 - np.array([0.5, 0.9, 0.99])))
    np.testing.assert_allclose(radii, np.stack([expected, expected], 1), rtol=1e-3)
    assert axes.get_xlim()[0] < lines[-1][:, 0].min() < lines[-1][:, 0].max() < axes.get_xlim()[1]


def test_contours_of_a_prior_by_class_come_from_samples_of_all_classes(conditional):
    (axes,) = latent(context_of(conditional, small_images()), View()).axes
    points = np.concatenate([line.get_xydata() for line in axes.lines])
    low, high = points.min(0), points.max(0)
    for mean in conditional.model.prior.mu.detach().numpy():
        assert (low < mean).all() and (mean < high).all()


def test_codes_without_a_prior_have_no_contours(tmp_path):
    parts = {"posterior": "deterministic", "objective": "reconstruction-only"}
    run = train_small(tmp_path / "run", training={"epochs": 1}, latent_dim=2, **parts)
    assert not latent(context_of(run, small_images()), View()).axes[0].lines


# --- Options and files ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("format", "start"), [("svg", b"<?xml"), ("pdf", b"%PDF"), ("png", b"\x89PNG")]
)
def test_all_plots_in_any_format(small_run, tmp_path, format, start):
    paths = vaekit.plot(small_run, out=tmp_path, format=format)
    assert {path.name for path in paths} == {path.name for path in tmp_path.iterdir()}
    assert {path.stem for path in paths} == {*PLOTS} - {"classes", "usage"}
    assert all(path.suffix == f".{format}" for path in paths)
    assert all(path.read_bytes().startswith(start) for path in paths)


def test_an_unknown_or_duplicate_format_is_refused(small_run, tmp_path):
    with raises(ConfigError, "format"):
        vaekit.plot(small_run, "curves", out=tmp_path, format="jpg")
    with raises(ConfigError, "format"):
        vaekit.plot(small_run, "curves", out=tmp_path / "a.png", format="svg")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "view", "parameter"),
    [
        ("latent", {"projection": "umap"}, "projection"),
        ("grid", {"across": (2, 1)}, "across"),
        ("grid", {"down": (0, np.inf)}, "down"),
        ("curves", {"label": "a"}, "label"),
        ("latent", {"indices": [0]}, "indices"),
        ("latent", {"colour": "red"}, "colour"),
        ("lattent", {}, "names"),
        ("classes", {}, "names"),
    ],
)
def test_invalid_options(small_run, tmp_path, name, view, parameter):
    with raises(ConfigError, parameter):
        vaekit.plot(small_run, name, out=tmp_path, **view)
    assert list(tmp_path.iterdir()) == []


def test_the_grid_decodes_points_of_the_chosen_ranges(small_run):
    context = context_of(small_run)
    figure = grid(context, View(across=(-2, 2), down=(-1, 3)))
    first, second = context.most_active_pair()
    codes = small_run.model.prior_distribution(None).mean.reshape(1, -1).numpy().copy()
    codes[0, first] = -2
    codes[0, second] = 3
    corner = np.asarray(figure.axes[0].images[0].get_array())[:8, :8]
    np.testing.assert_allclose(corner, small_run.decode(codes)[0, 0] / 255, atol=1e-5)


@pytest.fixture
def conditional(tmp_path):
    """A run whose prior has another mean and variance in each dimension and of each class."""
    run = train_small(tmp_path / "run", conditional=True, prior="class-normal", latent_dim=2)
    with torch.no_grad():
        run.model.prior.mu.copy_(torch.tensor([[1.0, -2.0], [0.0, 3.0], [-4.0, 0.5]]))
        run.model.prior.log_var.copy_(torch.tensor([[0.0, 2.0], [1.0, -1.0], [0.5, 0.0]]))
    return run


def test_the_grid_reaches_from_2_to_98_percent_of_the_prior_of_each_dimension(conditional):
    figure = grid(context_of(conditional, small_images()), View(label="a"))
    prior = conditional.model.prior_distribution(torch.tensor([0])).base_dist
    low, high = (prior.icdf(torch.tensor(level))[0].detach().numpy() for level in (0.02, 0.98))
    sheet = np.asarray(figure.axes[0].images[0].get_array())
    upper_left, lower_right = [[low[0], high[1]]], [[high[0], low[1]]]
    for pixels, code in ((sheet[:8, :8], upper_left), (sheet[-8:, -8:], lower_right)):
        expected = conditional.decode(np.array(code), "a")[0, 0] / 255
        np.testing.assert_allclose(pixels, expected, atol=1e-5)


def test_samples_are_of_all_classes_in_turn_or_of_one(conditional):
    context = context_of(conditional, small_images())
    for label, y in ((None, [0, 1, 2, 0, 1, 2]), ("b", [1] * 6)):
        with seeded_noise(4):
            expected = sample_means(conditional.model, 6, torch.tensor(y))
        torch.testing.assert_close(prior_samples(context, View(label=label, seed=4), 6), expected)
