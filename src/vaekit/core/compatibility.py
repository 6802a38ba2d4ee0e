"""The check that the five parts of a model fit together."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.distributions import Distribution

from vaekit.core.distributions import is_discrete
from vaekit.core.modules import eval_mode, zeros_like_model
from vaekit.errors import ConfigError

if TYPE_CHECKING:
    from vaekit.core.vae import VAE

LIKELIHOOD_ATTRIBUTES = ("shape", "accepts", "not_normalized")
CALL_ERRORS = (RuntimeError, ValueError, TypeError, AttributeError)
SINGLE_EXAMPLE = torch.Size([1])


def check_fit(model: "VAE") -> None:
    """Pass one example of zeros through the parts and compare the shapes where two parts meet.

    Raises:
        ConfigError: Two parts do not fit; the message names both.
    """
    _check_likelihood(model.likelihood)
    with torch.no_grad(), eval_mode(model):
        posterior = _posterior_of_zeros(model)
        _check_posterior(model, posterior)
        _check_prior(model, posterior)
        _check_decoder(model)


def _check_likelihood(likelihood: nn.Module) -> None:
    for attribute in LIKELIHOOD_ATTRIBUTES:
        if not hasattr(likelihood, attribute):
            raise ConfigError(
                f"likelihood {_name(likelihood)} has no attribute {attribute!r}. "
                "Derive it from vaekit.likelihoods.Likelihood.",
                parameter="likelihood",
            )


def _posterior_of_zeros(model: "VAE") -> Distribution:
    shape = tuple(model.likelihood.shape)
    x = zeros_like_model(model, 1, *shape)
    y = model.dummy_condition(1)
    return _distribution_of(
        model, "encoder", "posterior", lambda: model.encode(x, y), f"data of shape {shape}"
    )


def _check_posterior(model: "VAE", q: Distribution) -> None:
    if q.batch_shape != SINGLE_EXAMPLE:
        raise ConfigError.for_value(
            "posterior",
            tuple(q.batch_shape),
            "(1,)",
            problem=f"posterior {_name(model.posterior)} has the wrong batch shape for one example",
            fix="Wrap the distribution in torch.distributions.Independent(q, 1)",
        )


def _check_prior(model: "VAE", q: Distribution) -> None:
    posterior = f"posterior {_name(model.posterior)}"
    prior = f"prior {_name(model.prior)}"
    if q.event_shape != model.latent_shape:
        raise ConfigError(
            f"{posterior} and {prior} have latent codes of different shapes: "
            f"got {tuple(q.event_shape)} and {tuple(model.latent_shape)}, expected equal shapes. "
            "Build both for the same latent_dim.",
            parameter="prior",
        )
    if getattr(model.prior, "codebook", model.codebook) is not model.codebook:
        raise ConfigError(
            f"{prior} has another codebook than {posterior}. Build the prior for posterior.latent.",
            parameter="prior",
        )
    if is_discrete(q) != is_discrete(model.prior_distribution(model.dummy_condition(1))):
        raise ConfigError(
            f"one of {posterior} and {prior} is discrete and the other has a density, so no "
            "divergence between them is defined. Choose a prior of the posterior's kind.",
            parameter="prior",
        )


def _check_decoder(model: "VAE") -> None:
    likelihood = model.likelihood
    shape = tuple(likelihood.shape)
    output = ", ".join(map(str, getattr(likelihood, "parameter_shape", shape)))
    z = zeros_like_model(model, 1, *model.latent_shape)
    y = model.dummy_condition(1)
    p = _distribution_of(
        model,
        "decoder",
        "likelihood",
        lambda: model.decode(z, y),
        f"latent codes of shape {tuple(model.latent_shape)}, "
        f"for which the decoder must return [batch, {output}]",
    )
    if p.event_shape != torch.Size(shape) or p.batch_shape != SINGLE_EXAMPLE:
        raise ConfigError.for_value(
            "decoder",
            tuple(p.event_shape),
            f"{shape}",
            problem=f"decoder {_name(model.decoder)} and likelihood {_name(likelihood)} make data "
            "of the wrong shape",
            fix=f"Let the decoder return [batch, {output}]",
        )


def _distribution_of(
    model: "VAE", first: str, second: str, call: Callable[[], object], inputs: str
) -> Distribution:
    """The distribution that two parts compute together; an error of theirs names both."""
    parts = f"{first} {_name(getattr(model, first))} and {second} {_name(getattr(model, second))}"
    try:
        result = call()
    except CALL_ERRORS as error:
        reason = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
        raise ConfigError(f"{parts} do not fit for {inputs}. {reason}.", parameter=first) from error
    if not isinstance(result, Distribution):
        raise ConfigError(
            f"{parts} return the wrong type: got {type(result).__name__}, "
            "expected a torch.distributions.Distribution.",
            parameter=second,
        )
    return result


def _name(part: nn.Module) -> str:
    return type(part).__name__
