"""Encode examples and write their latent codes to a file."""

import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vaekit.arguments import as_path
from vaekit.data import Examples
from vaekit.data.splits import SplitName
from vaekit.inference.output import CODE_FORMATS, check_format, save_batches, save_codes
from vaekit.runs import Run, as_run
from vaekit.runs.example_selection import select_examples
from vaekit.runtime.device import keep_freed_memory
from vaekit.runtime.library_call import library_call


class EncodedFile(NamedTuple):
    """A file of latent codes, the number of examples in it, and the part of the data they are."""

    path: Path
    examples: int
    part: str


@library_call
def encode(
    run: Run | str | os.PathLike,
    out: str | os.PathLike = "codes.npz",
    *,
    data: Any = None,
    split: SplitName | None = None,
) -> EncodedFile:
    """Write means and standard deviations of q(z|x).

    Args:
        run: A run or its folder.
        out: .npz or .csv for codes, .npy for means only, in bounded memory.
        data: Other data instead of the run's dataset.
        split: The part of the dataset; default test.

    Raises:
        ConfigError: Another file format.
        DataError: Data that are missing, have changed or do not suit the model.

    >>> encode("runs/conv", "codes.csv").examples
    6
    """
    path = as_path("out", out)
    suffix = check_format(path, CODE_FORMATS)
    keep_freed_memory()
    run = as_run(run)
    examples, part, _ = select_examples(run, split, data)
    if suffix == ".npy":
        save_batches(path, (codes.mean for codes in run.iter_encode(examples)), len(examples))
    else:
        save_codes(path, run.encode(examples), class_names(run, examples.y), file_names(examples))
    return EncodedFile(path, len(examples), part)


def file_names(examples: Examples) -> list[str] | None:
    """The names of the files of examples [N]; None if they are not from image files."""
    return None if examples.files is None else examples.files.tolist()


def class_names(run: Run, y: np.ndarray | None) -> list[str] | None:
    """The class names of class numbers [N]; None without labels."""
    return None if y is None else [run.config.data.classes[number] for number in y]
