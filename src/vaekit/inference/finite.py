"""Outputs of a model are finite, or an error: finite weights may still be too large."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from vaekit.errors import NonFiniteError, reason_of

FIX = "Check that the run is what you expect, or train it again with a lower optimizer.lr."


def check_finite(x: Tensor, name: str) -> Tensor:
    """The values; NonFiniteError if one is NaN or infinite.

    Args:
        x: Values that a model computed.
        name: What they are, in the plural.

    >>> check_finite(torch.ones(2), "scores")
    tensor([1., 1.])
    """
    if not torch.isfinite(x).all():
        raise NonFiniteError(f"the model computes {name} that are NaN or infinite. {FIX}")
    return x


@contextmanager
def sampling_errors(name: str) -> Iterator[None]:
    """Turn PyTorch's refusal to sample from invalid parameters into a NonFiniteError.

    Args:
        name: What is sampled.
    """
    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except (RuntimeError, ValueError) as error:
        if isinstance(error, NonFiniteError) or "memory" in str(error):
            raise
        raise NonFiniteError(f"{name} cannot be sampled: {reason_of(error)}. {FIX}") from None
