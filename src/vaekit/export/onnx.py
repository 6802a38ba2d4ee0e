"""ONNX files of a run, which say what they take and give, and give what torch gives."""

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

ENCODER, DECODER = "encoder.onnx", "decoder.onnx"
METADATA = "vaekit"
NOWHERE = f"{os.devnull}/nowhere"
"""The folder of weights that a file keeps in others: our files keep none, and nobody's file is to read what lies about."""
TOLERANCE = 1e-4
"""How far from torch a value may be, as a share of the largest: float32 sums in another order are a tenth of it apart."""


def to_onnx(graph: Graph, program: ExportedProgram, facts: Mapping[str, Any]) -> bytes:
    """The file of a graph's program; `facts` are in its metadata, as JSON under the name "vaekit".

    Raises ConfigError where the packages that it takes are not there, WorkError for a part of a user's own that has no ONNX.
    """
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise ConfigError(f'{error.name} is not installed: pip install "vaekit[export]"') from None
    with _quiet():
        try:
            found = torch.onnx.export(
                program,
                dynamo=True,
                verbose=False,
                input_names=list(graph.inputs),
                output_names=list(graph.outputs),
            )
        except torch.onnx.errors.OnnxExporterError as error:
            raise WorkError(
                f"this model cannot be written as ONNX: {str(error).splitlines()[0]}"
            ) from error
    assert found is not None
    proto = found.model_proto
    for value in (*proto.graph.input, *proto.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"  # for a name that tracing made up
    del proto.graph.value_info[:]  # shapes in between, by that name
    entry = proto.metadata_props.add()
    entry.key, entry.value = METADATA, json.dumps(dict(facts))
    return proto.SerializeToString()


def session(content: bytes) -> Any:
    """An onnxruntime session over a file's content, which reports nothing to anybody."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read when onnxruntime is imported
    try:
        import onnxruntime
    except ImportError:
        raise ConfigError('onnxruntime is not installed: pip install "vaekit[export]"') from None
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry(
        "session.model_external_initializers_file_folder_path", NOWHERE
    )
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def check_parity(content: bytes, graph: Graph, inputs: tuple[Tensor, ...]) -> float:
    """The largest difference between what a file and torch make of rows, as a share of the largest value.

    Raises WorkError where it is beyond `TOLERANCE`.
    """
    opened = session(content)
    found = opened.run(
        None, {name: x.numpy() for name, x in zip(graph.inputs, inputs, strict=True)}
    )
    with torch.no_grad():
        wanted = graph(*inputs)
    worst = max(_difference(a, b.numpy()) for a, b in zip(found, wanted, strict=True))
    if not worst <= TOLERANCE:
        raise WorkError(
            f"the ONNX file gives other values than the model, by {worst:.1e} of the largest: it was not kept"
        )
    return worst


def _difference(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a - b).max() / max(np.abs(b).max(), 1e-12))


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what the exporter has to say about itself."""
    logger = logging.getLogger("torch.onnx")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)
