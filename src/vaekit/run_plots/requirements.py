"""Requirements of a plot on a run, and the options that the plot takes."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from vaekit.runs import Run
from vaekit.runs.dataset_source import IN_MEMORY, is_missing, locate

Plot = TypeVar("Plot", bound=Callable[..., Any])
Requirement = Callable[[Run], str | None]
"""Why a run does not meet a requirement, and what to do; None if it does."""


def image_data(run: Run) -> str | None:
    """The examples are images."""
    shape = run.model.data_shape
    if len(shape) == 3:
        return None
    return f"requires images, but the examples of this run have shape {shape}. Try reconstructions."


def continuous_latent(run: Run) -> str | None:
    """The latent codes are continuous."""
    if run.model.codebook is None:
        return None
    return "requires continuous latent codes, but this run has discrete ones. Try samples."


def discrete_latent(run: Run) -> str | None:
    """The latent codes are discrete."""
    if run.model.codebook is not None:
        return None
    return "requires discrete latent codes, but this run has continuous ones. Try dimensions."


def conditional_run(run: Run) -> str | None:
    """The run is conditional."""
    if run.model.classes:
        return None
    return "requires a conditional run. Train with conditional=true."


def available_data(run: Run) -> str | None:
    """The training examples can be read again."""
    source = run.config.data.source
    if source == IN_MEMORY:
        return "requires the training examples, but these were arrays in memory. Train on a file."
    if run.config.data.streamed_examples:
        return "requires the training examples, but these were streamed. Train on a single file."
    if is_missing(locate(source, run.directory)):
        return f"requires the training examples, but {source} is missing. Restore it."
    return None


def requires(*requirements: Requirement, takes: Sequence[str] = ()) -> Callable[[Plot], Plot]:
    """Mark the function of a plot with its requirements and the fields of `View` that it takes."""

    def mark(plot: Plot) -> Plot:
        plot.requirements = requirements  # pyright: ignore[reportFunctionMemberAccess]
        plot.takes = tuple(takes)  # pyright: ignore[reportFunctionMemberAccess]
        return plot

    return mark


def unmet_requirement(plot: Callable[..., Any], run: Run) -> str | None:
    """Why a run cannot have this plot, and what to do; None if it can."""
    reasons = (requirement(run) for requirement in getattr(plot, "requirements", ()))
    return next((reason for reason in reasons if reason), None)
