"""Results that show themselves in a notebook, and as text."""

import shutil

import pytest

import vaekit
from conftest import train_small
from vaekit.evaluation.catalogue import LATENT, LIKELIHOOD, RECONSTRUCTION
from vaekit.workflows import plot_files
from vaekit.workflows.plot_files import PlotFiles

PNG = b"\x89PNG"


@pytest.fixture(scope="module")
def evaluation(small_run):
    return vaekit.evaluate(small_run, importance_samples=3, generated_examples=6)


def test_an_evaluation_is_a_page_of_metrics(evaluation):
    page = evaluation._repr_html_()
    for info in (*list(LIKELIHOOD.values())[:4], RECONSTRUCTION["mse"]):
        assert info.title in page
    assert LATENT["mutual_information"].heading in page
    loss = evaluation.terms.loss
    assert f"{loss.value:.2f} ± {loss.standard_error:.2f}" in page
    for warning in evaluation.latent.warnings:
        assert warning[:40] in page


def test_the_text_of_an_evaluation_is_short(evaluation):
    title, *lines = repr(evaluation).splitlines()
    assert evaluation.run in title
    assert len(lines) == len(evaluation.likelihood_metrics)


def test_a_hostile_name_is_escaped(evaluation, small_run, tmp_path):
    folder = tmp_path / "<script>"
    shutil.copytree(small_run.path, folder)
    evaluated = vaekit.evaluate(folder, importance_samples=1, generated_examples=0)
    compared = vaekit.compare([folder, train_small(tmp_path / "b", small_run.config.data.source)])
    for shown in (evaluated, compared, PlotFiles([folder / "a.png"])):
        page = shown._repr_html_()
        assert "&lt;script&gt;" in page and "<script" not in page


def test_a_comparison_has_a_row_per_run(small_run, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(small_run.path, other)
    page = vaekit.compare([small_run, other])._repr_html_()
    assert page.count("<tr>") == 3
    assert "ranked by" in page


def test_plots_are_a_list_of_paths_and_show_themselves(small_run, tmp_path):
    plots = vaekit.plot(small_run, ["curves", "latent"], out=tmp_path)
    assert plots == [tmp_path / "curves.png", tmp_path / "latent.png"]
    assert plots._repr_html_().count("data:image/png;base64,") == 2
    assert repr(plots).count(".png") == 2


def test_plots_that_cannot_be_shown_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(plot_files, "MAX_SHOWN_BYTES", 2 * len(PNG))
    paths = [tmp_path / name for name in ("a.png", "b.pdf", "large.png", "c.svg", "gone.png")]
    for path in paths[:-1]:
        path.write_bytes(PNG * (3 if path.stem == "large" else 1))
    page = PlotFiles(paths)._repr_html_()
    assert page.count("<img") == 2
    assert all(str(path) in page for path in paths)
