import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from raising import raises
from vaekit import likelihoods, posteriors, priors
from vaekit.core.modules import ParameterCount
from vaekit.core.vae import VAE
from vaekit.errors import ConfigError
from vaekit.nets import ConvDecoder, ConvEncoder
from vaekit.nets.conv import SameConv2d, SameConvTranspose2d, default_channels, pyramid

SHAPE = (1, 28, 28)


def conv_vae(encoder: ConvEncoder, decoder: ConvDecoder) -> VAE:
    posterior = posteriors.DiagonalNormal(encoder.hidden[-1], 2)
    return VAE(encoder, posterior, priors.StandardNormal(2), decoder, likelihoods.Bernoulli(SHAPE))


# --- Published counts -----------------------------------------------------------------------


def test_the_default_has_the_keras_examples_parameters():
    model = conv_vae(ConvEncoder(SHAPE, 2), ConvDecoder(2, SHAPE))
    assert model.count_parameters() == {
        "encoder": ParameterCount(69_076, 0),
        "decoder": ParameterCount(65_089, 0),
        "prior": ParameterCount(0, 0),
    }
    assert sum(count.total for count in model.count_parameters().values()) == 134_165


def test_the_default_has_the_keras_examples_layers():
    encoder = ConvEncoder(SHAPE, 2)
    decoder = ConvDecoder(2, SHAPE)
    assert [sum(p.numel() for p in layer.parameters()) for layer in weighted(encoder)] == [
        320,
        18_496,
        50_192,
    ]
    assert [sum(p.numel() for p in layer.parameters()) for layer in weighted(decoder)] == [
        9_408,
        36_928,
        18_464,
        289,
    ]
    assert output_shapes(encoder, torch.zeros(1, *SHAPE)) == [(32, 14, 14), (64, 7, 7), (16,)]
    assert output_shapes(decoder, torch.zeros(1, 2)) == [
        (3136,),
        (64, 14, 14),
        (32, 28, 28),
        (1, 28, 28),
    ]


def test_the_statistics_of_batch_normalization_are_fixed_parameters():
    options = {"channels": (8, 16), "batch_norm": True}
    sides = conv_vae(
        ConvEncoder(SHAPE, 2, hidden=(20,), **options), ConvDecoder(2, SHAPE, **options)
    ).count_parameters()
    assert (sides["encoder"].total, sides["encoder"].trainable) == (17_208, 17_120)
    assert (sides["decoder"].total, sides["decoder"].trainable) == (9_137, 7_521)
    assert sum(side.fixed for side in sides.values()) == 1_704


def weighted(net: nn.Module) -> list[nn.Module]:
    return [
        layer
        for layer in net.modules()
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d)
    ]


def output_shapes(net: nn.Module, x: torch.Tensor) -> list[tuple[int, ...]]:
    shapes: list[tuple[int, ...]] = []
    hooks = [
        layer.register_forward_hook(lambda _, __, y: shapes.append(tuple(y.shape[1:])))
        for layer in weighted(net)
    ]
    net(x)
    for hook in hooks:
        hook.remove()
    return shapes


# --- The geometry, against loops over the rule ----------------------------------------------------


def padding(n: int, k: int) -> int:
    """Zeros before a row of n values, by Keras's rule: half of the padding, rounded down."""
    return max((math.ceil(n / 2) - 1) * 2 + k - n, 0) // 2


