"""Estimators of the gradient of an expectation over z ~ q(z|x) by the parameters of q."""

from typing import Literal, Protocol

from torch import Tensor
from torch.distributions import Distribution

from vaekit.core.distributions import is_deterministic, is_discrete
from vaekit.errors import ConfigError
from vaekit.runtime import distributed

GradientName = Literal["pathwise", "score-function", "none"]


class GradientEstimator(Protocol):
    """Samples of q, and the part of the gradient that the samples do not carry."""

    def draw(self, q: Distribution, samples: int) -> Tensor:
        """K samples of q, [K, B, *latent shape]."""
        ...

    def correction(self, signal: Tensor, q: Distribution, z: Tensor) -> Tensor:
        """A scalar of value 0 with the gradient that the samples do not carry.

        Args:
            signal: The function of z whose expectation is estimated, in nats, [K, B].
            q: The distribution of z.
            z: Samples [K, B, *latent shape].
        """
        ...

    def check(self, q: Distribution, *, sampled: bool) -> None:
        """Check that q has a gradient of this kind.

        Args:
            q: The posterior.
            sampled: Whether the divergence is estimated from samples too.

        Raises:
            ConfigError: q, or the divergence, would have no gradient.
        """
        ...


class Pathwise:
    """The gradient through the sample z = mu + sigma eps (Kingma & Welling, 2014)."""

    def draw(self, q: Distribution, samples: int) -> Tensor:
        """K reparameterized samples of q."""
        return distributed.sample_global(q.rsample, samples)

    def correction(self, signal: Tensor, q: Distribution, z: Tensor) -> Tensor:
        """Zero: the samples carry the gradient."""
        return signal.new_zeros(())

    def check(self, q: Distribution, *, sampled: bool) -> None:
        """Refuse posteriors without reparameterized samples, and sampled divergences of codes.

        A discrete sample carries no gradient into log q - log p, whose own gradient has mean zero.
        """
        if not q.has_rsample:
            raise ConfigError.for_value(
                "objective.gradient",
                "pathwise",
                "'score-function' or 'none'",
                problem=f"{type(q).__name__} has no reparameterized samples",
            )
        if sampled and is_discrete(q) and not is_deterministic(q):
            raise ConfigError.for_value(
                "objective.divergence",
                "monte-carlo",
                "'closed-form'",
                problem="the divergence of a discrete posterior has no pathwise gradient",
                fix="Or set objective.gradient to score-function",
            )


class StopGradient:
    """No gradient through the sample: biased, for comparison."""

    def draw(self, q: Distribution, samples: int) -> Tensor:
        """K samples of q that carry no gradient."""
        return distributed.sample_global(q.sample, samples)

    correction = Pathwise.correction

    def check(self, q: Distribution, *, sampled: bool) -> None:
        """Refuse sampled divergences: the gradient of log q(z) alone has mean zero."""
        if sampled and not is_deterministic(q):
            raise ConfigError.for_value(
                "objective.divergence",
                "monte-carlo",
                "'closed-form'",
                problem="with objective.gradient none the encoder would have no gradient",
            )


class ScoreFunction:
    """E[(f(z) - b) grad log q(z|x)]: unbiased for any z (Williams, 1992).

    The baseline b is the mean of f over the other samples of the example (Mnih & Rezende, 2016),
    or with one sample over the other examples of the batch. It never depends on the sample that it
    is subtracted from.
    """

    draw = StopGradient.draw

    def correction(self, signal: Tensor, q: Distribution, z: Tensor) -> Tensor:
        """A scalar of value 0 with the score-function gradient."""
        log_q = q.log_prob(z)
        advantage = (signal - _mean_of_others(signal)).detach()
        return (advantage * (log_q - log_q.detach())).mean()

    def check(self, q: Distribution, *, sampled: bool) -> None:
        """Refuse deterministic posteriors, which have no density."""
        if is_deterministic(q):
            raise ConfigError.for_value(
                "objective.gradient",
                "score-function",
                "'pathwise'",
                problem="a deterministic posterior has no density to differentiate",
                fix="Or set posterior to diagonal-normal or categorical",
            )


def _mean_of_others(signal: Tensor) -> Tensor:
    """For each entry of [K, B] the mean over other samples, or over other examples if K is 1."""
    if len(signal) > 1:
        return (signal.sum(0) - signal) / (len(signal) - 1)
    examples = distributed.all_gather(signal.detach().flatten())
    return (examples.sum() - signal) / max(1, len(examples) - 1)


GRADIENT_ESTIMATORS: dict[GradientName, GradientEstimator] = {
    "pathwise": Pathwise(),
    "score-function": ScoreFunction(),
    "none": StopGradient(),
}
