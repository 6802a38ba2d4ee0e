"""What is printed before a training starts."""

import math
from pathlib import Path

import numpy as np
from rich.console import Console

from vaekit.data.duplicates import count_duplicates
from vaekit.inputs import MAX_VALUES
from vaekit.runtime.terminal_progress import print_line
from vaekit.workflows.training_setup import TrainingSetup

MAX_SCALE = 10.0
MAX_SCALE_EXAMPLES = 10_000


def announce(console: Console, setup: TrainingSetup, folder: Path) -> None:
    """Print recipe, parameters, examples, device and folder, and the choices that the data made."""
    config, sides = setup.config, setup.model.count_parameters()
    parameters = " + ".join(f"{sides[side].total:,}" for side in ("encoder", "decoder"))
    counts = (setup.epoch_examples, len(setup.split.validation), len(setup.split.test))
    examples = " / ".join(f"{count:,}" for count in counts)
    dimensions = f"{config.latent_dim} latent dimension{'' if config.latent_dim == 1 else 's'}"
    print_line(
        console,
        f"{config.recipe} on {setup.dataset.name}: {parameters} parameters (encoder + decoder), "
        f"{dimensions}; {examples} training / validation / test examples; "
        f"{config.training.device}, {config.training.precision}; run folder {folder}",
    )
    if setup.choices:
        print_line(console, f"chosen for the data: {'; '.join(setup.choices)}")


def print_notes(console: Console, setup: TrainingSetup) -> None:
    """Print what whoever trains on the data should know."""
    for note in () if console.quiet else data_notes(setup):
        print_line(console, f"note: {note}")


def data_notes(setup: TrainingSetup) -> tuple[str, ...]:
    """The notes of the data, the number of duplicates across splits, and a scale far from 1."""
    notes = list(setup.dataset.notes)
    duplicates = count_duplicates(setup.dataset, setup.split)
    if duplicates is not None and any(duplicates):
        notes.append(
            f"{duplicates} examples are equal to training examples, so that metrics of these "
            "splits are too good. Remove the duplicates."
        )
    scale = _largest_scale(setup)
    if scale > MAX_SCALE:
        notes.append(
            f"columns have means or standard deviations of up to {scale:.3g}. "
            "Nets learn best from columns of mean 0 and standard deviation 1: set data.normalize."
        )
    return tuple(notes)


def _largest_scale(setup: TrainingSetup) -> float:
    """The largest mean or deviation of real values that are not normalized; 0 of others."""
    dataset = setup.dataset
    if dataset.support.kind != "real" or setup.config.data.normalize != "none":
        return 0.0
    count = max(2, min(MAX_SCALE_EXAMPLES, MAX_VALUES // math.prod(dataset.shape)))
    examples = dataset.train.x[:count]
    flat = examples.reshape(len(examples), -1).astype(np.float64)
    return float(max(abs(flat.mean(0)).max(), flat.std(0).max()))