def conv_by_loops(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    (_, height, width) = x.shape
    (c_out, _, k, _) = weight.shape
    y = np.zeros((c_out, math.ceil(height / 2), math.ceil(width / 2)))
    top = padding(height, k)
    left = padding(width, k)
    for i, j, di, dj in np.ndindex(y.shape[1], y.shape[2], k, k):
        row = 2 * i + di - top
        column = 2 * j + dj - left
        if 0 <= row < height and 0 <= column < width:
            y[:, i, j] += weight[:, :, di, dj] @ x[:, row, column]
    return y


def transposed_by_loops(y: np.ndarray, weight: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Every value of y, spread over the even-sized input of the convolution above, then cropped."""
    (_, height, width) = y.shape
    (_, c_out, k, _) = weight.shape
    x = np.zeros((c_out, 2 * height, 2 * width))
    top = padding(2 * height, k)
    left = padding(2 * width, k)
    for i, j, di, dj in np.ndindex(height, width, k, k):
        row = 2 * i + di - top
        column = 2 * j + dj - left
        if 0 <= row < 2 * height and 0 <= column < 2 * width:
            x[:, row, column] += weight[:, :, di, dj].T @ y[:, i, j]
    return x[:, : size[0], : size[1]]


SIZES = [(8, 8), (7, 7), (5, 8), (1, 4), (2, 3), (1, 1)]


@pytest.mark.parametrize("kernel", [2, 3, 4, 5])
@pytest.mark.parametrize("size", SIZES)
def test_convolution_pads_the_end(size: tuple[int, int], kernel: int):
    random = np.random.default_rng(0)
    conv = SameConv2d(2, 3, kernel, size).double()
    x = random.normal(size=(2, *size))
    ours = conv(torch.from_numpy(x)[None])[0] - conv.bias[:, None, None]  # type: ignore[index]
    np.testing.assert_allclose(
        ours.detach().numpy(), conv_by_loops(x, conv.weight.detach().numpy()), atol=1e-12
    )


@pytest.mark.parametrize("kernel", [2, 3, 4, 5])
@pytest.mark.parametrize("size", SIZES)
def test_transposed_convolution_crops_the_end(size: tuple[int, int], kernel: int):
    random = np.random.default_rng(0)
    conv = SameConvTranspose2d(3, 2, kernel, size).double()
    y = random.normal(size=(3, *pyramid(size, 1)[-1]))
    ours = conv(torch.from_numpy(y)[None])[0] - conv.bias[:, None, None]  # type: ignore[index]
    np.testing.assert_allclose(
        ours.detach().numpy(),
        transposed_by_loops(y, conv.weight.detach().numpy(), size),
        atol=1e-12,
    )


@pytest.mark.parametrize("kernel", [2, 3, 4, 5, 6, 7])
@pytest.mark.parametrize("size", [(8, 8), (2, 6), (10, 4)])
def test_the_two_are_adjoint_at_even_sizes(size: tuple[int, int], kernel: int):
    conv = SameConv2d(2, 3, kernel, size).double()
    transposed = SameConvTranspose2d(3, 2, kernel, size).double()
    transposed.weight = conv.weight
    for layer in (conv, transposed):
        nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    x = torch.randn(1, 2, *size, dtype=torch.float64)
    y = torch.randn(1, 3, *pyramid(size, 1)[-1], dtype=torch.float64)
    torch.testing.assert_close((conv(x) * y).sum(), (x * transposed(y)).sum())


@settings(deadline=None, max_examples=60)
@given(
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    depth=st.integers(0, 4),
    kernel=st.integers(2, 5),
    colors=st.integers(1, 3),
)
def test_any_size_returns_to_itself(size: tuple[int, int], depth: int, kernel: int, colors: int):
    shape = (colors, *size)
    channels = (2,) * depth
    encoder = ConvEncoder(shape, 2, channels=channels, kernel=kernel, hidden=(3,))
    decoder = ConvDecoder(2, shape, channels=channels, kernel=kernel)
    assert encoder(torch.zeros(2, *shape)).shape == (2, 3)
    assert decoder(torch.zeros(2, 2)).shape == (2, *shape)
    smallest = pyramid(size, depth)[-1]
    assert smallest == (math.ceil(size[0] / 2**depth), math.ceil(size[1] / 2**depth))
    assert output_shapes(encoder, torch.zeros(2, *shape))[:depth] == [
        (2, *s) for s in pyramid(size, depth)[1:]
    ]


# --- Channels, start, layout ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "channels"),
    [
        ((28, 28), (32, 64)),
        ((8, 8), (32,)),
        ((7, 7), (32,)),
        ((1, 1), (32,)),
        ((32, 32), (32, 64, 128)),
        ((64, 64), (32, 64, 128, 256)),
        ((37, 53), (32, 64, 128)),
        ((7, 500), (32,)),
        ((250, 500), (32, 64, 128, 256, 256, 256)),
    ],
)
def test_default_channels_end_at_a_shorter_side_of_at_most_seven(
    size: tuple[int, int], channels: tuple[int, ...]
):
    assert default_channels(size) == channels
    assert ConvEncoder((1, *size), 2).channels == channels == ConvDecoder(2, (1, *size)).channels


def test_default_hidden_is_eight_per_latent_dimension():
    assert ConvEncoder(SHAPE, 5).hidden == (40,)


def test_weights_start_by_glorot_and_biases_at_zero():
    for net in (ConvEncoder((3, 28, 28), 4), ConvDecoder(4, (3, 28, 28))):
        for layer in weighted(net):
            weight = layer.get_parameter("weight")
            bias = layer.get_parameter("bias")
            field = math.prod(weight.shape[2:])
            bound = math.sqrt(6 / ((weight.shape[0] + weight.shape[1]) * field))
            assert (bias == 0).all()
            assert 0.95 * bound < weight.abs().max() <= bound
            assert weight.var().item() == pytest.approx(bound**2 / 3, rel=0.2)


def test_the_mirror_goes_through_the_channels_backwards():
    decoder = ConvDecoder(2, SHAPE, channels=(3, 5), hidden=(11,), kernel=4)
    assert output_shapes(decoder, torch.zeros(1, 2)) == [
        (11,),
        (5 * 49,),
        (5, 14, 14),
        (3, 28, 28),
        (1, 28, 28),
    ]
    assert [layer.kernel_size for layer in weighted(decoder)[2:]] == [(4, 4), (4, 4), (3, 3)]  # type: ignore[union-attr]


def test_the_last_layer_is_linear_and_every_other_is_activated():
    torch.manual_seed(0)
    encoder = ConvEncoder(SHAPE, 2)
    decoder = ConvDecoder(2, SHAPE)
    assert (encoder(torch.randn(4, *SHAPE)) >= 0).all()
    assert (decoder(torch.randn(4, 2)) < 0).any()
    for net in (ConvEncoder(SHAPE, 2, batch_norm=True), ConvDecoder(2, SHAPE, batch_norm=True)):
        kinds = [type(layer) for layer in net.modules() if not list(layer.children())]
        assert all(
            kinds[i - 1] is nn.ReLU
            for i, kind in enumerate(kinds)
            if issubclass(kind, nn.modules.batchnorm._BatchNorm)
        )
    assert isinstance(list(ConvDecoder(2, SHAPE, batch_norm=True).stages)[-1], nn.ConvTranspose2d)


def test_vectors_are_refused():
    for make in (lambda: ConvEncoder((7,), 2), lambda: ConvDecoder(2, (7,))):
        with raises(ConfigError, "shape"):
            make()
