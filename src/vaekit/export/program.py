"""torch.export programs of a run: for PyTorch without vaekit, compilers, C++, and what ONNX files are made of."""

import io

import torch
from torch.export import ExportedProgram

from vaekit.errors import WorkError
from vaekit.export.graphs import Graph, dynamic, example


def to_program(graph: Graph) -> ExportedProgram:
    """The graph for any number of rows; WorkError for a part of a user's own that cannot be traced."""
    with torch.no_grad():
        try:
            program = torch.export.export(
                graph.eval(), example(graph), dynamic_shapes=dynamic(graph)
            )
        except Exception as error:  # torch has a dozen kinds for what a trace does not allow
            part = type(graph).__name__.lower()
            raise WorkError(
                f"this {part} cannot be exported: {str(error).strip().splitlines()[0]}"
            ) from error
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)  # paths of this machine
    return program


def to_bytes(program: ExportedProgram) -> bytes:
    """The content of a .pt2 file: `torch.export.load(path).module()` is the graph."""
    content = io.BytesIO()
    torch.export.save(program, content)
    return content.getvalue()
