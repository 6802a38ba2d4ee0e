"""What a picture needs of a run, and which options it listens to, said where the picture is defined."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from vaekit.runs import Run
from vaekit.workflows.training_setup import IN_MEMORY, is_gone

Picture = TypeVar("Picture", bound=Callable[..., Any])
Need = Callable[[Run], str | None]
"""Why a run does not have it, and what to do; None where it does."""


def image_rows(run: Run) -> str | None:
    shape = run.model.data_shape
    return (
        None
        if len(shape) == 3
        else f"needs images, the rows of this run have shape {shape}: try reconstructions"
    )


def continuous_latent(run: Run) -> str | None:
    discrete = "needs a continuous latent, that of this run is discrete: try samples"
    return None if run.model.codebook is None else discrete


def discrete_latent(run: Run) -> str | None:
    continuous = "needs a discrete latent, that of this run is continuous: try dimensions"
    return continuous if run.model.codebook is None else None


def classes_given(run: Run) -> str | None:
    return None if run.model.classes else "needs a conditional run: train one with --conditional"


def kept_data(run: Run) -> str | None:
    source, wanted = run.config.data.source, "needs the training rows, and those of this run were"
    if source == IN_MEMORY:
        return f"{wanted} arrays in memory: train on a file of them"
    if run.config.data.streamed_examples:
        return f"{wanted} streamed: train on files that are not sharded"
    return (
        f"{wanted} in {source}, which is not there any more: bring it back"
        if is_gone(source)
        else None
    )


def requires(*all_of: Need, takes: Sequence[str] = ()) -> Callable[[Picture], Picture]:
    """Mark the function of a picture with what it needs, and with the fields of its `View` that make a difference."""

    def mark(picture: Picture) -> Picture:
        picture.needs, picture.takes = all_of, tuple(takes)  # pyright: ignore[reportFunctionMemberAccess]
        return picture

    return mark


def unmet_requirement(picture: Callable[..., Any], run: Run) -> str | None:
    """Why a run cannot have this picture, and what to do; None where it can."""
    reasons = (need(run) for need in getattr(picture, "needs", ()))
    return next((reason for reason in reasons if reason), None)
