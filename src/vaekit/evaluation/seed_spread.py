"""The spread of a metric over runs that differ in their seed alone."""

import statistics
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from vaekit.evaluation.metric import Metric
from vaekit.evaluation.results import Result

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True)
class SeedSpread(Result):
    """The test loss of several runs of one configuration, in nats per example.

    A difference between configurations is real if it is large beside both: the standard error over
    examples says how well one run is measured, the deviation over seeds how much runs differ.

    Attributes:
        runs: The names of the runs.
        mean: Mean over seeds, with its standard error.
        deviation: Standard deviation over seeds.
        example_error: Standard error over examples, the root mean square over the runs.
    """

    runs: tuple[str, ...]
    mean: Metric
    deviation: float
    example_error: float

    @property
    def text(self) -> str:
        """The spread in words."""
        return (
            f"{', '.join(self.runs)}: test loss {self.mean.value:.2f} over {len(self.runs)} seeds, "
            f"deviation {self.deviation:.2f}, standard error over examples {self.example_error:.2f}"
        )


def seed_spread(losses: Mapping[str, Metric]) -> SeedSpread:
    """The spread of the losses of at least two runs.

    Args:
        losses: The loss of each run by its name.

    >>> losses = {"a": Metric(1.0, 0.1), "b": Metric(3.0, 0.1)}
    >>> seed_spread(losses).mean.value, round(seed_spread(losses).deviation, 3)
    (2.0, 1.414)
    """
    values = [metric.value for metric in losses.values() if metric.value is not None]
    squares = [(metric.standard_error or 0.0) ** 2 for metric in losses.values()]
    deviation = statistics.stdev(values)
    return SeedSpread(
        runs=tuple(losses),
        mean=Metric(statistics.fmean(values), deviation / len(values) ** 0.5),
        deviation=deviation,
        example_error=statistics.fmean(squares) ** 0.5,
    )


def spreads(losses: Mapping[str, Metric], groups: Sequence[K]) -> tuple[SeedSpread, ...]:
    """The spread of each group of at least two runs with a loss.

    Args:
        losses: The loss of each run by its name.
        groups: For each run the configuration without its seed.
    """
    members: dict[K, dict[str, Metric]] = {}
    for (name, metric), group in zip(losses.items(), groups, strict=True):
        if metric.value is not None:
            members.setdefault(group, {})[name] = metric
    return tuple(seed_spread(group) for group in members.values() if len(group) > 1)
