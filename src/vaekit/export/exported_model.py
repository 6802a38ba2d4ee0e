"""An exported model: an encoder and a decoder read from ONNX files, without the model's code."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vaekit.arguments import as_path
from vaekit.data import Labels, Support, check_inputs, check_labels, check_latents
from vaekit.errors import RunError, VaekitError
from vaekit.export.onnx import DECODER, ENCODER, FORMAT, METADATA, open_session
from vaekit.files.regular import read_regular

MAX_BYTES = 2**31
"""The size of the largest ONNX file."""

CORRUPT = "{} is corrupt or not an ONNX file: {}. Export the run again."
FOREIGN = "{} was not written by vaekit, or by a newer version. Export the run again."


@dataclass(frozen=True)
class ExportMetadata:
    """The metadata of an exported file.

    Attributes:
        shape: Shape of an example.
        support: Support of the data.
        latent_dim: The number of latent dimensions, L.
        classes: Names of the classes of a conditional model.
        model: SHA-256 of the weights, equal for an encoder and its decoder.
    """

    shape: tuple[int, ...]
    support: Support
    latent_dim: int
    classes: tuple[str, ...]
    model: str


class ExportedModel:
    """Encoder and decoder of an exported folder, run by onnxruntime on the CPU.

    Args:
        encoder: onnxruntime session of the encoder.
        decoder: onnxruntime session of the decoder.
        metadata: What the files say about themselves.

    Attributes:
        shape: Shape of an example.
        support: Support of the data.
        latent_dim: The number of latent dimensions, L.
        classes: Names of the classes of a conditional model.

    >>> import vaekit
    >>> exported = vaekit.export_onnx("runs/conv", "exported-conv")
    >>> model = vaekit.load_exported("exported-conv")
    >>> mean, stddev = model.encode(images)
    """

    def __init__(self, encoder: Any, decoder: Any, metadata: ExportMetadata):
        self._encoder = encoder
        self._decoder = decoder
        self.shape = metadata.shape
        self.support = metadata.support
        self.latent_dim = metadata.latent_dim
        self.classes = metadata.classes

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.shape))
        classes = f", {len(self.classes)} classes" if self.classes else ""
        return f"ExportedModel({shape}, {self.support}, latent_dim={self.latent_dim}{classes})"

    def encode(self, x: np.ndarray, labels: Labels = None) -> tuple[np.ndarray, np.ndarray]:
        """The parameters of q(z|x).

        Args:
            x: Raw examples [N, *shape].
            labels: Names of their classes, one or N, for a conditional model.

        Returns:
            Mean and standard deviation [N, L]; for a discrete z the most probable code [N, L] and
            the indices of its codebook vectors [N, M].

        Raises:
            DataError: Examples or labels that the model does not accept.
        """
        examples = check_inputs(x, self.shape, self.support)
        inputs = {"x": np.ascontiguousarray(examples, np.float32)}
        inputs |= self._condition(labels, len(examples))
        first, second = self._encoder.run(None, inputs)
        return first, second

    def decode(self, z: np.ndarray, labels: Labels = None) -> np.ndarray:
        """The mean of p(x|z).

        Args:
            z: Latent codes [N, L].
            labels: Names of their classes, one or N, for a conditional model.

        Returns:
            Raw values [N, *shape].

        Raises:
            DataError: Codes or labels that the model does not accept.
        """
        codes = check_latents(z, self.latent_dim)
        inputs = {"z": np.ascontiguousarray(codes), **self._condition(labels, len(codes))}
        return self._decoder.run(None, inputs)[0]

    def _condition(self, labels: Labels, count: int) -> dict[str, np.ndarray]:
        numbers = check_labels(labels, self.classes, count)
        if numbers is None:
            return {}
        return {"y": np.eye(len(self.classes), dtype=np.float32)[numbers]}


def load_exported(folder: str | os.PathLike) -> ExportedModel:
    """Load the encoder and decoder that `vaekit export` wrote.

    Args:
        folder: Folder with encoder.onnx and decoder.onnx.

    Returns:
        The exported model.

    Raises:
        RunError: A file is missing, corrupt, or from another run.

    >>> import vaekit
    >>> exported = vaekit.export_onnx("runs/mlp", "exported-mlp")
    >>> mean, stddev = load_exported("exported-mlp").encode(images)
    """
    folder = as_path("folder", folder)
    encoder, encoder_metadata = _open(folder / ENCODER)
    decoder, decoder_metadata = _open(folder / DECODER)
    if encoder_metadata != decoder_metadata:
        raise RunError(
            f"encoder and decoder of {folder} are from different runs. Export the run again."
        )
    return ExportedModel(encoder, decoder, encoder_metadata)


def _open(path: Path) -> tuple[Any, ExportMetadata]:
    session = _session(path)
    content = session.get_modelmeta().custom_metadata_map.get(METADATA, "")
    inputs = {entry.name: list(entry.shape[1:]) for entry in session.get_inputs()}
    try:
        metadata = _parse_metadata(json.loads(content))
        expected = _input_shapes(path.name, metadata)
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
        raise RunError(FOREIGN.format(path)) from None
    if inputs != expected:
        raise RunError(FOREIGN.format(path))
    return session, metadata


def _session(path: Path) -> Any:
    try:
        return open_session(read_regular(path, MAX_BYTES))
    except OSError as error:
        raise RunError(
            f"cannot read {path}: {error.strerror}. Choose a folder that `vaekit export` wrote."
        ) from None
    except VaekitError:
        raise
    except Exception as error:  # onnxruntime raises a dozen types of its own
        reason = str(error).splitlines()[0][:200].rstrip(".")
        raise RunError(CORRUPT.format(path, reason)) from None


def _parse_metadata(fields: Mapping[str, Any]) -> ExportMetadata:
    """The metadata from parsed JSON; any exception means that it is not ours."""
    shape = fields["shape"]
    latent_dim = fields["latent_dim"]
    classes = fields["classes"]
    sizes_valid = all(type(size) is int and size > 0 for size in (latent_dim, *shape))
    names_valid = all(isinstance(name, str) for name in (*classes, fields["model"]))
    if fields["format"] not in range(1, FORMAT + 1) or not sizes_valid or not names_valid:
        raise ValueError("metadata is invalid")
    support = Support.parse(fields["support"])
    return ExportMetadata(tuple(shape), support, latent_dim, tuple(classes), fields["model"])


def _input_shapes(name: str, metadata: ExportMetadata) -> dict[str, list[int]]:
    """Names of a graph's inputs and their shapes without the batch dimension."""
    if name == ENCODER:
        shapes = {"x": list(metadata.shape)}
    else:
        shapes = {"z": [metadata.latent_dim]}
    if metadata.classes:
        shapes["y"] = [len(metadata.classes)]
    return shapes
