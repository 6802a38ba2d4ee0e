"""Take a run's encoder and decoder elsewhere."""

import hashlib
import os
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.export import ExportedProgram

import vaekit
from vaekit.atomic_io import atomic_write_many
from vaekit.core.vae import VAE
from vaekit.data import Examples
from vaekit.errors import OutputError
from vaekit.export import (
    DECODER,
    ENCODER,
    Decoder,
    Encoder,
    check_parity,
    to_bytes,
    to_onnx,
    to_program,
)
from vaekit.runs import Run, as_run
from vaekit.runs.example_selection import select_evaluation_examples
from vaekit.runs.run_data import data_name
from vaekit.runtime.terminal_progress import track

ROWS = 64  # of the test rows, on which files are held to the model


def export_onnx(
    run: Run | str | os.PathLike, out: str | os.PathLike, *, data: Any = None, force: bool = False
) -> dict[str, Any]:
    """Write encoder.onnx and decoder.onnx into the folder `out`, on raw rows, and as torch.export programs (.pt2) beside them.

    Both ONNX files are held to the model, on test rows and their codes, before they are kept; the largest differences are told.
    data: the run's own, where it was trained on arrays in memory.
    Raises ConfigError where what it takes is not installed, WorkError where a file gives other values, OutputError where files
    are there and `force` is not given.
    """
    run, out = as_run(run), Path(out)
    places = [out / name for graph in (ENCODER, DECODER) for name in (graph, _program(graph))]
    there = [place for place in places if place.exists()]
    if there and not force:
        raise OutputError(f"{there[0]} exists: choose another folder, or overwrite it with --force")
    files = to_files(run, select_evaluation_examples(run, None, data).examples)
    programs = {_program(name): to_bytes(file.program) for name, file in files.items()}
    contents = {name: file.onnx for name, file in files.items()} | programs
    atomic_write_many({out / name: content for name, content in contents.items()})
    parity = {name: file.largest_difference for name, file in files.items()}
    return {
        "files": [str(place) for place in places],
        "largest_difference": parity,
        "rows_compared": files[ENCODER].rows,
    }


class File(NamedTuple):
    """An ONNX file, the program that it was made of, and how far from torch it is, on so many rows."""

    onnx: bytes
    program: ExportedProgram
    largest_difference: float
    rows: int


def to_files(run: Run, rows: Examples) -> dict[str, File]:
    """Encoder and decoder of a run as ONNX, both held to the model on some of these rows and on their codes."""
    model, found = _plain(run.model), {}
    graphs = {ENCODER: Encoder(model, run.transform), DECODER: Decoder(model, run.transform)}
    inputs, facts = _inputs(run, graphs[ENCODER], rows), _facts(run)
    for name, graph in track(graphs.items(), "exporting", len(graphs)):
        program = to_program(graph)
        content = to_onnx(graph, program, facts)
        found[name] = File(
            content, program, check_parity(content, graph, inputs[name]), len(inputs[name][0])
        )
    return found


def _program(name: str) -> str:
    return name.replace(".onnx", ".pt2")


def _plain(model: VAE) -> VAE:
    """A copy in float32 on the CPU, without gradients, each tensor in the order of its dimensions, as files have them."""
    copied = deepcopy(model).float().cpu().eval().requires_grad_(False)
    for tensor in (*copied.parameters(), *copied.buffers()):
        tensor.data = tensor.data.contiguous()
    return copied


def _inputs(run: Run, encoder: Encoder, rows: Examples) -> dict[str, tuple[torch.Tensor, ...]]:
    """Some rows and their codes, with classes where the run has them."""
    inputs = run.inputs(rows).first(ROWS)
    batch = inputs.select(np.arange(len(inputs)))
    x = batch.x.float()
    y = () if batch.y is None else (torch.eye(run.model.classes)[batch.y],)
    with torch.no_grad():
        z = encoder(x, *y)[0]
    return {ENCODER: (x, *y), DECODER: (z, *y)}


def _facts(run: Run) -> dict[str, Any]:
    return {
        "format": 1,
        "version": vaekit.__version__,
        "recipe": run.config.recipe,
        "data": data_name(run),  # where it lies is nobody's business
        "shape": list(run.model.data_shape),
        "support": str(run.support),
        "latent_dim": run.model.latent_shape.numel(),
        "classes": list(run.config.data.classes) if run.model.classes else [],
        "model": _digest(run.model),
    }


def _digest(model: VAE) -> str:
    """The sha256 of the weights, by which an encoder and its decoder know each other."""
    digest = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        digest.update(
            name.encode()
            + np.ascontiguousarray(tensor.detach().double().numpy(force=True)).tobytes()
        )
    return digest.hexdigest()
