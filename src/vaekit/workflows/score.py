"""How unlike the training rows other rows are, one by one."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from vaekit.data import Examples
from vaekit.errors import ConfigError, suggest
from vaekit.evaluation import (
    atypicality_score,
    elbo_per_example,
    encode_all,
    importance_weighted_bound,
    squared_error_per_example,
)
from vaekit.evaluation.protocol import has_bound
from vaekit.inputs import ModelInputs
from vaekit.inputs.tracked import TrackedInputs
from vaekit.runs import Run
from vaekit.runs.run_data import as_inputs, find_examples
from vaekit.runs.training_examples import fit_mixture

COMPONENTS = 40


def bound(run: Run, rows: ModelInputs, samples: int, seed: int) -> Tensor:
    """-log p(x) by the importance-weighted bound."""
    if not has_bound(run):
        raise ConfigError(
            "a deterministic posterior has no density, so no bound of log p(x): score by reconstruction"
        )
    return -importance_weighted_bound(run.model, rows, samples, seed=seed)


def loss(run: Run, rows: ModelInputs, samples: int, seed: int) -> Tensor:
    """The negative ELBO."""
    return elbo_per_example(run.model, rows, seed=seed, samples=samples).loss


def reconstruction(run: Run, rows: ModelInputs, samples: int, seed: int) -> Tensor:
    """-E[log p(x given z)]."""
    return elbo_per_example(run.model, rows, seed=seed, samples=samples).reconstruction


def latent(run: Run, rows: ModelInputs, samples: int, seed: int) -> Tensor:
    """KL(q(z given x) || p(z)): how surprising the code is."""
    divergence = elbo_per_example(run.model, rows, seed=seed, samples=samples).divergence
    if not divergence.shape[1]:
        raise ConfigError("a deterministic posterior has no divergence: score by reconstruction")
    return divergence.sum(-1)


def typicality(run: Run, rows: ModelInputs, samples: int, seed: int) -> Tensor:
    """How unusual reconstruction and divergence are, together, among those of the run's own validation rows."""
    usual, _ = find_examples(run, "validation")
    known, found = (_terms(run, inputs, samples, seed) for inputs in (as_inputs(run, usual), rows))
    return torch.from_numpy(atypicality_score(known, found))


def density(run: Run, rows: ModelInputs, samples: int, seed: int) -> Tensor:
    """How far the code is from those of training rows, and the row from its reconstruction, in deviations of validation rows.

    By -log of a mixture's density over training codes, and by the squared error; the two are added.
    """
    mixture, usual = (
        fit_mixture(run, components=COMPONENTS),
        as_inputs(run, find_examples(run, "validation")[0]),
    )

    def both(some: ModelInputs) -> Tensor:
        codes = encode_all(run.model, some, seed=seed).points
        return torch.stack([-mixture.log_prob(codes), squared_error_per_example(run.model, some)])

    known, found = both(usual), both(rows)
    return (
        (found - known.mean(1, keepdim=True)) / known.std(1, keepdim=True).clamp(min=1e-12)
    ).sum(0)


def _terms(run: Run, rows: ModelInputs, samples: int, seed: int) -> np.ndarray:
    """Reconstruction and, where there is one, divergence, [N, 1 or 2]."""
    terms = elbo_per_example(run.model, rows, seed=seed, samples=samples)
    both = (terms.reconstruction, terms.divergence.sum(-1))
    return torch.stack(both if terms.divergence.shape[1] else both[:1], 1).numpy()


SCORES: dict[str, Callable[[Run, ModelInputs, int, int], Tensor]] = {
    "bound": bound,
    "loss": loss,
    "reconstruction": reconstruction,
    "latent": latent,
    "typicality": typicality,
    "density": density,
}


NEED_DENSITY = ("bound", "latent")
"""Scores that a deterministic posterior has not."""


def given_by(run: Run) -> tuple[str, ...]:
    """The names of the scores that a run can give."""
    return (
        tuple(SCORES)
        if has_bound(run)
        else tuple(name for name in SCORES if name not in NEED_DENSITY)
    )


def score(
    run: Run, rows: Examples, by: str = "bound", *, samples: int = 20, seed: int = 0
) -> np.ndarray:
    """The scores of raw rows [N], higher for rows that are less like those that the run was trained on.

    In nats, by density in deviations.

    by: one of `SCORES`. samples: draws of z per row.
    Raises ConfigError for a score that is not known, and for one that this posterior has not.

    >>> score(run, rows).argsort()[::-1][:10]  # the ten oddest  # doctest: +SKIP
    """
    if by not in SCORES:
        raise ConfigError(f"unknown score {by!r}: {suggest(by, SCORES)}")
    if samples < 1:
        raise ConfigError(f"samples = {samples}: at least 1")
    return SCORES[by](run, TrackedInputs(**vars(as_inputs(run, rows))), samples, seed).numpy()
