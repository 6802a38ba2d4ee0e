"""Named tensors in safetensors files, compared with what is expected before they are used."""

import json
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from vaekit.config import FORMAT
from vaekit.core.vae import VAE
from vaekit.errors import RunError
from vaekit.files.atomic import atomic_write_bytes
from vaekit.json_types import JsonObject
from vaekit.runs.files import WEIGHTS, read_file
from vaekit.runs.run_id import RUN_ID, RunId, check_run_id

METADATA = "vaekit"
"""The one key of the metadata: several would be written in random order."""
MAX_HEADER_BYTES = 100_000_000
MAX_NUMBER_BYTES = 8
FLOATS = (torch.float64, torch.float32, torch.float16, torch.bfloat16)
"""Types that floats may be saved in; others, of 8 bits or less, have lost the weights."""


class TensorFile(NamedTuple):
    """The content of a safetensors file.

    Attributes:
        tensors: Its tensors by name.
        facts: What is recorded about them, as JSON holds it: format, run_id and others.
    """

    tensors: dict[str, Tensor]
    facts: JsonObject


class Layout(NamedTuple):
    """The shape of a tensor, and whether it holds floats or integers."""

    shape: tuple[int, ...]
    numbers: str

    @classmethod
    def of(cls, tensor: Tensor) -> "Layout":
        """The layout of a tensor."""
        return cls(tuple(tensor.shape), _kind(tensor.dtype))

    def __str__(self) -> str:
        return f"{self.numbers} of shape {self.shape}"


def save_tensors(
    path: Path, tensors: Mapping[str, Tensor], run_id: RunId, **facts: JsonObject
) -> None:
    """Write tensors and facts about them, equal ones as equal bytes."""
    copies = {
        name: tensor.detach().cpu().contiguous().clone() for name, tensor in sorted(tensors.items())
    }
    identity = {} if run_id is None else {RUN_ID: run_id}
    text = json.dumps({"format": FORMAT, **identity, **facts})
    atomic_write_bytes(path, save(copies, metadata={METADATA: text}))


def load_tensors(folder: Path, name: str, limit_bytes: int) -> TensorFile:
    """Read a safetensors file of a run folder.

    Args:
        folder: The run folder.
        name: The file.
        limit_bytes: The most bytes of its tensors; nothing beyond is read.

    Raises:
        RunError: The file is missing, too large, damaged or cannot be read.
    """
    content = read_file(folder, name, limit_bytes + MAX_HEADER_BYTES)
    try:
        tensors = load(content)
        facts = _facts(content)
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        reason = (str(error).splitlines() or [""])[0].rstrip(".")
        raise RunError(
            f"{folder / name} is damaged, or not a safetensors file: {reason or 'no content'}. "
            "Restore it, or train again."
        ) from None
    return TensorFile(tensors, facts)


def save_weights(folder: Path, model: VAE, run_id: RunId) -> None:
    """Write the weights of a run."""
    save_tensors(folder / WEIGHTS, model.state_dict(), run_id)


def load_weights(folder: Path, model: VAE, run_id: RunId) -> None:
    """Read the weights into a model.

    Args:
        folder: The run folder.
        model: The model; it is not changed if there is an error.
        run_id: The run id in the configuration of the folder.

    Raises:
        RunError: Weights are missing, damaged, not finite, or belong to another model or run.
    """
    load_into(model, read_weights(folder, model, run_id), folder / WEIGHTS)


def read_weights(folder: Path, outline: VAE, run_id: RunId) -> dict[str, Tensor]:
    """The weights of a run, with the names and layouts of a model, which may have no memory."""
    expected = outline.state_dict()
    path = folder / WEIGHTS
    file = load_tensors(folder, WEIGHTS, byte_count(expected.values()))
    check_run_id(file.facts.get(RUN_ID), run_id, path)
    check_layout(file.tensors, expected, path)
    return file.tensors


def load_into(model: VAE, weights: Mapping[str, Tensor], path: Path) -> None:
    """Give weights to a model; RunError if they are not finite in its precision."""
    for name, tensor in model.state_dict().items():
        if tensor.is_floating_point() and not weights[name].to(tensor.dtype).isfinite().all():
            raise RunError(
                f"{path}: {name} contains NaN or infinity. Train again with a lower optimizer.lr.",
                parameter="optimizer.lr",
            )
    model.load_state_dict(weights)


def check_layout(found: Mapping[str, Tensor], expected: Mapping[str, Tensor], path: Path) -> None:
    """RunError unless tensors have the names, shapes and kinds of numbers that are expected."""
    for name in sorted(expected.keys() | found.keys()):
        got, wanted = (
            Layout.of(each[name]) if name in each else None for each in (found, expected)
        )
        if got != wanted:
            raise RunError(
                f"{path} belongs to another model: {name} has another layout: "
                f"got {got or 'nothing'}, expected {wanted or 'nothing'}. Restore the file."
            )


def byte_count(tensors: Iterable[Tensor]) -> int:
    """The most bytes that tensors of these shapes take in a file."""
    return sum(tensor.numel() * MAX_NUMBER_BYTES for tensor in tensors)


def _facts(content: bytes) -> JsonObject:
    """The facts in the header of a file that safetensors has accepted; none in other files."""
    (size,) = struct.unpack("<Q", content[:8])
    metadata = json.loads(content[8 : 8 + size]).get("__metadata__", {})
    facts = json.loads(metadata.get(METADATA, "{}"))
    if not isinstance(facts, dict):
        raise ValueError(f"its metadata {METADATA} is no JSON object")
    return facts


def _kind(dtype: torch.dtype) -> str:
    if dtype in FLOATS:
        return "floats"
    return str(dtype).removeprefix("torch.") if dtype.is_floating_point else "integers"
