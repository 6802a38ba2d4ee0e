"""Inputs that show a progress bar while their batches are used."""

from collections.abc import Iterator

from vaekit.core.vae import VAE
from vaekit.inputs.model_inputs import (
    SINGLE_PROCESS,
    Batch,
    ModelInputs,
    max_batch_examples,
    values_per_example,
)
from vaekit.runtime.distributed import ProcessInfo
from vaekit.runtime.terminal_progress import track


class TrackedInputs(ModelInputs):
    """Inputs whose batches show a progress bar with the time left, on a terminal."""

    def batches(
        self, model: VAE, size: int | None = None, process: ProcessInfo = SINGLE_PROCESS
    ) -> Iterator[Batch]:
        """The batches of `ModelInputs.batches`."""
        size = size or max_batch_examples(values_per_example(model))
        total = -(-len(self) // (size * process.world_size))
        return track(super().batches(model, size, process), "evaluating", total)


def track_inputs(inputs: ModelInputs) -> ModelInputs:
    """The same inputs with a progress bar."""
    return TrackedInputs(inputs.x, inputs.transform, inputs.indices, inputs.y)
