"""A small VAE with replaceable parts, shared by the tests of models."""

from torch import nn

from vaekit import likelihoods, nets, posteriors, priors
from vaekit.core.vae import VAE

SHAPE = (1, 8, 8)


def parts(**replaced: nn.Module) -> dict[str, nn.Module]:
    """Five parts that fit, some of them replaced."""
    return {
        "encoder": nets.MLPEncoder(SHAPE, 3, hidden=(16,)),
        "posterior": posteriors.DiagonalNormal(16, 3),
        "prior": priors.StandardNormal(3),
        "decoder": nets.MLPDecoder(3, SHAPE, hidden=(16,)),
        "likelihood": likelihoods.Bernoulli(SHAPE),
    } | replaced


def vae(**replaced: nn.Module) -> VAE:
    """A model of these parts."""
    return VAE(**parts(**replaced))
