"""ONNX files: written, opened, and compared with the model."""

import json
import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.export import ExportedProgram

from vaekit.errors import ConfigError, WorkError
from vaekit.export.graphs import Graph

ENCODER = "encoder.onnx"
DECODER = "decoder.onnx"

FORMAT = 2
"""The format of exported files. Format 1 differs in the name of one output, `z_sigma`."""

METADATA = "vaekit"
"""The name of the metadata entry."""

NO_FOLDER = f"{os.devnull}/nowhere"
"""The folder of external weights: our files have none, and no file may read others of the disk."""

MAX_DIFFERENCE = 1e-4
"""The largest difference from torch, as a share of the largest value.

Sums in float32 in another order differ by about a tenth of it.
"""

ONLY_FATAL = 4
MISSING_PACKAGE = '{} is not installed. Run pip install "vaekit[export]".'


def to_onnx(graph: Graph, program: ExportedProgram, metadata: Mapping[str, Any]) -> bytes:
    """The content of an ONNX file.

    Args:
        graph: The graph that was traced.
        program: Its program.
        metadata: Stored in the file as JSON.

    Raises:
        ConfigError: The packages for ONNX are not installed.
        WorkError: A custom part has no ONNX equivalent.
    """
    _check_packages()
    with _quiet():
        try:
            exported = torch.onnx.export(
                program,
                dynamo=True,
                verbose=False,
                input_names=list(graph.inputs),
                output_names=list(graph.outputs),
            )
        except torch.onnx.errors.OnnxExporterError as error:
            reason = str(error).splitlines()[0].rstrip(".")
            raise WorkError(
                f"the model cannot be written as ONNX: {reason}. "
                "Use operations that ONNX has in your own modules."
            ) from error
    assert exported is not None

    proto = exported.model_proto
    for value in (*proto.graph.input, *proto.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"  # instead of a generated name
    del proto.graph.value_info[:]  # intermediate shapes, which use the generated name

    entry = proto.metadata_props.add()
    entry.key = METADATA
    entry.value = json.dumps(dict(metadata))
    return proto.SerializeToString()


def open_session(content: bytes) -> Any:
    """An onnxruntime session of a file's content, on the CPU and without telemetry."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read when onnxruntime is imported
    try:
        import onnxruntime
    except ImportError:
        raise ConfigError(MISSING_PACKAGE.format("onnxruntime")) from None

    options = onnxruntime.SessionOptions()
    options.add_session_config_entry(
        "session.model_external_initializers_file_folder_path", NO_FOLDER
    )
    options.log_severity_level = ONLY_FATAL
    return onnxruntime.InferenceSession(
        content,
        options,
        providers=["CPUExecutionProvider"],
        disabled_optimizers=["ConstantFolding"],  # a small file can declare huge constants
    )


def check_parity(content: bytes, graph: Graph, inputs: tuple[Tensor, ...]) -> float:
    """Compare an ONNX file with the graph it was made of.

    Args:
        content: The ONNX file.
        graph: The graph.
        inputs: Inputs of both.

    Returns:
        The largest difference of any output, as a share of its largest value.

    Raises:
        WorkError: The difference is larger than `MAX_DIFFERENCE`.
    """
    names = {name: x.numpy() for name, x in zip(graph.inputs, inputs, strict=True)}
    outputs = open_session(content).run(None, names)
    with torch.no_grad():
        expected = graph(*inputs)
    worst = max(_difference(a, b.numpy()) for a, b in zip(outputs, expected, strict=True))
    if not worst <= MAX_DIFFERENCE:
        raise WorkError(
            f"the ONNX file differs from the model: got a relative difference of {worst:.1e}, "
            f"expected at most {MAX_DIFFERENCE:.0e}. Nothing was written; report this as a bug."
        )
    return worst


def _difference(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a - b).max() / max(np.abs(b).max(), 1e-12))


def _check_packages() -> None:
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise ConfigError(MISSING_PACKAGE.format(error.name)) from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's own log messages and warnings."""
    logger = logging.getLogger("torch.onnx")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)
