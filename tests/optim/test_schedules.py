import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaekit.optim.schedules import SCHEDULES, Constant, Cosine, Linear

shares = st.floats(0, 1)
every_schedule = pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES)


@every_schedule
@given(warmup=shares, progress=shares)
def test_factors_lie_between_zero_and_one(schedule, warmup: float, progress: float):
    assert 0 <= schedule(warmup=warmup)(progress) <= 1


@every_schedule
@given(warmup=st.floats(0.01, 1), part=shares)
def test_the_rise_is_linear(schedule, warmup: float, part: float):
    assert schedule(warmup=warmup)(part * warmup) == pytest.approx(part)


@every_schedule
@given(warmup=st.floats(0, 0.9), parts=st.tuples(shares, shares))
def test_after_the_rise_nothing_rises(schedule, warmup: float, parts: tuple[float, float]):
    early, late = (schedule(warmup=warmup)(warmup + (1 - warmup) * part) for part in sorted(parts))
    assert early >= late - 1e-12


@pytest.mark.parametrize(
    ("schedule", "values"),
    [
        (Constant(), [1, 1, 1, 1, 1]),
        (Constant(warmup=0.5), [0, 0.5, 1, 1, 1]),
        (Linear(warmup=0), [1, 0.75, 0.5, 0.25, 0]),
        (Linear(warmup=0.5), [0, 0.5, 1, 0.5, 0]),
        (Cosine(warmup=0), [1, (1 + math.sqrt(0.5)) / 2, 0.5, (1 - math.sqrt(0.5)) / 2, 0]),
        (Cosine(warmup=0.5), [0, 0.5, 1, 0.5, 0]),
        (Linear(warmup=1), [0, 0.25, 0.5, 0.75, 1]),
        (Cosine(warmup=1), [0, 0.25, 0.5, 0.75, 1]),
    ],
)
def test_exact_values(schedule, values: list[float]):
    assert [schedule(i / 4) for i in range(5)] == pytest.approx(values)
