"""Pictures of figures: what is drawn is what `evaluate` says; names and formats of all pictures."""

import re

import numpy as np
import pytest
from typer.main import get_command

import vaekit
from conftest import QUIET, small_images, train_small
from vaekit.cli.app import app
from vaekit.errors import ConfigError
from vaekit.workflows.plot import PLOTS, dimensions, losses, usage
from vaekit.workflows.rows import find_rows, rows_to_judge
from vaekit.workflows.subject import Subject, View
from vaekit.workflows.walks import WALKS


def subject(run, data=None):
    return Subject(run, lambda: rows_to_judge(run, "test", data)[0])


def heights(axes):
    return sorted((patch.get_height() for patch in axes.patches), reverse=True)


def test_dimensions_show_what_evaluate_finds(small_run):
    found = vaekit.evaluate(small_run, generated=0, samples=1)["latent"]
    figure = dimensions(subject(small_run), View())
    drawn = heights(figure.axes[0])
    assert drawn == pytest.approx(sorted(found["divergence_per_dimension"], reverse=True), rel=1e-5)
    assert figure.get_suptitle().startswith(f"{found['active']} of 3 latent dimensions in use")


def test_where_no_divergence_is_known_it_is_the_variance(tmp_path):
    data = small_images()
    parts = {"posterior": "deterministic", "objective": "reconstruction-only"}
    run = train_small(tmp_path / "run", data, training={"epochs": 1}, **parts)
    drawn = subject(run, data)
    figure = dimensions(drawn, View())
    np.testing.assert_allclose(heights(figure.axes[0]), sorted(drawn.codes.var(0), reverse=True), rtol=1e-6)
    assert figure.axes[0].get_ylabel() == "variance of the code"
    assert [axes.get_title("left") for axes in losses(drawn, View()).axes] == ["Loss (reconstruction alone)"]


def test_losses_have_the_means_and_errors_that_evaluate_finds(small_run):
    found = vaekit.evaluate(small_run, generated=0, samples=1)
    for axes, name in zip(losses(subject(small_run), View()).axes, ("loss", "reconstruction", "divergence"), strict=True):
        figure = found[name]
        assert axes.get_title("right") == f"mean {figure['value']:.2f} ± {figure['standard_error']:.2f}"


def test_usage_shows_what_evaluate_finds(tmp_path):
    data = small_images(shape=(1, 16, 16))
    short = {"training": {"epochs": 1, "device": "cpu"}, "prior_stage": {"epochs": 1}}
    run = vaekit.train("vq", data=data, out=tmp_path / "run", console=QUIET, **short)
    found = vaekit.evaluate(run, data=data, generated=0, samples=1)["codes"]
    figure = usage(subject(run, data), View())
    shares = sum(patch.get_data().values for patch in figure.axes[0].patches)
    assert shares.sum() == pytest.approx(100) and (shares > 0).sum() == found["used"] and len(shares) == found["available"]
    assert figure.get_suptitle().startswith(f"{found['used']} of {found['available']} codes in use")
    with pytest.raises(ConfigError, match="dimensions needs a continuous latent"):
        vaekit.plot(run, "dimensions", data=data)


def test_a_continuous_latent_has_no_codes_to_count(small_run):
    with pytest.raises(ConfigError, match="usage needs a discrete latent, that of this run is continuous: try dimensions"):
        vaekit.plot(small_run, "usage")


def test_losses_of_some_rows_say_that_they_are_the_first(small_run, monkeypatch):
    rows, _ = find_rows(small_run, "train")
    shown = Subject(small_run, lambda: rows)
    assert losses(shown, View()).get_suptitle().startswith(f"Losses of {len(rows)} bars rows")
    monkeypatch.setattr("vaekit.workflows.subject.MOST_TERMS", 10)
    shown = Subject(small_run, lambda: rows)
    assert losses(shown, View()).get_suptitle().startswith("Losses of the first 10 bars rows")


def test_the_help_names_every_picture():
    (names,) = (option for option in get_command(app).commands["plot"].params if option.name == "names")
    told = re.findall(r"[a-z]+", names.help.split(":")[1].split(".")[0])
    assert told == [*PLOTS, *WALKS]


@pytest.mark.parametrize(("format", "start"), [("svg", b"<?xml"), ("pdf", b"%PDF"), ("png", b"\x89PNG")])
def test_all_pictures_at_once_in_any_format(small_run, tmp_path, format, start):
    paths = vaekit.plot(small_run, out=tmp_path, format=format)
    assert {path.name for path in paths} == {path.name for path in tmp_path.iterdir()}
    assert {path.stem for path in paths} == {*PLOTS} - {"classes", "usage"}
    assert all(path.suffix == f".{format}" and path.read_bytes().startswith(start) for path in paths)


def test_a_format_that_is_none_or_said_twice_is_refused(small_run, tmp_path):
    with pytest.raises(ConfigError, match="format 'jpg': did you mean 'png'"):
        vaekit.plot(small_run, "curves", out=tmp_path, format="jpg")
    with pytest.raises(ConfigError, match="says its format already"):
        vaekit.plot(small_run, "curves", out=tmp_path / "a.png", format="svg")
    assert list(tmp_path.iterdir()) == []
