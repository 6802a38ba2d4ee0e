"""The catalogue of metrics has an entry for every metric that results hold."""

from dataclasses import fields

import pytest

from vaekit.evaluation.catalogue import CATALOGUE, LIKELIHOOD, RECONSTRUCTION, SAMPLES
from vaekit.evaluation.metric import Metric
from vaekit.evaluation.reconstruction import ReconstructionMetrics
from vaekit.evaluation.results import SampleMetrics, TermMetrics


def test_the_terms_of_the_elbo_are_in_the_catalogue():
    assert {field.name for field in fields(TermMetrics)} <= set(LIKELIHOOD)


def test_reconstruction_and_sample_metrics_are_those_of_the_catalogue():
    assert set(ReconstructionMetrics._fields) == set(RECONSTRUCTION)
    assert [field.name for field in fields(SampleMetrics)] == list(SAMPLES)


@pytest.mark.parametrize("name", CATALOGUE)
def test_an_entry_is_explained_with_its_direction(name):
    info = CATALOGUE[name]
    assert info.title and info.meaning.endswith(".")
    assert info.explanation.startswith(info.meaning)
    assert (info.explanation == info.meaning) == (info.better == "neither")
    assert info.heading.startswith(info.title) and info.heading.endswith(info.unit)


def test_a_metric_is_written_with_its_value_or_with_the_reason():
    assert Metric(1.5, 0.25).to_dict() == {"value": 1.5, "standard_error": 0.25}
    assert Metric(1.5).to_dict() == {"value": 1.5, "standard_error": None}
    unavailable = Metric(None, unavailable="no density")
    assert unavailable.to_dict() == {"value": None, "unavailable": "no density"}
