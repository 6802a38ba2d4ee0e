"""Score examples for anomalies and write the scores to a file."""

import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vaekit.arguments import as_path
from vaekit.data.splits import SplitName
from vaekit.inference.output import SCORE_FORMATS, check_format, save_scores
from vaekit.inputs.tracked import track_inputs
from vaekit.runs import Run, as_run
from vaekit.runs.example_selection import select_examples
from vaekit.runs.run_scores import check_metric, score_inputs
from vaekit.runtime.device import keep_freed_memory
from vaekit.runtime.library_call import library_call
from vaekit.runtime.terminal_progress import progress_lines
from vaekit.workflows.encode import class_names, file_names


class ScoredFile(NamedTuple):
    """A file of scores, the scores [N], the part of the data they are of, and names of files."""

    path: Path
    scores: np.ndarray
    part: str
    files: list[str] | None = None


@progress_lines()
@library_call
def score(
    run: Run | str | os.PathLike,
    out: str | os.PathLike = "scores.csv",
    *,
    data: Any = None,
    split: SplitName | None = None,
    metric: str = "bound",
    samples: int = 20,
    seed: int = 0,
) -> ScoredFile:
    """Write an anomaly score per example (higher = more anomalous); see `Run.score`.

    Args:
        run: A run or its folder.
        out: .csv or .npy.
        data: Other data instead of the run's dataset.
        split: The part of the dataset; default test.
        metric: bound, loss, reconstruction, latent, typicality or density.
        samples: Samples of z per example, at most a million.
        seed: Seed of the noise.

    Raises:
        ConfigError: Another file format, an unknown metric, or one that the run does not have.
        DataError: Data that are missing, have changed or do not suit the model.

    >>> score("runs/conv", "scores.csv").scores.shape
    (6,)
    """
    path = as_path("out", out)
    check_format(path, SCORE_FORMATS)
    check_metric(metric)
    keep_freed_memory()
    run = as_run(run)
    examples, part, run_data = select_examples(run, split, data)
    inputs = track_inputs(run.inputs(examples))
    scores = score_inputs(run, inputs, metric, samples=samples, seed=seed, run_data=run_data)
    files = file_names(examples)
    save_scores(path, scores, class_names(run, examples.y), files)
    return ScoredFile(path, scores, part, files)
