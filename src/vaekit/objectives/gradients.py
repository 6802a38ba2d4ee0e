"""How the gradient of an expectation over z ~ q(z given x) reaches the parameters of q."""

from typing import Literal, Protocol

from torch import Tensor
from torch.distributions import Distribution

from vaekit.core.distributions import is_deterministic, is_discrete
from vaekit.errors import ConfigError
from vaekit.runtime import distributed


class Gradient(Protocol):
    """draw: K samples [K, B, ...] of q. correction: a scalar of value 0 whose gradient is what the samples do not carry.
    check: ConfigError where q, or a divergence that is estimated from samples, gets no gradient this way.

    signal: the function of z whose mean is sought, [K, B], nats.
    """

    def draw(self, q: Distribution, samples: int) -> Tensor: ...

    def correction(self, signal: Tensor, q: Distribution, z: Tensor) -> Tensor: ...

    def check(self, q: Distribution, *, sampled: bool) -> None: ...


class Pathwise:
    """z = mu + sigma eps: the gradient goes through the sample (Kingma & Welling, 2014)."""

    def draw(self, q: Distribution, samples: int) -> Tensor:
        return distributed.sample_global(q.rsample, samples)

    def correction(self, signal: Tensor, q: Distribution, z: Tensor) -> Tensor:
        return signal.new_zeros(())

    def check(self, q: Distribution, *, sampled: bool) -> None:
        """A discrete sample carries no gradient into log q - log p, whose own has the mean zero."""
        if not q.has_rsample:
            raise ConfigError(
                f"{type(q).__name__} has no samples that carry a gradient: set objective.gradient to score-function"
            )
        if sampled and is_discrete(q) and not is_deterministic(q):
            raise ConfigError(
                "objective.divergence = monte-carlo has no pathwise gradient for a discrete posterior: set "
                "objective.divergence to closed-form, or objective.gradient to score-function"
            )


class Ignored:
    """The sample as if it did not depend on the parameters: biased, for comparison (R4's `use_rep=False`)."""

    def draw(self, q: Distribution, samples: int) -> Tensor:
        return distributed.sample_global(q.sample, samples)

    correction = Pathwise.correction

    def check(self, q: Distribution, *, sampled: bool) -> None:
        """Nothing but a closed-form divergence reaches the encoder; the gradient of log q(z) alone has the mean zero."""
        if sampled and not is_deterministic(q):
            raise ConfigError(
                "objective.gradient = none would train nothing: set objective.divergence to closed-form"
            )


class ScoreFunction:
    """E[(f(z) - b) grad log q(z given x)]: unbiased whatever z is (Williams, 1992).

    The baseline b is the mean of f over the row's other samples (Mnih & Rezende, 2016), with one sample over the batch's
    other rows; either way it does not depend on the sample that it is subtracted from.
    """

    draw = Ignored.draw

    def correction(self, signal: Tensor, q: Distribution, z: Tensor) -> Tensor:
        log_q, advantage = q.log_prob(z), (signal - _others(signal)).detach()
        return (advantage * (log_q - log_q.detach())).mean()

    def check(self, q: Distribution, *, sampled: bool) -> None:
        if is_deterministic(q):
            raise ConfigError(
                "objective.gradient = score-function needs a posterior with a density in its parameters: set posterior to "
                "diagonal-normal or categorical, or objective.gradient to pathwise"
            )


def _others(signal: Tensor) -> Tensor:
    """For each entry of [K, B] the mean of the others: of the row's samples, or where K is 1 of the batch's rows."""
    if len(signal) > 1:
        return (signal.sum(0) - signal) / (len(signal) - 1)
    rows = distributed.all_gather(signal.detach().flatten())
    return (rows.sum() - signal) / max(1, len(rows) - 1)


Estimator = Literal["pathwise", "score-function", "none"]
GRADIENTS: dict[Estimator, Gradient] = {
    "pathwise": Pathwise(),
    "score-function": ScoreFunction(),
    "none": Ignored(),
}
