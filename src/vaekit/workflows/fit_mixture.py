"""Fit a Gaussian mixture to the latent codes of a run's training examples."""

import os
from typing import Any

from vaekit.inference.mixture import CodeMixture
from vaekit.runs import Run, as_run
from vaekit.runs.run_data import RunData
from vaekit.runtime.library_call import library_call


@library_call
def fit_mixture(
    run: Run | str | os.PathLike, *, data: Any = None, components: int = 10, seed: int = 0
) -> CodeMixture:
    """Fit a Gaussian mixture to the latent codes of at most 10,000 training examples.

    Its samples decode to better examples than samples of the prior (Ghosh et al., 2020).

    Args:
        run: A run or its folder.
        data: New location of the run's dataset, or the dataset itself.
        components: Components of the mixture, at most.
        seed: Seed of the fit.

    Returns:
        The mixture, whose `sample` can be the `latents` of `Run.sample`.

    Raises:
        ConfigError: The latent codes are discrete, so they have no density.
        DataError: The dataset is missing or has changed.

    >>> mixture = fit_mixture("runs/conv")
    >>> run.sample(16, latents=mixture.sample).shape
    (16, 1, 8, 8)
    """
    return RunData.load(as_run(run), data).fit_mixture(components=components, seed=seed)
