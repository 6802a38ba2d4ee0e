"""The plots of a run folder, read back for its report and for sharing."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from vaekit.errors import RunError
from vaekit.runs.files import PLOTS, read_file

PNG = b"\x89PNG\r\n\x1a\n"
MAX_PLOT_BYTES = 20_000_000


def saved_plots(folder: Path, names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """The plots of these names that a run folder has; links and what is no PNG are left out."""
    for name in names:
        with suppress(RunError):
            content = read_file(folder, f"{PLOTS}/{name}.png", MAX_PLOT_BYTES)
            if content.startswith(PNG):
                yield name, content
