"""Anomaly scores of a run, some of which are relative to its own dataset."""

import numpy as np

from vaekit.errors import ConfigError, suggest
from vaekit.inference.scoring import DENSITY_COMPONENTS, NEED_RUN_DATA, SCORES, Scorer
from vaekit.inputs import ModelInputs
from vaekit.runs.run import Run
from vaekit.runs.run_data import RunData


def score_inputs(
    run: Run, inputs: ModelInputs, metric: str, *, samples: int = 20, seed: int = 0
) -> np.ndarray:
    """Scores [N] of examples; see `Run.score`."""
    if metric not in SCORES:
        raise ConfigError(
            f"unknown metric: got {metric!r}. {suggest(metric, SCORES)}.", parameter="metric"
        )
    if samples < 1:
        raise ConfigError.for_value("samples", samples, "a whole number of at least 1")
    return SCORES[metric](_scorer(run, metric, samples, seed), inputs).numpy(force=True)


def _scorer(run: Run, metric: str, samples: int, seed: int) -> Scorer:
    if metric not in NEED_RUN_DATA:
        return Scorer(run.model, samples, seed)
    data = RunData.load(run)
    mixture = data.fit_mixture(components=DENSITY_COMPONENTS) if metric == "density" else None
    return Scorer(run.model, samples, seed, data.inputs("validation"), mixture)
