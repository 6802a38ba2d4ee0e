"""Write raw examples of a run: as .npy of any length, or images as one sheet."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from vaekit.errors import ConfigError
from vaekit.inference.output import check_format, save_batches
from vaekit.run_plots.pixels import to_pixels
from vaekit.runs import Run, checked_at_the_end

MAX_SHEET_IMAGES = 400
EXAMPLE_FORMATS = (".npy", ".png", ".pdf", ".svg")


def default_suffix(run: Run) -> str:
    """The suffix of a file of examples: an image sheet of images, an array of others."""
    return ".png" if len(run.model.data_shape) == 3 else ".npy"


def check_examples_file(path: Path, run: Run, count: int) -> Path:
    """`path` if `count` examples of the run can be written to it; ConfigError otherwise."""
    if check_format(path, EXAMPLE_FORMATS) == ".npy":
        return path
    if len(run.model.data_shape) != 3:
        raise ConfigError.for_value(
            "out", path.name, "an .npy file", problem="the examples of this run are not images"
        )
    if count > MAX_SHEET_IMAGES:
        raise ConfigError.for_value(
            "count",
            count,
            f"at most {MAX_SHEET_IMAGES}",
            problem="too many images for one sheet",
            fix="Write .npy, or fewer images",
        )
    return path


def save_examples(
    path: Path, run: Run, batches: Iterator[np.ndarray], count: int, title: str = ""
) -> Path:
    """Write consecutive batches of raw examples [count, *shape]."""
    path = check_examples_file(path, run, count)
    batches = checked_at_the_end(batches, run, path)
    if path.suffix.lower() == ".npy":
        return save_batches(path, batches, count)
    from vaekit.plots import save, sheet

    examples = np.concatenate(list(batches))
    images = to_pixels(run, run.transform.forward(examples), examples)
    return save(sheet(images, title=title), path)
