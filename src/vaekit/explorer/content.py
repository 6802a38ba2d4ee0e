"""The content of the page about a run: facts as JSON, and arrays as bytes."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

import numpy as np

FORMAT = 2
"""The version of the names in the JSON of the page."""


@dataclass(frozen=True)
class DiscreteFacts:
    """The layout of a discrete latent code: its positions, codebook entries and groups."""

    positions: int
    count: int
    groups: int


@dataclass(frozen=True)
class LatentFacts:
    """The latent space of a run.

    Attributes:
        dim: The number of latent dimensions L.
        discrete: The layout of the codes; None in a continuous space.
        activity: Divergence in nats or variance of each dimension; empty in a discrete space.
        activity_unit: nats or variance.
        order: The dimensions, the most active first.
        low: The least value of each dimension on sliders.
        high: The largest value of each dimension on sliders.
        explained_variance: The fraction of the variance that each principal component explains.
    """

    dim: int
    discrete: DiscreteFacts | None = None
    activity: Sequence[float] = ()
    activity_unit: str | None = None
    order: Sequence[int] = ()
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    explained_variance: Sequence[float] = ()


@dataclass(frozen=True)
class NormalPrior:
    """Mean and standard deviation of a normal prior, [C or 1, L]."""

    mean: Sequence[Sequence[float]]
    stddev: Sequence[Sequence[float]]


@dataclass(frozen=True)
class SampledPrior:
    """The number of prior samples in the page; of a conditional run, the classes alternate."""

    samples: int


@dataclass(frozen=True)
class LossValue:
    """A loss in nats per example and its standard error, if it is known."""

    value: float
    standard_error: float | None


@dataclass(frozen=True)
class Facts:
    """The facts about a run that the page shows or computes with.

    Attributes:
        version: The version of vaekit.
        name: The name of the run folder.
        recipe: The recipe of the run.
        data: The name of the dataset on the map.
        part: The part of it: train, validation, test, all, or `all but test`.
        examples: The number of examples N.
        shape: The shape of an example.
        support: The support of the data.
        value_range: The raw values that are black and white.
        latent: The latent space.
        classes: The names of the classes C.
        colors: Colors of the classes as #rrggbb, in turn.
        shapes: Polygons of points [x, y] from -1 to 1 that mark the classes, in turn.
        conditional: Whether the model is conditional on the class.
        terms: The names of the loss terms.
        test_loss: The test loss of the run, if it is known.
        prior: The prior; None if the objective does not use one.
        stochastic_posterior: Whether the reconstruction term is that of one sample of the
            posterior.
        files: The name of the file of each example; empty if they are not from image files.
        findings: The verdict about the run, one sentence each.
    """

    version: str
    name: str
    recipe: str | None
    data: str
    part: str
    examples: int
    shape: Sequence[int]
    support: str
    value_range: Sequence[float]
    latent: LatentFacts
    classes: Sequence[str]
    colors: Sequence[str]
    shapes: Sequence[Sequence[Sequence[float]]]
    conditional: bool
    terms: Sequence[str]
    test_loss: LossValue | None
    prior: NormalPrior | SampledPrior | None
    stochastic_posterior: bool
    files: Sequence[str] = ()
    findings: Sequence[str] = ()

    def to_dict(self) -> dict[str, object]:
        """The facts as JSON values."""
        return {"format": FORMAT, **asdict(self)}


@dataclass(frozen=True)
class ExplorerContent:
    """The content of the page about a run.

    Attributes:
        facts: The facts about the run.
        arrays: Arrays by name: codes and terms of the examples; if they exist, labels, principal
            components with their center, codebook with indices, prior samples, and originals.
        encoder: The encoder as an ONNX file.
        decoder: The decoder as an ONNX file.
        original: Returns a raw example by its index, for a page that asks a server for it.
    """

    facts: Facts
    arrays: Mapping[str, np.ndarray]
    encoder: bytes = field(repr=False)
    decoder: bytes = field(repr=False)
    original: Callable[[int], np.ndarray] = field(repr=False)

    def to_dict(self) -> dict[str, object]:
        """The facts, with the type and the shape of each array."""
        arrays = {
            name: {"type": array.dtype.name, "shape": list(array.shape)}
            for name, array in self.arrays.items()
        }
        return {**self.facts.to_dict(), "arrays": arrays}

    def to_json(self) -> bytes:
        """`to_dict` as JSON, escaped so that it cannot end a script element."""
        text = json.dumps(self.to_dict(), allow_nan=False, separators=(",", ":"))
        return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").encode()

    def blobs(self) -> dict[str, bytes]:
        """The ONNX files and the bytes of the arrays, by name."""
        arrays = {name: to_little_endian(array) for name, array in self.arrays.items()}
        return {"encoder": self.encoder, "decoder": self.decoder, **arrays}

    def with_originals(self, indices: np.ndarray) -> "ExplorerContent":
        """Add the raw examples at these indices, for a page without a server."""
        originals = np.stack([self.original(int(index)) for index in indices])
        added = {"original_indices": indices.astype(np.uint32), "originals": originals}
        return replace(self, arrays={**self.arrays, **added})


def to_little_endian(array: np.ndarray) -> bytes:
    """The bytes of an array in row-major order, little-endian on every machine."""
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
