import math

import numpy as np
import pytest

from vaekit.evaluation.metric import Metric
from vaekit.evaluation.seed_spread import seed_spread, spreads


def test_the_deviation_is_over_seeds_and_the_error_over_examples():
    spread = seed_spread({"a": Metric(1.0, 0.3), "b": Metric(2.0, 0.4), "c": Metric(6.0, 0.5)})
    assert spread.mean.value == 3.0
    assert spread.deviation == pytest.approx(np.std([1, 2, 6], ddof=1))
    assert spread.mean.standard_error == pytest.approx(spread.deviation / math.sqrt(3))
    assert spread.example_error == pytest.approx(math.sqrt((0.09 + 0.16 + 0.25) / 3))
    assert spread.runs == ("a", "b", "c")


def test_groups_of_one_run_and_runs_without_a_loss_have_no_spread():
    losses = {
        "a": Metric(1.0),
        "b": Metric(2.0),
        "c": Metric(None, unavailable="it failed"),
        "d": Metric(5.0),
    }
    (spread,) = spreads(losses, ["x", "x", "x", "y"])
    assert spread.runs == ("a", "b")
