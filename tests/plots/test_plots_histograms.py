"""Histograms: every row is counted, and the mean and its error are those of the values."""

import numpy as np
import pytest

from vaekit.errors import DataError
from vaekit.plots import histograms


def test_every_row_is_counted_and_the_mean_is_the_mean():
    values = np.random.default_rng(0).normal(5, 2, size=400)
    figure = histograms({"loss": values, "divergence": 2 * values}, "nats", title="what")
    for axes, (name, scale) in zip(figure.axes, {"loss": 1, "divergence": 2}.items(), strict=True):
        assert axes.patches[0].get_data().values.sum() == 400
        assert axes.lines[0].get_xdata()[0] == pytest.approx(scale * values.mean())
        assert axes.get_title("left") == name
        error = scale * values.std(ddof=1) / 20
        assert axes.get_title("right") == f"mean {scale * values.mean():.2f} ± {error:.2f}"
    assert figure.axes[-1].get_xlabel() == "nats of a row" and figure.get_suptitle() == "what"


def test_one_row_has_no_error():
    assert histograms({"loss": [1.5]}, "nats").axes[0].get_title("right") == "mean 1.50"


@pytest.mark.parametrize("figures", [{}, {"loss": [1.0, np.inf]}, {"loss": []}])
def test_what_cannot_be_drawn_is_refused(figures):
    with pytest.raises(DataError, match="allowed"):
        histograms(figures, "nats")
