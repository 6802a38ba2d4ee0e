"""Models taken elsewhere: ONNX and torch.export programs of encoder and decoder, on raw rows."""

from vaekit.export.exported import Exported, load_exported
from vaekit.export.graphs import Decoder, Encoder
from vaekit.export.onnx import DECODER, ENCODER, check_parity, to_onnx
from vaekit.export.program import to_bytes, to_program

__all__ = [
    "DECODER",
    "ENCODER",
    "Decoder",
    "Encoder",
    "Exported",
    "check_parity",
    "load_exported",
    "to_bytes",
    "to_onnx",
    "to_program",
]
