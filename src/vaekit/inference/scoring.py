"""Anomaly scores per example: the higher, the less like the training data."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from vaekit.core.distributions import is_discrete
from vaekit.core.divergences import has_finite_kl
from vaekit.core.modules import eval_mode
from vaekit.core.vae import VAE
from vaekit.errors import ConfigError
from vaekit.inference.atypicality import atypicality_score
from vaekit.inference.bounds import elbo_per_example, importance_weighted_bound
from vaekit.inference.encode_decode import iter_encode
from vaekit.inference.mixture import CodeMixture
from vaekit.inputs import ModelInputs

DENSITY_COMPONENTS = 40


@dataclass(frozen=True)
class Scorer:
    """What an anomaly score is computed with.

    Attributes:
        model: The model, in evaluation mode.
        samples: Samples of z per example.
        seed: Seed of the noise.
        validation: Examples of the run that it was not trained on, for scores relative to them.
        mixture: A mixture over latent codes of training examples, for the density score.
    """

    model: VAE
    samples: int = 20
    seed: int = 0
    validation: ModelInputs | None = None
    mixture: CodeMixture | None = None


Score = Callable[[Scorer, ModelInputs], Tensor]
"""Scores [N] of N examples."""


def bound(scorer: Scorer, inputs: ModelInputs) -> Tensor:
    """-log p(x) in nats, by the importance-weighted bound."""
    _check_density(scorer, "bound")
    return -importance_weighted_bound(scorer.model, inputs, scorer.samples, seed=scorer.seed)


def loss(scorer: Scorer, inputs: ModelInputs) -> Tensor:
    """The negative ELBO in nats."""
    return elbo_per_example(scorer.model, inputs, seed=scorer.seed, samples=scorer.samples).loss


def reconstruction(scorer: Scorer, inputs: ModelInputs) -> Tensor:
    """-E[log p(x|z)] in nats."""
    terms = elbo_per_example(scorer.model, inputs, seed=scorer.seed, samples=scorer.samples)
    return terms.reconstruction


def latent(scorer: Scorer, inputs: ModelInputs) -> Tensor:
    """KL(q(z|x) || p(z)) in nats: how surprising the latent code is."""
    _check_density(scorer, "latent")
    terms = elbo_per_example(scorer.model, inputs, seed=scorer.seed, samples=scorer.samples)
    return terms.divergence.sum(-1)


def typicality(scorer: Scorer, inputs: ModelInputs) -> Tensor:
    """-log density of reconstruction and divergence, jointly, among validation examples."""
    assert scorer.validation is not None
    known, scored = (_terms(scorer, each).numpy() for each in (scorer.validation, inputs))
    return torch.from_numpy(atypicality_score(known, scored))


def density(scorer: Scorer, inputs: ModelInputs) -> Tensor:
    """-log density of the latent code among training codes plus the squared reconstruction error.

    Both are standardized by the mean and the standard deviation over validation examples.
    """
    assert scorer.validation is not None
    known, scored = (_code_and_error(scorer, each) for each in (scorer.validation, inputs))
    scale = known.std(1, keepdim=True).clamp(min=1e-12)
    return ((scored - known.mean(1, keepdim=True)) / scale).sum(0)


SCORES: dict[str, Score] = {
    "bound": bound,
    "loss": loss,
    "reconstruction": reconstruction,
    "latent": latent,
    "typicality": typicality,
    "density": density,
}
NEED_DENSITY = ("bound", "latent")
"""Scores that a deterministic posterior does not have."""
NEED_RUN_DATA = ("typicality", "density")
"""Scores relative to examples of the run's own dataset."""


def available_scores(model: VAE) -> tuple[str, ...]:
    """The names of the scores that a model has."""
    if has_bound(model):
        return tuple(SCORES)
    return tuple(name for name in SCORES if name not in NEED_DENSITY)


def has_bound(model: VAE) -> bool:
    """Whether the loss is a bound of log p(x); of a deterministic posterior it is not."""
    with torch.no_grad(), eval_mode(model):
        x = torch.zeros(1, *model.data_shape).to(next(model.parameters()))
        return has_finite_kl(model.encode(x, model.dummy_condition(1)))


def has_discrete_likelihood(model: VAE) -> bool:
    """Whether p(x|z) is a probability of discrete values, not a density."""
    with torch.no_grad(), eval_mode(model):
        z = torch.zeros(1, *model.latent_shape).to(next(model.parameters()))
        return is_discrete(model.decode(z, model.dummy_condition(1)))


def squared_error_per_example(model: VAE, inputs: ModelInputs) -> Tensor:
    """The mean squared error over the values of each example and its reconstruction, [N]."""
    with torch.no_grad(), eval_mode(model):
        errors = [
            (x - model.reconstruct(x, y)).double().square().flatten(1).mean(1).cpu()
            for x, y in inputs.batches(model)
        ]
    return torch.cat(errors)


def _check_density(scorer: Scorer, metric: str) -> None:
    if not has_bound(scorer.model):
        raise ConfigError.for_value(
            "metric",
            metric,
            "reconstruction, loss, typicality or density",
            problem="a deterministic posterior has no density",
        )


def _terms(scorer: Scorer, inputs: ModelInputs) -> Tensor:
    """Reconstruction and, if there is one, divergence: [N, 1 or 2]."""
    terms = elbo_per_example(scorer.model, inputs, seed=scorer.seed, samples=scorer.samples)
    columns = [terms.reconstruction]
    if terms.divergence.shape[1]:
        columns.append(terms.divergence.sum(-1))
    return torch.stack(columns, 1)


def _code_and_error(scorer: Scorer, inputs: ModelInputs) -> Tensor:
    """-log density of the codes and squared errors: [2, N]."""
    assert scorer.mixture is not None
    means = [torch.from_numpy(codes.mean) for codes in iter_encode(scorer.model, inputs)]
    log_density = scorer.mixture.log_prob(torch.cat(means))
    return torch.stack([-log_density, squared_error_per_example(scorer.model, inputs)])
