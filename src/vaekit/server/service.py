"""The interface between the server and a model: facts, and the functions that compute."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import BinaryIO, Protocol

import numpy as np
from pydantic import BaseModel, ConfigDict

from vaekit.data import Examples

Arrays = Mapping[str, np.ndarray]
"""Arrays by name, one entry per example each."""

Labels = str | int | Sequence[str | int] | None
"""Classes by name, one per example or one for all."""


class Facts(BaseModel):
    """Facts about a model that clients need.

    >>> facts = Facts(
    ...     recipe="mlp", data="digits", shape=(1, 8, 8), support="integers:17", latent_dim=2,
    ...     classes=(), positions=0, version="0.1.0",
    ... )
    >>> facts.latent_dim
    2
    """

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    recipe: str
    """The recipe of the run."""
    data: str
    """The name of the dataset."""
    shape: tuple[int, ...]
    """Shape of one example."""
    support: str
    """The values that an example can have."""
    latent_dim: int
    """Numbers of one latent code."""
    classes: tuple[str, ...]
    """Class names of a conditional run."""
    positions: int
    """Discrete variables of one latent code; 0 if latent codes are continuous."""
    version: str
    """The version of vaekit."""


class Service(Protocol):
    """The functions of a model that a server calls.

    `check_examples` and `check_latents` run in the event loop; the other functions compute, in one
    thread.

    Raises:
        ConfigError: From any function; clients get the message.
        DataError: Likewise.

    >>> def encode(service: Service, x: np.ndarray) -> Arrays:
    ...     return service.encode(service.check_examples(x, None))
    """

    facts: Facts
    """Facts about the model."""
    scores: tuple[str, ...]
    """Metrics of `score`, the default first."""

    def check_examples(self, x: np.ndarray, y: Labels) -> Examples:
        """Raw examples [N, *shape] and their class numbers, from the fields of a request."""
        ...

    def check_latents(self, z: np.ndarray, y: Labels) -> Examples:
        """Latent codes [N, L] and their class numbers, from the fields of a request."""
        ...

    image_sizes: frozenset[tuple[int, int]] | None
    """Widths and heights that an image may have before it is decoded; None: any."""

    def read_image(self, file: BinaryIO) -> np.ndarray:
        """Raw example [1, C, H, W] of a PNG or JPEG, cropped and resized as the data of the model.

        It runs in a thread of its own; the number of pixels has been checked.
        """
        ...

    def encode(self, examples: Examples) -> Arrays:
        """mean [N, L] and stddev [N, L] of q(z|x); of discrete codes mean and indices [N, M]."""
        ...

    def decode(self, latents: Examples) -> Arrays:
        """x [N, *shape], the means of p(x|z) in raw units."""
        ...

    def sample_latents(self, count: int, label: str | int | None, seed: int) -> Examples:
        """Latent codes [count, L] from the prior and their class numbers."""
        ...

    def score(self, examples: Examples, metric: str, samples: int, seed: int) -> Arrays:
        """score [N]."""
        ...

    def interrupted(self) -> AbstractContextManager[None]:
        """A context in which running computations fail as soon as they can."""
        ...
