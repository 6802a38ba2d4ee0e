"""A plot or a metric that fails costs nothing but itself."""

import io
import json
import shutil
from importlib import import_module

import pytest
from rich.console import Console

import vaekit
from conftest import TRAIN_MODULE, small_images, with_plots
from raising import raises
from vaekit.errors import ConfigError, DataError, MemoryShortage, WorkError
from vaekit.run_plots.registry import PLOTS
from vaekit.runs.run_data import RunData

pytestmark = pytest.mark.slow

SHORT = {"training": {"epochs": 1, "batch_size": 16, "device": "cpu"}}


def out_of_memory(*args, **options):
    raise MemoryError("cannot allocate 3 GiB.\nNot here, not now.")


def test_a_failing_plot_costs_a_training_a_line_and_nothing_else(tmp_path, monkeypatch):
    printed = io.StringIO()
    monkeypatch.setitem(PLOTS, "latent", out_of_memory)
    monkeypatch.setitem(PLOTS, "samples", out_of_memory)
    for name in PLOTS.keys() - {"latent", "samples", "curves", "losses"}:
        monkeypatch.delitem(PLOTS, name)
    with with_plots():
        data = small_images()
        run = vaekit.train("mlp", data=data, out=tmp_path, console=Console(file=printed), **SHORT)
    lines = [line for line in printed.getvalue().splitlines() if "MemoryError" in line]
    assert len(lines) == 2
    assert "latent" in lines[0] and "samples" in lines[1]
    assert json.loads((tmp_path / "summary.json").read_text()) == run.summary
    drawn = {path.stem for path in (tmp_path / "plots").glob("*.png")}
    assert drawn == {"curves", "losses"}


def test_a_failing_test_metric_does_not_cost_the_summary(tmp_path, monkeypatch):
    monkeypatch.setattr(TRAIN_MODULE, "elbo_per_example", out_of_memory)
    printed = Console(quiet=True)
    vaekit.train("mlp", data=small_images(), out=tmp_path, console=printed, **SHORT)
    test = vaekit.load_run(tmp_path).summary["test"]
    assert test["loss"]["value"] is None
    assert "MemoryError" in test["loss"]["unavailable"]


