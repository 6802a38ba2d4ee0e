"""p(x|z) = Bernoulli(sigmoid(decoder output))."""

from torch import Tensor
from torch.distributions import Bernoulli as TorchBernoulli

from vaekit.likelihoods.base import Likelihood

MIN_MEAN = 0.02
"""Means closer to 0 or 1 start there: their logits would have almost no gradient."""


class Bernoulli(Likelihood):
    """log p(x|z) = sum x log p + (1 - x) log(1 - p), with logits from the decoder.

    x is binary, or gray in [0, 1] ("soft labels"). With gray targets it is a cross-entropy and not
    a normalized density: it compares only with other VAEs on the same pixels. The density that it
    is often mistaken for is the continuous Bernoulli.

    Args:
        shape: Shape of one example.

    >>> import torch
    >>> x = torch.tensor([[0.0, 1.0, 0.5, 0.2]])
    >>> Bernoulli((4,))(torch.zeros(1, 4)).log_prob(x)  # -4 log 2
    tensor([-2.7726])
    """

    accepts = ("binary", "unit")

    def not_normalized(self, support: str) -> str | None:
        """The reason why log p(x|z) on gray targets is no log-density; None for binary ones."""
        if support == "binary":
            return None
        return "a Bernoulli with grayscale targets is not a normalized density"

    def link(self, mean: Tensor) -> Tensor:
        """The logit of the mean."""
        return mean.clamp(MIN_MEAN, 1 - MIN_MEAN).logit()

    def per_value(self, logits: Tensor) -> TorchBernoulli:
        """The Bernoulli distribution of each value."""
        return TorchBernoulli(logits=logits, validate_args=False)
