"""Results of a run are written into its folder only while that holds the run, and no link."""

import shutil

import pytest

import vaekit
from conftest import small_images
from hostile.limited import snapshot
from raising import raises
from vaekit.errors import OutputError, RunError
from vaekit.run_plots import registry
from vaekit.workflows import reconstruct, report, sample

VERBS = {
    "plot": lambda run, **out: vaekit.plot(run, "curves", **out),
    "sample": lambda run, **out: sample(run, 4, **out),
    "reconstruct": lambda run, **out: reconstruct(run, indices=[0], **out),
}


@pytest.fixture
def run(small_run, tmp_path):
    """A loaded copy of a run."""
    shutil.copytree(small_run.path, tmp_path / "run")
    return vaekit.load_run(tmp_path / "run")


@pytest.fixture(params=VERBS.values(), ids=VERBS)
def verb(request):
    """A function that writes a plot of a run."""
    return request.param


def replace_run(run) -> None:
    """Let the folder hold another run, as after `train(..., overwrite=True)`."""
    config = run.path / "config.yaml"
    config.write_text(config.read_text().replace(run.run_id, "0" * 32))


def test_no_link_is_followed(verb, run, tmp_path):
    outside = shutil.move(run.path / "plots", tmp_path / "outside")
    for name in ("sample-0.png", "reconstruct.png"):
        (tmp_path / "outside" / name).touch()
    before = snapshot(tmp_path / "outside")
    (run.path / "plots").symlink_to(outside)
    for out in ({}, {"out": run.path / "plots/curves.png"}):
        with raises(OutputError, "out"):
            verb(run, **out)
    assert snapshot(tmp_path / "outside") == before


def test_the_plots_of_another_run_are_kept(verb, run):
    replace_run(run)
    before = snapshot(run.path)
    with raises(RunError, "run"):
        verb(run)
    assert snapshot(run.path) == before


def test_a_deleted_folder_does_not_come_back(verb, run):
    shutil.rmtree(run.path)
    with raises(RunError, "run"):
        verb(run)
    assert not run.path.exists()


def test_elsewhere_a_result_is_written_anyway(verb, run, tmp_path):
    replace_run(run)
    verb(run, out=tmp_path / "result.png")
    assert (tmp_path / "result.png").stat().st_size


def test_a_run_that_is_overwritten_while_it_is_plotted(run, monkeypatch):
    draw = registry.PLOTS["curves"]

    def draw_slowly(*arguments):
        replace_run(run)
        return draw(*arguments)

    monkeypatch.setitem(registry.PLOTS, "curves", draw_slowly)
    before = snapshot(run.path / "plots")
    with raises(RunError, "run"):
        vaekit.plot(run, "curves")
    assert snapshot(run.path / "plots") == before


def test_a_report_of_another_run_is_kept(run):
    evaluation = vaekit.evaluate(run, importance_samples=1, data=small_images())
    replace_run(run)
    with raises(RunError, "run"):
        report(run, evaluation)
    assert not (run.path / "report.html").exists()
