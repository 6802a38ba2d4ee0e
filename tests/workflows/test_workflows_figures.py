"""Pictures of figures: what is drawn is what `evaluate` says; names and formats of all pictures."""

import re

import numpy as np
import pytest
from typer.main import get_command

import vaekit
from conftest import QUIET, small_images, train_small
from vaekit.cli.app import app
from vaekit.errors import ConfigError
from vaekit.evaluation import elbo_per_example
from vaekit.run_plots.context import PlotContext, View
from vaekit.run_plots.latent_paths import LATENT_PATH_PLOTS
from vaekit.runs.run_data import as_inputs, evaluation_examples, find_examples
from vaekit.workflows.plot import PLOTS, curves, dimensions, losses, usage


def context(run, data=None):
    return PlotContext(run, lambda: evaluation_examples(run, "test", data)[0])


def heights(axes):
    return sorted((patch.get_height() for patch in axes.patches), reverse=True)


def test_dimensions_show_what_evaluate_finds(small_run):
    found = vaekit.evaluate(small_run, generated=0, samples=1)["latent"]
    figure = dimensions(context(small_run), View())
    drawn = heights(figure.axes[0])
    assert drawn == pytest.approx(sorted(found["divergence_per_dimension"], reverse=True), rel=1e-5)
    assert figure.get_suptitle().startswith(f"{found['active']} of 3 latent dimensions in use")


def test_where_no_divergence_is_known_it_is_the_variance(tmp_path):
    data = small_images()
    parts = {"posterior": "deterministic", "objective": "reconstruction-only"}
    run = train_small(tmp_path / "run", data, training={"epochs": 1}, **parts)
    drawn = context(run, data)
    figure = dimensions(drawn, View())
    np.testing.assert_allclose(
        heights(figure.axes[0]), sorted(drawn.codes.var(0), reverse=True), rtol=1e-6
    )
    assert figure.axes[0].get_ylabel() == "variance of the code"
    for picture in (losses, curves):
        assert [axes.get_title("left") for axes in picture(drawn, View()).axes] == [
            "Loss (reconstruction alone)"
        ]


def test_curves_of_a_bound_have_its_parts(small_run):
    titles = [axes.get_title("left") for axes in curves(context(small_run), View()).axes]
    assert titles == ["Loss (negative ELBO)", "Reconstruction", "Divergence"]


def test_losses_have_the_means_and_errors_that_evaluate_finds(small_run):
    found = vaekit.evaluate(small_run, generated=0, samples=1)
    for axes, name in zip(
        losses(context(small_run), View()).axes,
        ("loss", "reconstruction", "divergence"),
        strict=True,
    ):
        figure = found[name]
        assert (
            axes.get_title("right")
            == f"mean {figure['value']:.2f} ± {figure['standard_error']:.2f}"
        )


def test_usage_shows_what_evaluate_finds(tmp_path):
    data = small_images(shape=(1, 16, 16))
    short = {"training": {"epochs": 1, "device": "cpu"}, "prior_stage": {"epochs": 1}}
    run = vaekit.train("vq", data=data, out=tmp_path / "run", console=QUIET, **short)
    found = vaekit.evaluate(run, data=data, generated=0, samples=1)["codes"]
    figure = usage(context(run, data), View())
    shares = sum(patch.get_data().values for patch in figure.axes[0].patches)
    assert (
        shares.sum() == pytest.approx(100)
        and (shares > 0).sum() == found["used"]
        and len(shares) == found["available"]
    )
    assert figure.get_suptitle().startswith(f"{found['used']} of {found['available']} codes in use")
    with pytest.raises(ConfigError, match="dimensions needs a continuous latent"):
        vaekit.plot(run, "dimensions", data=data)


def test_a_continuous_latent_has_no_codes_to_count(small_run):
    with pytest.raises(
        ConfigError,
        match="usage needs a discrete latent, that of this run is continuous: try dimensions",
    ):
        vaekit.plot(small_run, "usage")


def test_some_of_the_rows_are_of_all_classes_and_said_to_be_some(small_run, monkeypatch):
    rows, _ = find_examples(small_run, "train")
    rows = rows.select(np.argsort(rows.y))  # one class behind the other
    shown = PlotContext(small_run, lambda: rows)
    assert losses(shown, View()).get_suptitle().startswith(f"Losses of {len(rows)} bars rows")
    monkeypatch.setattr("vaekit.run_plots.context.MOST_ROWS", 10)
    shown = PlotContext(small_run, lambda: rows)
    assert losses(shown, View()).get_suptitle().startswith(f"Losses of 10 of {len(rows)} bars rows")
    assert " ".join(dimensions(shown, View()).get_suptitle().split()).endswith(
        f"in use by 10 of {len(rows)} bars rows, mlp"
    )
    every = elbo_per_example(small_run.model, as_inputs(small_run, rows))
    chosen = np.linspace(0, len(rows) - 1, 10).astype(int)
    assert set(rows.y[chosen]) == set(rows.y)
    np.testing.assert_allclose(shown.terms.divergence, every.divergence[chosen], rtol=1e-5)


def titles(monkeypatch, run, names, tmp_path, **options):
    """What stands above pictures that `plot` draws."""
    found = []
    monkeypatch.setattr(
        "vaekit.plots.save",
        lambda figure, path: found.append(" ".join(figure.get_suptitle().split())),
    )
    vaekit.plot(run, names, out=tmp_path, **options)
    return found


