"""Distributions that `torch.distributions` lacks, and properties of any distribution."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Distribution, constraints

from vaekit.errors import ConfigError


def soft_clamp(x: Tensor, lower: float, upper: float) -> Tensor:
    """`x` bounded smoothly: the identity well inside [lower, upper], and never outside.

    The formula is lower + softplus(x - lower) - softplus(x - upper). At a distance d inside a
    bound it differs from the identity by exp(-d), and its gradient vanishes nowhere abruptly.

    >>> soft_clamp(torch.tensor([-100.0, 1.0, 100.0]), -20.0, 10.0)
    tensor([-20.0000,   0.9999,  10.0000])
    """
    # Beyond, the two terms are so large that rounding hides their difference.
    x = x.clamp(lower - 100, upper + 100)
    return lower + _softplus(x - lower) - _softplus(x - upper)


def _softplus(x: Tensor) -> Tensor:
    return F.softplus(x, threshold=40.0)  # the default of 20 is 2e-9 off, visible in float64


class ContinuousBernoulli(Distribution):
    r"""The density on [0, 1] proportional to a Bernoulli's mass.

    log p(x) = a x - softplus(a) + log C(a),   C(a) = a / tanh(a / 2),   a the logit.

    `torch.distributions.ContinuousBernoulli` computes with probabilities, which saturate in
    float32 from |a| = 16 on; this class computes with logits only.

    Args:
        logits: Real numbers of any shape, which is the batch shape.
        validate_args: Whether to check the logits.

    References:
        Loaiza-Ganem & Cunningham, 2019, "The continuous Bernoulli".

    >>> ContinuousBernoulli(logits=torch.zeros(())).log_prob(torch.tensor(0.3)).item()
    0.0
    """

    arg_constraints = {"logits": constraints.real}  # noqa: RUF012  # pyright: ignore
    support = constraints.unit_interval  # pyright: ignore - torch's own convention
    has_rsample = True

    def __init__(self, logits: Tensor, validate_args: bool | None = False):
        self.logits = logits
        super().__init__(logits.shape, validate_args=validate_args)

    def expand(self, batch_shape: torch.Size, _instance=None) -> "ContinuousBernoulli":
        """The distribution with its parameters expanded to a batch shape."""
        return ContinuousBernoulli(self.logits.expand(batch_shape))

    @property
    def mean(self) -> Tensor:
        """E[x] = 1 / (1 - exp(-a)) - 1 / a, by its series near a = 0."""
        a, small = self._away_from_zero(0.3)
        series = (
            0.5
            + self.logits / 12
            - self.logits**3 / 720
            + self.logits**5 / 30240
            - self.logits**7 / 1209600
        )
        return torch.where(small, series, -1 / torch.expm1((-a).clamp(max=80.0)) - 1 / a)

    @property
    def variance(self) -> Tensor:
        """Var[x] = 1 / a^2 - 1 / (4 sinh(a / 2)^2), by its series near a = 0."""
        a, small = self._away_from_zero(0.3)
        series = 1 / 12 - self.logits**2 / 240 + self.logits**4 / 6048 - self.logits**6 / 172800
        # sinh overflows float32 at 89; beyond 40 its term is below rounding.
        half = (a.abs() / 2).clamp(max=40.0)
        return torch.where(small, series, 1 / a**2 - 1 / (4 * torch.sinh(half) ** 2))

    def rsample(self, sample_shape: torch.Size | tuple[int, ...] = ()) -> Tensor:
        """Samples by the inverse distribution function at -|a|, mirrored if a > 0.

        In this way nothing overflows.
        """
        shape = self._extended_shape(torch.Size(sample_shape))
        u = torch.rand(shape, dtype=self.logits.dtype, device=self.logits.device)
        a, small = self._away_from_zero(1e-6)
        low = torch.log1p(u * torch.expm1(-a.abs())) / -a.abs()
        x = torch.where(a > 0, 1 - low, low).clamp(0, 1)
        return torch.where(small, u + self.logits * u * (1 - u) / 2, x)

    def log_prob(self, value: Tensor) -> Tensor:
        """log p(value) in nats."""
        return value * self.logits - _softplus(self.logits) + self._log_normalizer()

    def _log_normalizer(self) -> Tensor:
        a, small = self._away_from_zero(0.1)
        a = a.abs()
        series = (
            math.log(2)
            + self.logits**2 / 12
            - 7 * self.logits**4 / 1440
            + 31 * self.logits**6 / 90720
        )
        exact = torch.log(a) - torch.log(-torch.expm1(-a)) + torch.log1p(torch.exp(-a))
        return torch.where(small, series, exact)

    def _away_from_zero(self, radius: float) -> tuple[Tensor, Tensor]:
        """The logits with values within `radius` of 0 replaced by `radius`, and a mask of those.

        The branch of `torch.where` that is not taken must not have a NaN gradient.
        """
        small = self.logits.abs() < radius
        replaced = torch.where(small, torch.full_like(self.logits, radius), self.logits)
        return replaced, small


class Delta(Distribution):
    """All mass on one point, without a density.

    Args:
        point: The point [*batch, *event].
        event_dims: Number of event dimensions.

    >>> Delta(torch.zeros(5, 2), 1).rsample((3,)).shape
    torch.Size([3, 5, 2])
    """

    arg_constraints = {}  # noqa: RUF012  # pyright: ignore
    has_rsample = True
    deterministic = True

    def __init__(self, point: Tensor, event_dims: int):
        self.point = point
        batch = point.dim() - event_dims
        super().__init__(point.shape[:batch], point.shape[batch:], validate_args=False)

    @property
    def support(self) -> constraints.Constraint:
        """The constraint that values satisfy."""
        return constraints.independent(constraints.real, len(self.event_shape))

    @property
    def mean(self) -> Tensor:
        """The mean, [*batch_shape, *event_shape]."""
        return self.point

    @property
    def variance(self) -> Tensor:
        """The variance of each value, [*batch_shape, *event_shape]."""
        return torch.zeros_like(self.point)

    def rsample(self, sample_shape: torch.Size | tuple[int, ...] = ()) -> Tensor:
        """Draws with a gradient, [*sample_shape, *batch_shape, *event_shape]."""
        return self.point.expand(*sample_shape, *self.point.shape)

    def sample(self, sample_shape: torch.Size | tuple[int, ...] = ()) -> Tensor:
        """Draws without a gradient, [*sample_shape, *batch_shape, *event_shape]."""
        return self.rsample(sample_shape).detach()

    def log_prob(self, value: Tensor) -> Tensor:
        """log p(value) in nats."""
        raise ConfigError(
            "a deterministic posterior has no density, so neither a bound of log p(x) nor "
            "importance weights. Choose another posterior.",
            parameter="posterior",
        )


def point_estimate(q: Distribution) -> Tensor:
    """The latent code that represents q: its mean, or its mode if q is discrete."""
    return q.mode if is_discrete(q) else q.mean


def is_deterministic(q: Distribution) -> bool:
    """Whether q has all its mass on one point."""
    return getattr(q, "deterministic", False)


def penalties_of(q: Distribution) -> dict[str, Tensor]:
    """Scalars that q adds to the loss, by name, such as a codebook's commitment."""
    return dict(getattr(q, "penalties", {}))


def is_discrete(q: Distribution) -> bool:
    """Whether q is a distribution over a countable set."""
    try:
        support = q.support
    except NotImplementedError:  # a distribution of the user's own may lack a support
        return False
    return support is not None and support.is_discrete
