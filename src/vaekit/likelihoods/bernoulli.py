"""p(x given z) = Bernoulli(sigmoid(decoder output))."""

from torch import Tensor
from torch.distributions import Bernoulli as TorchBernoulli

from vaekit.likelihoods.base import Likelihood


class Bernoulli(Likelihood):
    """log p(x given z) = sum x log p + (1 - x) log(1 - p), from logits; x binary, or gray in [0, 1] ("soft labels").

    With gray targets it is a cross-entropy, not a normalised density: it compares with other VAEs on the same pixels and with
    nothing else. The continuous Bernoulli is the density that it is often taken for.

    >>> import torch
    >>> Bernoulli((4,))(torch.zeros(1, 4)).log_prob(torch.tensor([[0.0, 1.0, 0.5, 0.2]]))  # -4 log 2
    tensor([-2.7726])
    """

    accepts = ("binary", "unit")

    def not_normalised(self, support: str) -> str | None:
        return (
            None
            if support == "binary"
            else "a Bernoulli with grayscale targets is not a normalised density"
        )

    def per_value(self, logits: Tensor) -> TorchBernoulli:  # pyright: ignore[reportIncompatibleMethodOverride]
        return TorchBernoulli(logits=logits, validate_args=False)
