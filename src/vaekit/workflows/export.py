"""`vaekit export`: a run's encoder and decoder as ONNX files and torch.export programs."""

import hashlib
import os
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.export import ExportedProgram

import vaekit
from vaekit.arguments import as_path
from vaekit.core.vae import VAE
from vaekit.data import Examples
from vaekit.export import (
    DECODER,
    ENCODER,
    DecoderGraph,
    EncoderGraph,
    check_parity,
    to_bytes,
    to_onnx,
    to_program,
)
from vaekit.export.onnx import FORMAT
from vaekit.files.atomic import atomic_write_many, check_new_file
from vaekit.json_types import JsonObject
from vaekit.runs import Run, as_run
from vaekit.runs.example_selection import select_evaluation_examples
from vaekit.runs.run_data import data_name
from vaekit.runtime.library_call import library_call
from vaekit.runtime.terminal_progress import track

COMPARED_EXAMPLES = 64
"""The number of test examples on which files and model are compared."""


@dataclass(frozen=True)
class ExportedGraph:
    """One exported graph.

    Attributes:
        onnx: Content of the ONNX file.
        program: The program it was made of.
        largest_difference: Relative difference between the ONNX file and the model.
    """

    onnx: bytes
    program: ExportedProgram
    largest_difference: float


@dataclass(frozen=True)
class ExportResult:
    """The result of `export_onnx`.

    Attributes:
        files: The paths that were written.
        largest_difference: Relative difference between file and model, by name of the ONNX file.
        compared_examples: The number of test examples that were compared.
    """

    files: tuple[Path, ...]
    largest_difference: dict[str, float]
    compared_examples: int

    def to_dict(self) -> dict[str, object]:
        """The result as JSON values."""
        return {
            "files": [str(path) for path in self.files],
            "largest_difference": self.largest_difference,
            "compared_examples": self.compared_examples,
        }


@library_call
def export_onnx(
    run: Run | str | os.PathLike,
    out: str | os.PathLike,
    *,
    data: Any = None,
    overwrite: bool = False,
) -> ExportResult:
    """Export encoder and decoder of a run as ONNX files and torch.export programs.

    Both ONNX files are compared with the model on test examples before they are written.

    Args:
        run: The run, or the path of its folder.
        out: Folder for encoder.onnx, encoder.pt2, decoder.onnx and decoder.pt2.
        data: The data of a run that was trained on arrays in memory.
        overwrite: Overwrite existing files.

    Returns:
        The files and their differences from the model.

    Raises:
        ConfigError: The packages for ONNX are not installed.
        OutputError: A file exists and `overwrite` is false, or cannot be written.
        WorkError: The model cannot be exported, or a file differs from it.

    >>> import vaekit
    >>> vaekit.export_onnx("runs/conv", "exported").compared_examples
    6
    """
    run = as_run(run)
    out = as_path("out", out)
    paths = [out / name for onnx in (ENCODER, DECODER) for name in (onnx, _program_name(onnx))]
    for path in paths:
        check_new_file(path, overwrite)

    examples = select_evaluation_examples(run, None, data).examples
    graphs = export_graphs(run, examples)
    contents = {out / name: graph.onnx for name, graph in graphs.items()}
    contents |= {out / _program_name(name): to_bytes(g.program) for name, g in graphs.items()}
    atomic_write_many(contents)

    differences = {name: graph.largest_difference for name, graph in graphs.items()}
    return ExportResult(tuple(paths), differences, min(COMPARED_EXAMPLES, len(examples)))


def export_graphs(run: Run, examples: Examples) -> dict[str, ExportedGraph]:
    """Export encoder and decoder, each compared with the model on some examples and their codes.

    Args:
        run: The run.
        examples: Examples to compare on.

    Returns:
        The graphs by name of the ONNX file.
    """
    model = _portable(run.model)
    encoder = EncoderGraph(model, run.transform)
    graphs = {ENCODER: encoder, DECODER: DecoderGraph(model, run.transform)}
    inputs = _comparison_inputs(run, encoder, examples)
    metadata = _metadata(run)

    exported = {}
    for name, graph in track(graphs.items(), "exporting", len(graphs)):
        program = to_program(graph)
        content = to_onnx(graph, program, metadata)
        difference = check_parity(content, graph, inputs[name])
        exported[name] = ExportedGraph(content, program, difference)
    return exported


def _program_name(onnx: str) -> str:
    return onnx.replace(".onnx", ".pt2")


def _portable(model: VAE) -> VAE:
    """A copy in float32 on the CPU, without gradients, all tensors contiguous, as files have it."""
    copied = deepcopy(model).float().cpu().eval().requires_grad_(False)
    for tensor in (*copied.parameters(), *copied.buffers()):
        tensor.data = tensor.data.contiguous()
    return copied


def _comparison_inputs(
    run: Run, encoder: EncoderGraph, examples: Examples
) -> dict[str, tuple[torch.Tensor, ...]]:
    """Some examples and their codes, with labels for a conditional model."""
    inputs = run.inputs(examples).first(COMPARED_EXAMPLES)
    batch = inputs.select(np.arange(len(inputs)))
    x = batch.x.float()
    condition = () if batch.y is None else (torch.eye(run.model.classes)[batch.y],)
    with torch.no_grad():
        z = encoder(x, *condition)[0]
    return {ENCODER: (x, *condition), DECODER: (z, *condition)}


def _metadata(run: Run) -> JsonObject:
    return {
        "format": FORMAT,
        "version": vaekit.__version__,
        "recipe": run.config.recipe,
        "data": data_name(run),  # its path would reveal something about this machine
        "shape": list(run.model.data_shape),
        "support": str(run.support),
        "latent_dim": run.model.latent_shape.numel(),
        "classes": list(run.config.data.classes) if run.model.classes else [],
        "model": _digest(run.model),
    }


def _digest(model: VAE) -> str:
    """SHA-256 of the weights, by which an encoder and its decoder recognize each other."""
    digest = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(tensor.detach().double().numpy(force=True)).tobytes())
    return digest.hexdigest()
