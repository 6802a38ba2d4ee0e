"""torch.export programs: for PyTorch without vaekit, for C++, and as the source of ONNX files."""

import io

import torch
from torch.export import ExportedProgram

from vaekit.errors import WorkError
from vaekit.export.graphs import Graph, dynamic_shapes, example_inputs


def to_program(graph: Graph) -> ExportedProgram:
    """Trace a graph for any batch size.

    Args:
        graph: The encoder or decoder.

    Returns:
        The program.

    Raises:
        WorkError: A custom part cannot be traced.
    """
    try:
        with torch.no_grad():
            program = torch.export.export(
                graph.eval(), example_inputs(graph), dynamic_shapes=dynamic_shapes(graph)
            )
    except Exception as error:  # torch raises a dozen types for what a trace does not allow
        name = "encoder" if "x" in graph.inputs else "decoder"
        reason = str(error).strip().splitlines()[0].rstrip(".")
        raise WorkError(
            f"the {name} cannot be exported: {reason}. "
            "Use operations that torch.export can trace in your own modules."
        ) from error

    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)  # contains paths of this machine
    return program


def to_bytes(program: ExportedProgram) -> bytes:
    """The content of a .pt2 file; `torch.export.load(path).module()` is the graph."""
    content = io.BytesIO()
    torch.export.save(program, content)
    return content.getvalue()
