"""Freeze the parts of a model that a stage does not train."""

from collections.abc import Iterator
from contextlib import contextmanager

from vaekit.core.vae import VAE
from vaekit.training.stages import Stage


@contextmanager
def freeze_except(model: VAE, stage: Stage) -> Iterator[None]:
    """Within the block only the trainable parts of the stage have gradients.

    A prior with a later stage of its own is deferred: it keeps its initial distribution.
    """
    frozen = stage.frozen(model)
    parameters = [p for part in frozen for p in part.parameters() if p.requires_grad]
    priors = [part for part in frozen if hasattr(part, "deferred")]
    try:
        for p in parameters:
            p.requires_grad_(False)
        for prior in priors:
            prior.deferred = True  # pyright: ignore[reportArgumentType]
        yield
    finally:
        for p in parameters:
            p.requires_grad_(True)
        for prior in priors:
            prior.deferred = False  # pyright: ignore[reportArgumentType]