ROWS = ["latent", "reconstructions", "dimensions", "losses", "traversals", "interpolations"]


@pytest.mark.parametrize(
    ("split", "rows", "part"),
    [(None, 6, "test"), ("train", 49, "training"), ("validation", 5, "validation")],
)
def test_titles_name_the_part_of_the_data(small_run, tmp_path, monkeypatch, split, rows, part):
    found = dict(
        zip(ROWS, titles(monkeypatch, small_run, ROWS, tmp_path, split=split), strict=True)
    )
    assert (
        found["latent"] == f"Codes of {rows} bars {part} rows, mlp: two most active of 3 dimensions"
    )
    assert found["reconstructions"] == f"Reconstructions of bars {part} rows, mlp"
    assert found["dimensions"].endswith(
        f"of 3 latent dimensions in use by {rows} bars {part} rows, mlp"
    )
    assert found["losses"] == f"Losses of {rows} bars {part} rows, mlp"
    assert f"of the codes of bars {part} rows;" in found["traversals"]
    assert (
        found["interpolations"]
        == f"Interpolations between bars {part} rows, mlp: originals at both ends"
    )


def test_titles_say_which_of_many_rows_are_shown(small_run, tmp_path, monkeypatch):
    monkeypatch.setattr("vaekit.run_plots.context.MOST_ROWS", 10)
    (title,) = titles(monkeypatch, small_run, ["latent"], tmp_path, split="train")
    assert title.startswith("Codes of 10 of 49 bars training rows, mlp")


def test_titles_of_other_rows_do_not_say_that_the_model_was_trained_on_them(
    small_run, tmp_path, monkeypatch
):
    x = small_images().train.x
    np.savez(tmp_path / "other.npz", x=x, x_test=x[:9])
    names = ["reconstructions", "curves", "samples", "grid"]
    rows, *others = titles(monkeypatch, small_run, names, tmp_path, data=tmp_path / "other.npz")
    assert rows == "Reconstructions of other test rows, mlp" and all(
        "mlp on bars" in title for title in others
    )
    (rows,) = titles(
        monkeypatch, small_run, ["latent"], tmp_path, data=tmp_path / "other.npz", split="train"
    )
    assert rows.startswith("Codes of 60 other non-test rows, mlp")
    assert titles(monkeypatch, small_run, ["reconstructions"], tmp_path, data=x) == [
        "Reconstructions of given rows, mlp"
    ]


def test_titles_of_classes(tmp_path, monkeypatch):
    data = small_images(rows=240)
    names = [f"class {i}" if i else "a" for i in range(24)]
    data = vaekit.data.Dataset(
        "bars",
        vaekit.data.Examples(data.train.x, np.arange(240) % 24),
        None,
        data.support,
        tuple(names),
    )
    run = train_small(
        tmp_path / "run", data, conditional=True, latent_dim=1, training={"epochs": 1}
    )
    pictures = ["classes", "grid", "dimensions", "samples", "traversals"]
    every, grid, one, _, moved = titles(monkeypatch, run, pictures, tmp_path, data=data)
    assert every == "Samples of the first 20 of 24 classes, mlp on in-memory"
    assert grid == "Decoded prior quantiles, mlp on in-memory, class a"
    assert one.startswith(
        ("0 of 1 latent dimension in use by", "1 of 1 latent dimension in use by")
    )
    assert (
        moved
        == "Traversals, mlp: the one dimension, 2.5 to 97.5 % of the codes of in-memory test rows; class a"
    )
    options = {"data": data, "label": "class 7"}
    grid, sheet = titles(monkeypatch, run, ["grid", "samples"], tmp_path, **options)
    assert grid.endswith("on in-memory, class 7") and sheet.startswith(
        "Samples of class 7 from the prior"
    )


def test_the_help_names_every_picture():
    (names,) = (
        option for option in get_command(app).commands["plot"].params if option.name == "names"
    )
    told = re.findall(r"[a-z]+", names.help.split(":")[1].split(".")[0])
    assert told == [*PLOTS, *LATENT_PATH_PLOTS]


@pytest.mark.parametrize(
    ("format", "start"), [("svg", b"<?xml"), ("pdf", b"%PDF"), ("png", b"\x89PNG")]
)
def test_all_pictures_at_once_in_any_format(small_run, tmp_path, format, start):
    paths = vaekit.plot(small_run, out=tmp_path, format=format)
    assert {path.name for path in paths} == {path.name for path in tmp_path.iterdir()}
    assert {path.stem for path in paths} == {*PLOTS} - {"classes", "usage"}
    assert all(
        path.suffix == f".{format}" and path.read_bytes().startswith(start) for path in paths
    )


def test_a_format_that_is_none_or_said_twice_is_refused(small_run, tmp_path):
    with pytest.raises(ConfigError, match="format 'jpg': did you mean 'png'"):
        vaekit.plot(small_run, "curves", out=tmp_path, format="jpg")
    with pytest.raises(ConfigError, match="says its format already"):
        vaekit.plot(small_run, "curves", out=tmp_path / "a.png", format="svg")
    assert list(tmp_path.iterdir()) == []
