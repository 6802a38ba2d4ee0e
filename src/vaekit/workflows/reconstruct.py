"""Reconstruct selected examples and write a plot of the pairs."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vaekit.arguments import as_path
from vaekit.data.splits import SplitName
from vaekit.run_plots.reconstructions import save_reconstruction
from vaekit.runs import Run, as_run, check_destination, plots_folder
from vaekit.runs.example_selection import select_examples
from vaekit.runs.reconstruction import Reconstruction, reconstruct_examples, select_indices
from vaekit.runtime.library_call import library_call


@library_call
def reconstruct(
    run: Run | str | os.PathLike,
    *,
    data: Any = None,
    split: SplitName | None = None,
    indices: Sequence[int] | None = None,
    label: str | None = None,
    out: str | os.PathLike | None = None,
) -> tuple[Reconstruction, Path]:
    """Reconstruct selected examples.

    Args:
        run: A run or its folder.
        data: Other data instead of the run's dataset.
        split: The part of the dataset; default test.
        indices: The examples of that part; default ten spread evenly.
        label: Choose among the examples of this class.
        out: A plot (.png, .pdf, .svg) or the decoded examples (.npy); default
            RUN/plots/reconstruct.png.

    Returns:
        The examples with codes and reconstructions, and the path of the file.

    Raises:
        ConfigError: Indices that are out of range, or an unknown class.
        DataError: Data that are missing, have changed or do not suit the model.

    >>> result, path = reconstruct("runs/conv", indices=[0, 1])
    >>> result.decoded.shape
    (2, 1, 8, 8)
    """
    run = as_run(run)
    path = plots_folder(run) / "reconstruct.png" if out is None else as_path("out", out)
    examples = select_examples(run, split, data).examples
    result = reconstruct_examples(run, examples, select_indices(run, examples, indices, label))
    check_destination(run, path)
    return result, save_reconstruction(path, run, result)
