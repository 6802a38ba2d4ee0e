"""An exported folder read again, without the model's code."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from vaekit.data import Labels, Support, check_inputs, check_labels, check_latents
from vaekit.errors import RunError, VaekitError
from vaekit.export.onnx import DECODER, ENCODER, METADATA, session

MOST_BYTES = 2**31


class Exported:
    """Encoder and decoder of an exported folder, on raw rows, by onnxruntime.

    shape: of a row. support: what its values can be. latent_dim: L. classes: of a conditional run, in the order of y's columns.
    Rows, codes and classes are taken as `Run` takes them.
    """

    def __init__(self, encoder: Any, decoder: Any, facts: dict[str, Any]):
        self._encoder, self._decoder = encoder, decoder
        self.shape, self.support = tuple(facts["shape"]), Support.parse(facts["support"])
        self.latent_dim, self.classes = facts["latent_dim"], tuple(facts["classes"])

    def __repr__(self) -> str:
        classes = f", {len(self.classes)} classes" if self.classes else ""
        return f"Exported(rows of {'x'.join(map(str, self.shape))}, {self.support}, latent_dim {self.latent_dim}{classes})"

    def encode(self, x: np.ndarray, y: Labels = None) -> tuple[np.ndarray, ...]:
        """Mean and sigma of q(z given x) [N, L] for raw rows [N, *shape]; of a discrete z the code and its entries [N, M].

        y: classes by name, of a conditional run. Raises DataError for rows and classes that cannot be.
        """
        rows = check_inputs(x, self.shape, self.support)
        return tuple(
            self._encoder.run(
                None, {"x": np.ascontiguousarray(rows, np.float32), **self._condition(y, len(rows))}
            )
        )

    def decode(self, z: np.ndarray, y: Labels = None) -> np.ndarray:
        """The means of p(x given z) in raw units, [N, *shape]; y and errors as of `encode`."""
        codes = check_latents(z, self.latent_dim)
        return self._decoder.run(
            None, {"z": np.ascontiguousarray(codes), **self._condition(y, len(codes))}
        )[0]

    def _condition(self, y: Labels, rows: int) -> dict[str, np.ndarray]:
        numbers = check_labels(y, self.classes, rows)
        return (
            {} if numbers is None else {"y": np.eye(len(self.classes), dtype=np.float32)[numbers]}
        )


def load_exported(folder: str | os.PathLike) -> Exported:
    """The encoder and decoder that `vaekit export` wrote; RunError where they are not there, damaged, or no pair.

    >>> codes, _ = load_exported("exported").encode(images)  # doctest: +SKIP
    """
    opened = [_open(Path(folder) / name) for name in (ENCODER, DECODER)]
    facts = [
        _facts(one, Path(folder) / name)
        for one, name in zip(opened, (ENCODER, DECODER), strict=True)
    ]
    if facts[0] != facts[1]:
        raise RunError(
            f"{folder} holds an encoder and a decoder of different runs: export the run again"
        )
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
        raise RunError(
            f"{path} is damaged, or no ONNX file: {str(error).splitlines()[0][:200]}"
        ) from None


def _facts(opened: Any, path: Path) -> dict[str, Any]:
    """What a file says of itself, if all of it is as it should be and as the graph's own inputs are."""
    try:
        found = json.loads(opened.get_modelmeta().custom_metadata_map[METADATA])
        shape, classes, codes = found["shape"], found["classes"], found["latent_dim"]
        sizes = {"x": shape} if path.name == ENCODER else {"z": [codes]}
        sizes |= {"y": [len(classes)]} if classes else {}
        Support.parse(found["support"])
        as_it_should = (
            found["format"] == 1
            and all(isinstance(name, str) for name in (*classes, found["model"]))
            and all(type(number) is int and number > 0 for number in (codes, *shape))
            and {each.name: each.shape[1:] for each in opened.get_inputs()} == sizes
        )
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError, VaekitError):
        as_it_should = False
    if not as_it_should:
        raise RunError(f"{path} is not from vaekit, or from a later version of it")
    return found
