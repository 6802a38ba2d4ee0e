"""Sample new examples and write them to a file."""

import os
from pathlib import Path
from typing import Any

from vaekit.arguments import as_path
from vaekit.data.building import dataset_name
from vaekit.runs import Run, as_run, plots_folder
from vaekit.runs.run_data import RunData
from vaekit.runtime.library_call import library_call
from vaekit.workflows.save_examples import check_examples_file, default_suffix, save_examples


@library_call
def sample(
    run: Run | str | os.PathLike,
    count: int = 64,
    *,
    label: str | None = None,
    mixture: bool = False,
    sample_likelihood: bool = False,
    data: Any = None,
    out: str | os.PathLike | None = None,
    seed: int = 0,
) -> Path:
    """Sample new examples and write them as an image sheet or an array.

    Args:
        run: A run or its folder.
        count: Number of samples.
        label: The class, of a conditional run; default all in turn.
        mixture: Sample latent codes from a mixture fitted to training codes, not from the prior.
        sample_likelihood: Sample p(x|z) instead of taking its mean.
        data: New location of the run's dataset, which the mixture reads.
        out: .png, .pdf, .svg or .npy; default a file in the plots folder of the run.
        seed: Seed of the noise.

    Returns:
        The path of the file.

    Raises:
        ConfigError: Another file format, or a count that is out of range.
        DataError: An unknown class.

    >>> np.load(sample("runs/conv", 4, out="samples.npy")).shape
    (4, 1, 8, 8)
    """
    run = as_run(run)
    path = check_examples_file(_path(run, out, label, mixture, seed), run, count)
    latents = RunData.load(run, data).fit_mixture().sample if mixture else None
    batches = run.iter_sample(
        count, label, seed=seed, latents=latents, sample_likelihood=sample_likelihood
    )
    return save_examples(path, run, batches, count, title=_title(run, count, label, mixture))


def _path(
    run: Run, out: str | os.PathLike | None, label: str | None, mixture: bool, seed: int
) -> Path:
    if out is not None:
        return as_path("out", out)
    words = ["mixture" if mixture else "sample"]
    if label is not None:
        words.append(dataset_name(label))
    return plots_folder(run) / f"{'-'.join([*words, str(seed)])}{default_suffix(run)}"


def _title(run: Run, count: int, label: str | None, mixture: bool) -> str:
    of_class = "" if label is None else f" of class {label}"
    source = "a mixture over latent codes" if mixture else "the prior"
    return f"{count} samples{of_class} from {source}, {run.path.name}"
