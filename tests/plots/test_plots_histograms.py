"""Histograms count every example and show the mean with its standard error."""

import numpy as np
import pytest

from raising import raises
from vaekit.errors import DataError
from vaekit.plots import histograms


def test_every_example_is_counted_and_the_mean_is_shown():
    values = np.random.default_rng(0).normal(5, 2, size=400)
    figure = histograms({"loss": values, "divergence": 2 * values}, "nats", title="losses")
    for axes, (name, scale) in zip(figure.axes, {"loss": 1, "divergence": 2}.items(), strict=True):
        assert axes.patches[0].get_data().values.sum() == 400
        assert axes.lines[0].get_xdata()[0] == pytest.approx(scale * values.mean())
        assert axes.get_title("left") == name
        error = scale * values.std(ddof=1) / 20
        assert axes.get_title("right") == f"mean {scale * values.mean():.2f} ± {error:.2f}"
    assert figure.axes[-1].get_xlabel() == "nats per example" and figure.get_suptitle() == "losses"


def test_one_example_has_no_standard_error():
    assert histograms({"loss": [1.5]}, "nats").axes[0].get_title("right") == "mean 1.50"


def test_the_standard_error_of_few_examples_is_that_of_a_sample():
    axes = histograms({"loss": [1.0, 3.0, 5.0]}, "nats").axes[0]
    assert axes.get_title("right") == "mean 3.00 ± 1.15"


@pytest.mark.parametrize(
    ("values", "parameter"),
    [({}, "values"), ({"loss": [1.0, np.inf]}, "loss"), ({"loss": []}, "loss")],
)
def test_invalid_values(values, parameter):
    with raises(DataError, parameter):
        histograms(values, "nats")
