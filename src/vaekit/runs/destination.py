"""Where results of a run are written: anywhere, or within its folder if that still holds it."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from vaekit.errors import RunError
from vaekit.files.atomic import output_errors
from vaekit.runs.files import PLOTS, check_no_links, subfolder
from vaekit.runs.folder import load_run_config
from vaekit.runs.run import Run

Batch = TypeVar("Batch")


def plots_folder(run: Run) -> Path:
    """The plots folder of a run, which is made if it is missing.

    Raises:
        OutputError: The folder is a link or a file, or cannot be created.
        RunError: The run folder is gone, or was overwritten.
    """
    check_destination(run, run.folder / PLOTS)
    return subfolder(run.folder, PLOTS)


def check_destination(run: Run, path: Path) -> None:
    """Check, right before a result of a run is written, that it may be.

    Within the folder of the run, no link is followed, and the folder must still hold this run:
    another process may have overwritten it since the run was loaded.

    Args:
        run: The run.
        path: The file.

    Raises:
        OutputError: The path leads through a link in the run folder.
        RunError: The run folder is gone, or was overwritten.
    """
    folder, path = Path(os.path.abspath(run.folder)), Path(os.path.abspath(path))  # noqa: PTH100
    if not path.is_relative_to(folder):
        return
    with output_errors(path):
        check_no_links(folder, path)
    if load_run_config(folder).run_id != run.run_id:
        raise RunError(
            f"{run.folder} was overwritten by another run meanwhile. Run the command again.",
            parameter="run",
        )


def checked_at_the_end(batches: Iterable[Batch], run: Run, path: Path) -> Iterator[Batch]:
    """Batches of a result that takes long, followed by `check_destination`."""
    yield from batches
    check_destination(run, path)
