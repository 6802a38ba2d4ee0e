"""Decode latent codes and write the examples to a file."""

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vaekit.inference.output import load_codes
from vaekit.runs import Run, as_run
from vaekit.runtime.library_call import library_call
from vaekit.workflows.save_examples import check_examples_file, default_suffix, save_examples


class DecodedFile(NamedTuple):
    """A file of decoded examples, and their number."""

    path: Path
    examples: int


@library_call
def decode(
    run: Run | str | os.PathLike,
    codes: np.ndarray | str | os.PathLike,
    *,
    label: str | None = None,
    out: str | os.PathLike | None = None,
) -> DecodedFile:
    """Write the means of p(x|z).

    Args:
        run: A run or its folder.
        codes: Latent codes [N, L], or a file of them (.npz, .npy, .csv).
        label: The class, of a conditional run; default the classes in the file.
        out: .png, .pdf, .svg or .npy; default decoded.png, or decoded.npy if not images.

    Raises:
        ConfigError: Another file format, or too many images for one sheet.
        DataError: A file without codes, codes of another size, or an unknown class.

    >>> decode("runs/conv", np.zeros((3, 2))).path.name
    'decoded.png'
    """
    run = as_run(run)
    classes = None
    if isinstance(codes, str | os.PathLike):
        codes, classes = load_codes(Path(codes))
    labels = label if label is not None or not run.model.classes else classes
    path = Path(f"decoded{default_suffix(run)}") if out is None else Path(out)
    path = check_examples_file(path, run, len(codes))
    title = f"{len(codes)} decoded codes, {run.path.name}"
    save_examples(path, run, run.iter_decode(codes, labels), len(codes), title=title)
    return DecodedFile(path, len(codes))
