"""What the page is given about a run: facts as JSON, and arrays as bytes."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Content:
    """All that the page knows of a run.

    facts: what JSON can hold; the names of the arrays are added. arrays: by name, each C-contiguous, little-endian.
    encoder, decoder: ONNX files. original: the raw row with this number, for pages that ask a server for it.

    >>> content = Content({"rows": 1}, {"codes": np.zeros((1, 2), np.float32)}, b"", b"", lambda row: np.zeros(4))
    >>> content.describe()["arrays"]
    {'codes': {'type': 'float32', 'shape': [1, 2]}}
    """

    facts: Mapping[str, Any]
    arrays: Mapping[str, np.ndarray]
    encoder: bytes = field(repr=False)
    decoder: bytes = field(repr=False)
    original: Callable[[int], np.ndarray] = field(repr=False)

    def describe(self) -> dict[str, Any]:
        """The facts, and what each array is."""
        arrays = {
            name: {"type": array.dtype.name, "shape": list(array.shape)}
            for name, array in self.arrays.items()
        }
        return {**self.facts, "arrays": arrays}

    def to_json(self) -> bytes:
        """The same as JSON, with nothing in it that could end a script element."""
        text = json.dumps(self.describe(), allow_nan=False, separators=(",", ":"))
        return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").encode()

    def blobs(self) -> dict[str, bytes]:
        """Everything that is bytes, by name."""
        arrays = {name: little_endian(array) for name, array in self.arrays.items()}
        return {"encoder": self.encoder, "decoder": self.decoder, **arrays}


def little_endian(array: np.ndarray) -> bytes:
    """The bytes of an array, as pages read them on every machine."""
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
