"""The variational autoencoder: five parts, called with and without a condition."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import Distribution

from vaekit.core.codebook import Codebook
from vaekit.core.compatibility import check_fit
from vaekit.core.distributions import point_estimate
from vaekit.core.modules import ParameterCount, count_parameters, reference_tensor
from vaekit.core.summary import summary_html
from vaekit.errors import DataError


class VAE(nn.Module):
    """A variational autoencoder made of five parts, each replaceable by a module of your own.

    A conditional model (Sohn et al., 2015) passes the condition y to encoder and decoder as a
    second argument [B, classes], and to the prior as its only one. y is either class numbers [B]
    or weights of the classes [B, classes].

    Args:
        encoder: Data [B, *shape] to features [B, F] or [B, C, h, w].
        posterior: Features to q(z|x).
        prior: Nothing, or the condition, to p(z) or p(z|y).
        decoder: Latent codes [B, *latent shape] to parameters of the likelihood [B, *].
        likelihood: Those parameters to p(x|z), over data of its `shape`.
        classes: Number of classes that the model is conditional on; 0 for none.

    Raises:
        ConfigError: Two parts do not fit; the message names both.

    References:
        Kingma & Welling, 2014, "Auto-encoding variational Bayes".

    >>> from vaekit import nets, posteriors, priors, likelihoods
    >>> model = VAE(
    ...     encoder=nets.MLPEncoder((1, 8, 8), 2, hidden=(32,)),
    ...     posterior=posteriors.DiagonalNormal(32, 2),
    ...     prior=priors.StandardNormal(2),
    ...     decoder=nets.MLPDecoder(2, (1, 8, 8), hidden=(32,)),
    ...     likelihood=likelihoods.Bernoulli((1, 8, 8)),
    ... )
    >>> model.sample(16).shape
    torch.Size([16, 1, 8, 8])
    """

    encoder: nn.Module
    posterior: nn.Module
    prior: nn.Module
    decoder: nn.Module
    likelihood: Any
    _latent_shape: torch.Size | None = None

    def __init__(
        self,
        encoder: nn.Module,
        posterior: nn.Module,
        prior: nn.Module,
        decoder: nn.Module,
        likelihood: nn.Module,
        classes: int = 0,
    ):
        super().__init__()
        self.encoder = encoder
        self.posterior = posterior
        self.prior = prior
        self.decoder = decoder
        self.likelihood = likelihood
        self.classes = classes
        check_fit(self)

    # --- Distributions ---------------------------------------------------------------------------

    def encode(self, x: Tensor, y: Tensor | None = None) -> Distribution:
        """The posterior q(z|x), with batch shape [B].

        Args:
            x: Data [B, *shape] as the model sees them; `Run.encode` takes raw data.
            y: The condition, for a conditional model.

        Raises:
            DataError: y is missing or invalid, or its length is not that of x.
        """
        condition = self.condition_arguments(y)
        if any(len(c) != len(x) for c in condition):
            raise DataError.for_value(
                "y",
                f"{len(condition[0])} classes",
                f"one for each of {len(x)} examples",
                problem="the number of classes is wrong",
            )
        return self.posterior(self.encoder(x, *condition))

    def decode(self, z: Tensor, y: Tensor | None = None) -> Distribution:
        """The likelihood p(x|z), whose batch shape is the leading dimensions of z.

        Args:
            z: Latent codes [..., *latent shape], such as [K, B, *latent shape].
            y: The condition, for a conditional model.

        Raises:
            DataError: y is missing or invalid.
        """
        lead = z.shape[: z.dim() - len(self.latent_shape)]
        flat = z.reshape(lead.numel(), *self.latent_shape)  # nets take one batch dimension
        condition = [
            c.expand(*lead, -1).reshape(lead.numel(), -1) for c in self.condition_arguments(y)
        ]
        parameters = self.decoder(flat, *condition)
        return self.likelihood(parameters.reshape(*lead, *parameters.shape[1:]))

    def prior_distribution(self, y: Tensor | None = None) -> Distribution:
        """The prior p(z), or p(z|y) with the batch shape of y if the prior depends on y."""
        return self.prior(*self.condition_arguments(y))

    def log_joint(self, x: Tensor, z: Tensor, y: Tensor | None = None) -> Tensor:
        """log p(x, z) = log p(z) + log p(x|z) in nats, [K, B].

        Args:
            x: Data [B, *shape].
            z: Latent codes [K, B, *latent shape].
            y: The condition, for a conditional model.
        """
        return self.prior_distribution(y).log_prob(z) + self.decode(z, y).log_prob(x)

    # --- Samples and reconstructions -------------------------------------------------------------

    @torch.no_grad()
    def sample_prior(self, count: int, y: Tensor | None = None) -> Tensor:
        """Draws z ~ p(z), or z ~ p(z|y) one for each y, [count, *latent shape].

        Raises:
            DataError: y is missing or invalid, or its length is not `count`.
        """
        p = self.prior_distribution(y)
        if y is not None and len(y) != count:
            raise DataError.for_value(
                "y",
                f"{len(y)} classes",
                f"one for each of {count} samples",
                problem="the number of classes is wrong",
            )
        return p.sample() if p.batch_shape else p.sample((count,))

    @torch.no_grad()
    def sample(self, count: int, y: Tensor | None = None) -> Tensor:
        """Means of p(x|z) for draws z ~ p(z), [count, *shape].

        `model.decode(z).sample()` draws from p(x|z) itself.

        Args:
            count: Number of samples.
            y: The condition of each sample, for a conditional model.
        """
        return self.decode(self.sample_prior(count, y), y).mean

    @torch.no_grad()
    def reconstruct(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """The mean of p(x|z) at the posterior's point estimate, [B, *shape]."""
        return self.decode(point_estimate(self.encode(x, y)), y).mean

    # --- The condition ---------------------------------------------------------------------------

    def condition_arguments(self, y: Tensor | None) -> tuple[Tensor, ...]:
        """The further arguments of the parts: none, or weights of the classes [B, classes].

        Raises:
            DataError: The model is conditional, and y is missing or invalid.
        """
        if not self.classes:
            return ()
        if y is None:
            raise DataError(
                f"y is missing: the model is conditional on {self.classes} classes. "
                "Pass class numbers [B] or weights [B, classes].",
                parameter="y",
            )
        if y.dim() == 1:
            y = self._one_hot(y)
        if y.shape[-1] != self.classes:
            raise DataError.for_value(
                "y",
                f"weights of {y.shape[-1]} classes",
                f"weights of {self.classes} classes",
            )
        return (y.to(reference_tensor(self)),)

    def dummy_condition(self, count: int) -> Tensor | None:
        """The first class `count` times for a conditional model, for results independent of it."""
        if not self.classes:
            return None
        return torch.zeros(count, dtype=torch.long, device=reference_tensor(self).device)

    def _one_hot(self, y: Tensor) -> Tensor:
        if y.is_floating_point():
            raise DataError(
                "class numbers are not whole: got floating-point numbers [B], expected integers. "
                "Pass integers [B], or weights [B, classes].",
                parameter="y",
            )
        on_cpu = y.device.type == "cpu"  # to look at values on a GPU would wait for it
        if on_cpu and y.numel() and not 0 <= y.min() <= y.max() < self.classes:
            wrong = y[(y < 0) | (y >= self.classes)][0].item()
            raise DataError.for_value("y", wrong, f"class numbers from 0 to {self.classes - 1}")
        return F.one_hot(y.long(), self.classes)

    # --- Properties ------------------------------------------------------------------------------

    @property
    def latent_shape(self) -> torch.Size:
        """The shape of one latent code."""
        if self._latent_shape is None:
            with torch.no_grad():
                self._latent_shape = self.prior_distribution(self.dummy_condition(1)).event_shape
        return self._latent_shape

    @property
    def data_shape(self) -> tuple[int, ...]:
        """The shape of one example."""
        return tuple(self.likelihood.shape)

    @property
    def codebook(self) -> Codebook | None:
        """The code vectors that z consists of, or None if z is continuous."""
        latent = getattr(self.posterior, "latent", None)
        return latent if isinstance(latent, Codebook) else None

    def count_parameters(self) -> dict[str, ParameterCount]:
        """Numbers of parameters of encoder with posterior, decoder with likelihood, and prior."""
        return {
            "encoder": count_parameters(self.encoder, self.posterior),
            "decoder": count_parameters(self.decoder, self.likelihood),
            "prior": count_parameters(self.prior),
        }

    def _repr_html_(self) -> str:
        return summary_html(self)
