"""Export: encoder and decoder of a run as ONNX files and torch.export programs, on raw values."""

from vaekit.export.exported_model import ExportedModel, load_exported
from vaekit.export.graphs import DecoderGraph, EncoderGraph
from vaekit.export.onnx import DECODER, ENCODER, check_parity, to_onnx
from vaekit.export.program import to_bytes, to_program

__all__ = [
    "DECODER",
    "ENCODER",
    "DecoderGraph",
    "EncoderGraph",
    "ExportedModel",
    "check_parity",
    "load_exported",
    "to_bytes",
    "to_onnx",
    "to_program",
]
