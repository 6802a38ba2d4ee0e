"""Anomaly scores of a run, some of which are relative to its own dataset."""

import numpy as np

from vaekit.arguments import MAX_DRAWS, whole_number
from vaekit.errors import ConfigError
from vaekit.inference.finite import check_finite
from vaekit.inference.scoring import DENSITY_COMPONENTS, NEED_RUN_DATA, SCORES, Scorer
from vaekit.inputs import ModelInputs
from vaekit.runs.run import Run
from vaekit.runs.run_data import RunData


def score_inputs(
    run: Run,
    inputs: ModelInputs,
    metric: str,
    *,
    samples: int = 20,
    seed: int = 0,
    run_data: RunData | None = None,
) -> np.ndarray:
    """Scores [N] of examples; see `Run.score`.

    Args:
        run: The run.
        inputs: N examples.
        metric: Name of the score.
        samples: Samples of z per example.
        seed: Seed of the noise.
        run_data: The run with its dataset, if it has been loaded already.

    Raises:
        ConfigError: An unknown metric, or one that the posterior does not have.
    """
    check_metric(metric)
    whole_number("samples", samples, 1, MAX_DRAWS)
    if metric not in NEED_RUN_DATA:
        scorer = Scorer(run.model, samples, seed)
    else:
        scorer = _relative_scorer(run_data or RunData.load(run), metric, samples, seed)
    return check_finite(SCORES[metric](scorer, inputs), "scores").numpy(force=True)


def check_metric(name: str) -> None:
    """Raise ConfigError for an unknown metric."""
    if not isinstance(name, str) or name not in SCORES:
        raise ConfigError.unknown("metric", name, SCORES, parameter="metric")


def _relative_scorer(data: RunData, metric: str, samples: int, seed: int) -> Scorer:
    mixture = None
    if metric == "density":
        mixture = data.fit_mixture(components=DENSITY_COMPONENTS)
    return Scorer(data.run.model, samples, seed, data.inputs("validation"), mixture)