def test_all_plots_that_can_be_drawn_are_drawn(small_run, tmp_path, monkeypatch):
    monkeypatch.setitem(PLOTS, "latent", out_of_memory)
    with raises(WorkError):
        vaekit.plot(small_run, ["curves", "latent", "losses"], out=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["curves.png", "losses.png"]


def test_plots_of_a_comparison_that_fail_do_not_cost_its_metrics(
    cli, small_run, tmp_path, monkeypatch
):
    shutil.copytree(small_run.path, tmp_path / "other")
    module = import_module("vaekit.workflows.compare")
    monkeypatch.setattr(module, "plot_comparison", out_of_memory)
    comparison = vaekit.compare([small_run, tmp_path / "other"], out=tmp_path / "compare.png")
    assert "MemoryError" in comparison.plot_failure and not comparison.files
    assert "MemoryError" in comparison._repr_html_()
    loss = vaekit.evaluate(small_run, importance_samples=1, generated_examples=0).terms.loss
    assert [each.loss for each in comparison.runs] == [loss, loss]
    out = str(tmp_path / "compare.png")
    status, printed, error = cli("compare", small_run.path, tmp_path / "other", "--out", out)
    assert status == 1 and f"{loss.value:.2f}" in printed and "MemoryError" in error


def test_the_command_names_the_plots_that_failed(cli, small_run, monkeypatch):
    monkeypatch.setitem(PLOTS, "latent", out_of_memory)
    status, _, error = cli("plot", small_run.path, "curves", "latent", "--out", "plots")
    assert status == 1
    assert "latent" in error and "curves" not in error


def test_the_only_plot_that_fails_keeps_its_error(small_run, tmp_path, monkeypatch):
    monkeypatch.setitem(PLOTS, "latent", out_of_memory)
    with raises(MemoryShortage):
        vaekit.plot(small_run, "latent", out=tmp_path)


def test_data_that_no_plot_can_read_keep_their_error(small_run, tmp_path, monkeypatch):
    def gone(*args):
        raise DataError("the data are gone. Restore them.", parameter="data")

    monkeypatch.setattr(RunData, "load", gone)
    with raises(DataError, "data"):
        vaekit.plot(small_run, ["latent", "losses"], out=tmp_path)


# --- Evaluation ----------------------------------------------------------------------------------

EVALUATE = import_module("vaekit.workflows.evaluate")
LATENT_METRICS = import_module("vaekit.evaluation.latent_metrics")
SAMPLE_QUALITY = import_module("vaekit.evaluation.sample_quality")


@pytest.fixture(scope="module")
def complete(small_run):
    return vaekit.evaluate(small_run, split="train").to_dict()


def unavailable(metric: dict) -> bool:
    return metric["value"] is None and "MemoryError" in metric["unavailable"]


@pytest.mark.parametrize(
    ("owner", "function", "is_unavailable", "key"),
    [
        (
            EVALUATE,
            "marginal_likelihood",
            lambda e: unavailable(e["importance_weighted_bound"]),
            "importance_weighted_bound",
        ),
        (
            EVALUATE,
            "reconstruction_quality",
            lambda e: unavailable(e["reconstructions"]["mse"]),
            "reconstructions",
        ),
        (
            EVALUATE,
            "sample_quality",
            lambda e: "MemoryError" in e["sample_quality"]["unavailable"],
            "sample_quality",
        ),
        (
            SAMPLE_QUALITY,
            "frechet_distance",
            lambda e: (
                unavailable(e["sample_quality"]["prior"]["frechet"])
                and e["sample_quality"]["prior"]["kernel"]["value"] is not None
            ),
            "sample_quality",
        ),
        (
            LATENT_METRICS,
            "aggregate_posterior",
            lambda e: (
                unavailable(e["latent"]["mutual_information"])
                and e["latent"]["prior_holes"] is not None
            ),
            "latent",
        ),
        (
            LATENT_METRICS,
            "encode_all",
            lambda e: "MemoryError" in e["latent"]["warnings"][0],
            "latent",
        ),
        (EVALUATE, "code_usage", lambda e: "MemoryError" in e["unavailable"]["codes"], "codes"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_failing_metric_is_unavailable_and_the_others_stand(
    small_run, complete, monkeypatch, owner, function, is_unavailable, key
):
    monkeypatch.setattr(owner, function, out_of_memory)
    evaluation = vaekit.evaluate(small_run, split="train").to_dict()
    assert is_unavailable(evaluation)
    others = complete.keys() - {key, "unavailable", "bits_per_dimension"}
    assert {name: evaluation[name] for name in others} == {name: complete[name] for name in others}
    json.dumps(evaluation)


def test_the_command_prints_the_other_metrics_and_the_reason(cli, small_run, monkeypatch):
    monkeypatch.setattr(EVALUATE, "marginal_likelihood", out_of_memory)
    monkeypatch.setattr(LATENT_METRICS, "prior_holes", out_of_memory)
    monkeypatch.setattr(EVALUATE, "code_usage", out_of_memory)
    status, printed, _ = cli("evaluate", small_run.path, "--generated-examples", 0)
    assert status == 0
    assert printed.count("MemoryError") >= 3
    assert "mutual information" in printed.lower()


def test_a_wrong_request_is_no_failing_metric(small_run):
    with raises(ConfigError, "class_accuracy_samples"):
        vaekit.evaluate(small_run, class_accuracy_samples=2)


def test_an_unknown_metric_is_refused_before_an_existing_file(cli, small_run, tmp_path):
    (tmp_path / "scores.csv").write_text("mine")
    status, _, error = cli("score", small_run.path, "--metric", "bond")
    assert status == 2
    assert "bond" in error and "scores.csv" not in error
    assert (tmp_path / "scores.csv").read_text() == "mine"


def test_a_failing_plot_does_not_cost_a_sweep(tmp_path, monkeypatch):
    monkeypatch.setattr(import_module("vaekit.workflows.sweep"), "_plot", out_of_memory)
    printed = io.StringIO()
    result = vaekit.sweep(
        "mlp",
        {"objective.beta": ["1", "2"]},
        data=small_images(),
        out=tmp_path,
        console=Console(file=printed),
        **SHORT,
    )
    assert len(result.runs) == 2 and result.files == ()
    assert "MemoryError" in printed.getvalue()
