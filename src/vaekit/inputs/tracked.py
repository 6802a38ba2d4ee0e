"""A bar with the time left, on a terminal, over work that goes by rows."""

from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.progress import track

from vaekit.core.vae import VAE
from vaekit.inputs import Batch, ModelInputs, max_batch_examples, values_per_example
from vaekit.runtime.distributed import ProcessInfo


class TrackedInputs(ModelInputs):
    """Inputs whose batches show a bar with the time left while they are used, on a terminal."""

    def batches(
        self, model: VAE, size: int | None = None, process: ProcessInfo = ProcessInfo()
    ) -> Iterator[Batch]:  # noqa: B008
        size = size or max_batch_examples(values_per_example(model))
        return track_steps(
            super().batches(model, size, process),
            "judging rows",
            -(-len(self) // (size * process.world_size)),
        )


def track_steps(steps: Iterable, description: str, total: int | None = None) -> Iterator:
    """The steps, with a bar and the time left while they go by, on a terminal."""
    console = Console(stderr=True)
    hidden = not console.is_terminal
    return iter(track(steps, description, total, console=console, transient=True, disable=hidden))
