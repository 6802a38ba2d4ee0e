from typing import Any

import pytest
import torch

import vaekit
from conftest import QUIET, small_images, train_small
from vaekit.cli.train import NO_FINDING, print_run
from vaekit.evaluation.code_usage import CodeUsage
from vaekit.evaluation.metric import Metric
from vaekit.evaluation.results import TermMetrics
from vaekit.evaluation.verdict import (
    LossCurves,
    TrainingFacts,
    active_dimensions,
    verdict,
)
from vaekit.inference.bounds import ExampleTerms
from vaekit.runs.verdict import Finding, read_verdict

GOOD_CURVES = LossCurves([9.0, 5.0, 4.5, 4.4], [9.5, 5.4, 5.01, 5.0], best_epoch=4, steps=4000)


def facts(**changes: Any) -> TrainingFacts:
    """The facts of a good training, with changes."""
    good: dict[str, Any] = {
        "losses": GOOD_CURVES,
        "examples": {"train": 1000, "validation": 100, "test": 100},
        "warmup": 0,
        "terms": ExampleTerms(torch.ones(100), torch.ones(100, 3)),
        "metrics": TermMetrics(Metric(4.0, 0.1), Metric(1.0, 0.1), Metric(3.0, 0.0)),
    }
    return TrainingFacts(**{**good, **changes})


def kinds(**changes: Any) -> list[str]:
    return [finding.kind for finding in verdict(facts(**changes))]


def terms(*divergence: float) -> ExampleTerms:
    return ExampleTerms(torch.ones(100), torch.tensor(divergence).expand(100, -1))


def test_a_good_training_has_no_findings():
    assert verdict(facts()) == ()


def test_the_number_of_active_dimensions_is_that_of_divergences_above_a_hundredth():
    assert active_dimensions(terms(1.0, 0.02, 0.009, 0.0)) == 2


@pytest.mark.parametrize("divergence", [(0.0, 0.0), (0.005, 0.005), (0.04, 0.04)])
def test_codes_without_information_are_a_collapse(divergence: tuple[float, ...]):
    assert kinds(terms=terms(*divergence)) == ["collapse"]


def test_some_inactive_dimensions_are_no_collapse():
    (finding,) = verdict(facts(terms=terms(2.0, 0.001, 0.0)))
    assert finding.kind == "inactive" and "1 of 3" in finding.text


def test_a_deterministic_code_has_no_divergence_to_judge():
    assert kinds(terms=ExampleTerms(torch.ones(100), torch.zeros(100, 0))) == []


def test_codes_that_do_not_occur_are_unused():
    assert kinds(usage=CodeUsage(4, 512, 30, 20.0), terms=terms(0.0)) == ["unused-codes"]
    assert kinds(usage=CodeUsage(4, 512, 400, 200.0), terms=terms(0.0)) == []


@pytest.mark.parametrize(
    ("training", "validation", "best", "expected"),
    [
        ([9, 5, 4, 3], [9, 5, 6, 7], 2, ["over-fitting"]),
        ([9, 5, 4, 3], [9, 5, 5.05, 5.08], 2, []),  # within the standard error
        ([9, 5, 6, 7], [9, 5, 6, 7], 2, []),  # diverging, not over-fitting
        ([9, 7, 5, 3], [9, 7, 5, 3], 4, ["still-falling"]),
        ([9, 3, 2.9, 2.8], [9, 3, 2.9, 2.85], 4, []),
        ([9], [9], 1, []),
    ],
)
def test_loss_curves_show_over_fitting_and_short_trainings(
    training: list[float], validation: list[float], best: int, expected: list[str]
):
    assert kinds(losses=LossCurves(training, validation, best, steps=100)) == expected


def test_a_warm_up_that_does_not_end_is_named():
    assert kinds(warmup=4001) == ["warm-up"]
    assert kinds(warmup=4000) == []


@pytest.mark.parametrize("examples", [{"train": 199, "test": 100}, {"train": 900, "test": 19}])
def test_few_examples_are_named(examples: dict[str, int]):
    assert kinds(examples=examples) == ["few-examples"]


@pytest.mark.parametrize(
    ("value", "error", "expected"),
    [(3.0, 3.0, ["uncertain-loss"]), (-3.0, 2.9, []), (None, None, []), (5.0, None, [])],
)
def test_a_loss_within_its_error_is_uncertain(value, error, expected):
    metrics = TermMetrics(Metric(value, error), Metric(1.0), Metric(1.0))
    assert kinds(metrics=metrics) == expected


def test_every_text_can_be_recorded():
    everything = facts(
        losses=LossCurves([9, 5, 4], [9, 5, 9], 2, steps=10),
        examples={"train": 1, "test": 1},
        warmup=100,
        terms=terms(0.0),
        metrics=TermMetrics(Metric(1.0, 2.0), Metric(1.0), Metric(1.0)),
    )
    findings = verdict(everything)
    assert len(findings) == 5
    assert all(finding.text.isprintable() and len(finding.text) <= 500 for finding in findings)


# --- In a run -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_collapsed_run_says_so(tmp_path):
    run = vaekit.train(
        "divergence-only",
        data=small_images(300),
        out=tmp_path / "run",
        training={"epochs": 3},
        console=QUIET,
    )
    assert run.verdict[0].kind == "collapse"
    assert vaekit.load_run(run.path).verdict == run.verdict


def test_a_run_of_few_examples_says_so(small_run):
    assert "few-examples" in [finding.kind for finding in small_run.verdict]


def test_a_verdict_survives_the_summary():
    finding = Finding("collapse", "Posterior collapse.")
    assert read_verdict({"verdict": [finding.to_dict()]}) == (finding,)
    assert read_verdict({}) == ()


def test_training_prints_the_verdict(tmp_path, capsys):
    run = train_small(tmp_path / "run")
    print_run(run, as_json=False)
    printed = capsys.readouterr().out
    assert all(finding.text[:30] in printed for finding in run.verdict) and run.verdict
    run.summary["verdict"] = []
    print_run(run, as_json=False)
    assert NO_FINDING in capsys.readouterr().out
