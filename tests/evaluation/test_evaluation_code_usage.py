"""Which codes a discrete model uses: counts and perplexities that are known beforehand."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from vaekit import likelihoods, nets, posteriors, priors
from vaekit.core.vae import VAE
from vaekit.data import Transform
from vaekit.evaluation import CodeUsage, code_usage
from vaekit.inputs import ModelInputs


def model_of(posterior: nn.Module, size: int, prior: nn.Module) -> VAE:
    """The data themselves are the features; the decoder is of no matter here."""
    encoder, decoder = (
        nets.MLPEncoder((size,), 1, hidden=()),
        nets.MLPDecoder(*prior().event_shape, (size,), hidden=()),
    )
    return VAE(encoder, posterior, prior, decoder, likelihoods.Gaussian((size,)))


def identity_(layer: nn.Linear) -> None:
    with torch.no_grad():
        layer.weight.copy_(torch.eye(len(layer.weight)))
        layer.bias.zero_()


def codebook() -> VAE:
    """Two positions that share the codes 0, 1, 2, 3, nearest to the two numbers of a row."""
    posterior = posteriors.VectorQuantized(2, 2, codes=4, groups=2)
    identity_(posterior.project)
    posterior.latent.vectors = torch.arange(4.0).unsqueeze(1)
    return model_of(posterior, 2, priors.Uniform(posterior.latent))


def variables() -> VAE:
    """Two variables of three classes, whose logits are the six numbers of a row."""
    posterior = posteriors.Categorical(6, 2, classes=3)
    identity_(posterior.logits)
    return model_of(posterior, 6, priors.Uniform(posterior.latent))


def usage(model: VAE, rows: np.ndarray) -> CodeUsage | None:
    return code_usage(model, ModelInputs(rows.astype(np.float32), Transform("real")))


def test_positions_that_share_a_codebook_are_counted_as_one():
    found = usage(codebook(), np.array([[0, 1], [1, 0], [0.2, -3], [1, 0.9]]))
    assert found == CodeUsage(positions=2, available=4, used=2, perplexity=pytest.approx(2))
    once = usage(codebook(), np.array([[0, 0], [0, 3]]))
    assert once == CodeUsage(
        2, 4, 2, pytest.approx(math.exp(-0.75 * math.log(0.75) - 0.25 * math.log(0.25)))
    )


def test_every_code_used_alike_has_all_of_them_as_perplexity_and_one_code_has_one():
    assert usage(codebook(), np.array([[0, 1], [2, 3]])) == CodeUsage(2, 4, 4, pytest.approx(4))
    assert usage(codebook(), np.zeros((7, 2))) == CodeUsage(2, 4, 1, pytest.approx(1))


def test_variables_with_codes_of_their_own_are_counted_apart():
    one_hot = np.eye(3)
    rows = np.array([[*one_hot[i % 3], *one_hot[0]] for i in range(1200)])  # more than one batch
    found = usage(variables(), rows)
    assert found == CodeUsage(
        positions=2, available=6, used=4, perplexity=pytest.approx((3 + 1) / 2)
    )


def test_a_continuous_model_has_no_codes():
    assert (
        usage(
            model_of(posteriors.DiagonalNormal(2, 2), 2, priors.StandardNormal(2)), np.zeros((3, 2))
        )
        is None
    )
