"""An exported folder read again, without the model's code."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vaekit.errors import DataError, RunError, VaekitError, suggest
from vaekit.export.onnx import DECODER, ENCODER, METADATA, session

MOST_BYTES = 2**31


class Exported:
    """Encoder and decoder of an exported folder, on raw rows, by onnxruntime.

    shape: of a row. support: what its values can be. latent_dim: L. classes: of a conditional run, in the order of y's columns.
    """

    def __init__(self, encoder: Any, decoder: Any, facts: dict[str, Any]):
        self._encoder, self._decoder = encoder, decoder
        self.shape, self.support = tuple(facts["shape"]), str(facts["support"])
        self.latent_dim, self.classes = int(facts["latent_dim"]), tuple(map(str, facts["classes"]))

    def encode(self, x: np.ndarray, y: str | Sequence[str] | None = None) -> tuple[np.ndarray, ...]:
        """Mean and sigma of q(z given x) [N, L] for raw rows [N, *shape]; of a discrete z the code and its entries [N, M]."""
        return tuple(self._encoder.run(None, {"x": self._rows(x, self.shape), **self._condition(y, len(x))}))

    def decode(self, z: np.ndarray, y: str | Sequence[str] | None = None) -> np.ndarray:
        """The means of p(x given z) in raw units, [N, *shape]."""
        return self._decoder.run(None, {"z": self._rows(z, (self.latent_dim,)), **self._condition(y, len(z))})[0]

    def _rows(self, values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        values = np.asarray(values)
        if values.shape[1:] != shape or not len(values):
            raise DataError(f"rows of shape {values.shape} were given, this model takes [N, {', '.join(map(str, shape))}]")
        return np.ascontiguousarray(values, np.float32)

    def _condition(self, y: str | Sequence[str] | None, rows: int) -> dict[str, np.ndarray]:
        if not self.classes:
            return {}
        names = [y] * rows if isinstance(y, str) else [str(name) for name in y or ()]
        if len(names) != rows:
            raise DataError(
                f"this model is conditional: give a class for each of {rows} rows, out of {', '.join(self.classes)}"
            )
        if wrong := next((name for name in names if name not in self.classes), None):
            raise DataError(f"no class {wrong!r}: {suggest(wrong, self.classes)}")
        return {"y": np.eye(len(self.classes), dtype=np.float32)[[self.classes.index(name) for name in names]]}


def load_exported(folder: str | os.PathLike) -> Exported:
    """The encoder and decoder that `vaekit export` wrote; RunError where they are not there, damaged, or no pair.

    >>> codes, _ = load_exported("exported").encode(images)  # doctest: +SKIP
    """
    opened = [_open(Path(folder) / name) for name in (ENCODER, DECODER)]
    facts = [_facts(one, Path(folder) / name) for one, name in zip(opened, (ENCODER, DECODER), strict=True)]
    if facts[0] != facts[1]:
        raise RunError(f"{folder} holds an encoder and a decoder of different runs: export the run again")
    return Exported(opened[0], opened[1], facts[0])


def _open(path: Path) -> Any:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise RunError(f"{path} has more than {MOST_BYTES:,} bytes, as many as ONNX allows")
        return session(path.read_bytes())
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}") from None
    except VaekitError:
        raise
    except Exception as error:  # onnxruntime has a dozen kinds of its own
        raise RunError(f"{path} is damaged, or no ONNX file: {str(error).splitlines()[0][:200]}") from None


def _facts(opened: Any, path: Path) -> dict[str, Any]:
    foreign = RunError(f"{path} is not from vaekit, or from a later version of it")
    try:
        found = json.loads(opened.get_modelmeta().custom_metadata_map[METADATA])
        shape, classes = found["shape"], found["classes"]
        as_they_should = (
            found["format"] == 1
            and isinstance(found["support"], str)
            and all(isinstance(number, int) and number > 0 for number in (found["latent_dim"], *shape))
            and all(isinstance(name, str) for name in classes)
        )
    except (KeyError, ValueError, TypeError):
        raise foreign from None
    names = {each.name for each in opened.get_inputs()}
    if not as_they_should or names != {"x" if path.name == ENCODER else "z", *(["y"] if classes else [])}:
        raise foreign
    return found
