"""A bar with the time left, on a terminal, over work that goes by rows."""

from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.progress import track

from vaekit.inputs import Batch, Inputs, rows_at_once, values_per_row
from vaekit.model import VAE
from vaekit.sharing import Share


class Watched(Inputs):
    """Inputs whose batches show a bar with the time left while they are used, on a terminal."""

    def batches(self, model: VAE, size: int | None = None, share: Share = Share()) -> Iterator[Batch]:  # noqa: B008
        size = size or rows_at_once(values_per_row(model))
        return watched(super().batches(model, size, share), "judging rows", -(-len(self) // (size * share.of)))


def watched(steps: Iterable, description: str, total: int | None = None) -> Iterator:
    """The steps, with a bar and the time left while they go by, on a terminal."""
    console = Console(stderr=True)
    hidden = not console.is_terminal
    return iter(track(steps, description, total, console=console, transient=True, disable=hidden))
