import math

import pytest
import torch
from torch import nn

from vaekit import likelihoods, posteriors, priors
from vaekit.core.modules import ParameterCount
from vaekit.core.vae import VAE
from vaekit.nets import MLPDecoder, MLPEncoder

SHAPE = (1, 28, 28)


def linear(net: nn.Module) -> list[nn.Linear]:
    return [layer for layer in net.modules() if isinstance(layer, nn.Linear)]


def test_sixteen_dimensions_and_two_layers_of_512_count_as_stated():
    model = VAE(
        encoder=MLPEncoder(SHAPE, 16, hidden=(512, 512)),
        posterior=posteriors.DiagonalNormal(512, 16),
        prior=priors.StandardNormal(16),
        decoder=MLPDecoder(16, SHAPE, hidden=(512, 512)),
        likelihood=likelihoods.Bernoulli(SHAPE),
    )
    encoder = (784 * 512 + 512) + (512 * 512 + 512) + 2 * (512 * 16 + 16)
    decoder = (16 * 512 + 512) + (512 * 512 + 512) + (512 * 784 + 784)
    assert (encoder, decoder) == (680_992, 673_552)
    assert model.count_parameters() == {
        "encoder": ParameterCount(encoder, 0),
        "decoder": ParameterCount(decoder, 0),
        "prior": ParameterCount(0, 0),
    }


def test_a_learned_variance_doubles_the_last_layer_and_counts_as_the_decoders():
    shared, learned = (likelihoods.Gaussian((5,), scale=scale) for scale in ("shared", "learned"))
    counts = []
    for likelihood in (shared, learned):
        decoder = MLPDecoder(2, likelihood.parameter_shape, hidden=(4,))
        posterior = posteriors.DiagonalNormal(5, 2)
        prior = priors.StandardNormal(2)
        model = VAE(MLPEncoder((5,), 2, hidden=()), posterior, prior, decoder, likelihood)
        counts.append(model.count_parameters()["decoder"].trainable)
    assert counts == [(2 * 4 + 4) + (4 * 5 + 5) + 1, (2 * 4 + 4) + (4 * 10 + 10)]


def test_without_hidden_layers_the_features_are_the_flattened_examples():
    x = torch.randn(3, 2, 5)
    torch.testing.assert_close(MLPEncoder((2, 5), 2, hidden=())(x), x.flatten(1))
    assert [layer.weight.shape for layer in linear(MLPDecoder(2, (2, 5), hidden=()))] == [(10, 2)]


def test_layers_come_in_the_order_written():
    assert [layer.weight.shape for layer in linear(MLPEncoder((6,), 2, hidden=(5, 4)))] == [
        (5, 6),
        (4, 5),
    ]
    assert [layer.weight.shape for layer in linear(MLPDecoder(2, (6,), hidden=(4, 5)))] == [
        (4, 2),
        (5, 4),
        (6, 5),
    ]


@pytest.mark.parametrize(
    ("activation", "function"),
    [("relu", torch.relu), ("tanh", torch.tanh), ("gelu", nn.functional.gelu)],
)
def test_the_formula(activation, function):
    x = torch.randn(3, 6)
    z = torch.randn(3, 2)
    encoder = MLPEncoder((6,), 2, hidden=(5,), activation=activation)
    decoder = MLPDecoder(2, (6,), hidden=(5,), activation=activation)
    (first,) = linear(encoder)
    (second, last) = linear(decoder)
    torch.testing.assert_close(encoder(x), function(x @ first.weight.T + first.bias))
    torch.testing.assert_close(
        decoder(z), function(z @ second.weight.T + second.bias) @ last.weight.T + last.bias
    )


def test_batch_normalization_follows_every_activation_and_not_the_last_layer():
    kinds = [type(layer) for layer in MLPDecoder(2, (6,), hidden=(5,), batch_norm=True).layers]
    assert kinds == [nn.Linear, nn.ReLU, nn.BatchNorm1d, nn.Linear, nn.Unflatten]


def test_weights_start_by_glorot_and_biases_at_zero():
    for net in (MLPEncoder(SHAPE, 2), MLPDecoder(2, SHAPE), posteriors.DiagonalNormal(300, 40)):
        for layer in linear(net):
            bound = math.sqrt(6 / sum(layer.weight.shape))
            assert (layer.bias == 0).all()
            assert 0.95 * bound < layer.weight.abs().max() <= bound
            assert layer.weight.var().item() == pytest.approx(bound**2 / 3, rel=0.1)
