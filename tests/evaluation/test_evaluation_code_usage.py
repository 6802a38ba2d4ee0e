"""Use of discrete codes: counts and perplexities that are known exactly."""

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
    """A model whose features can be the data; its decoder plays no role here."""
    encoder = nets.MLPEncoder((size,), 1, hidden=())
    decoder = nets.MLPDecoder(*prior().event_shape, (size,), hidden=())
    return VAE(encoder, posterior, prior, decoder, likelihoods.Gaussian((size,)))


def set_identity(layer: nn.Linear) -> None:
    with torch.no_grad():
        layer.weight.copy_(torch.eye(len(layer.weight)))
        layer.bias.zero_()


def shared_codebook() -> VAE:
    """Two positions that share the codes 0, 1, 2, 3, chosen by the two values of an example."""
    posterior = posteriors.VectorQuantized(2, 2, codes=4, groups=2)
    set_identity(posterior.project)
    posterior.latent.vectors = torch.arange(4.0).unsqueeze(1)
    return model_of(posterior, 2, priors.Uniform(posterior.latent))


def categorical_variables() -> VAE:
    """Two variables of three classes, whose logits are the six values of an example."""
    posterior = posteriors.Categorical(6, 2, classes=3)
    set_identity(posterior.logits)
    return model_of(posterior, 6, priors.Uniform(posterior.latent))


def usage(model: VAE, x: np.ndarray) -> CodeUsage | None:
    return code_usage(model, ModelInputs(x.astype(np.float32), Transform("real")))


def test_positions_that_share_a_codebook_are_counted_together():
    result = usage(shared_codebook(), np.array([[0, 1], [1, 0], [0.2, -3], [1, 0.9]]))
    assert result == CodeUsage(positions=2, available=4, used=2, perplexity=pytest.approx(2))
    uneven = usage(shared_codebook(), np.array([[0, 0], [0, 3]]))
    entropy = -0.75 * math.log(0.75) - 0.25 * math.log(0.25)
    assert uneven == CodeUsage(2, 4, 2, pytest.approx(math.exp(entropy)))


def test_the_perplexity_of_equally_frequent_codes_is_their_number():
    model = shared_codebook()
    assert usage(model, np.array([[0, 1], [2, 3]])) == CodeUsage(2, 4, 4, pytest.approx(4))
    assert usage(model, np.zeros((7, 2))) == CodeUsage(2, 4, 1, pytest.approx(1))


def test_variables_with_separate_codes_are_counted_separately():
    one_hot = np.eye(3)
    x = np.array([[*one_hot[i % 3], *one_hot[0]] for i in range(1200)])  # more than one batch
    expected = CodeUsage(positions=2, available=6, used=4, perplexity=pytest.approx((3 + 1) / 2))
    assert usage(categorical_variables(), x) == expected


def test_a_continuous_model_has_no_codes():
    model = model_of(posteriors.DiagonalNormal(2, 2), 2, priors.StandardNormal(2))
    assert usage(model, np.zeros((3, 2))) is None
