import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from raising import raises
from vaekit.errors import ConfigError
from vaekit.nets import ResNetDecoder, ResNetEncoder
from vaekit.nets.conv import pyramid
from vaekit.nets.resnet import Residual, norm_and_activation

SHAPE = (3, 12, 20)


def parts(net: nn.Module, kind: type[nn.Module] | tuple[type[nn.Module], ...]) -> list[nn.Module]:
    return [layer for layer in net.modules() if isinstance(layer, kind)]


def count(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


# --- Counts and shapes ----------------------------------------------------------------------------


def conv(c_in: int, c_out: int, kernel: int = 3) -> int:
    return c_in * c_out * kernel**2 + c_out


def residual(c: int) -> int:
    return 2 * (2 * c + conv(c, c))


def test_the_weights_are_those_of_the_pyramid_its_blocks_and_the_dense_layers():
    encoder = ResNetEncoder(SHAPE, 4, channels=(8, 16), blocks=2, hidden=(7,), kernel=4)
    decoder = ResNetDecoder(4, SHAPE, channels=(8, 16), blocks=2, hidden=(7,), kernel=4)
    flat = 16 * 3 * 5
    blocks = 2 * residual(8) + 2 * residual(16)
    assert count(encoder) == conv(3, 8, 4) + conv(8, 16, 4) + blocks + 2 * 16 + (flat * 7 + 7)
    dense = (4 * 7 + 7) + (7 * flat + flat)
    assert count(decoder) == dense + blocks + conv(16, 8, 4) + conv(8, 8, 4) + 2 * 8 + conv(8, 3)


def test_the_default_has_one_block_per_stage_and_the_last_map_as_features():
    encoder = ResNetEncoder((3, 64, 64), 32)
    decoder = ResNetDecoder(32, (3, 64, 64))
    assert encoder.channels == decoder.channels == (32, 64, 128, 256)
    assert len(parts(encoder, Residual)) == len(parts(decoder, Residual)) == 4
    assert encoder(torch.zeros(2, 3, 64, 64)).shape == (2, 256 * 4 * 4)
    assert decoder(torch.zeros(2, 32)).shape == (2, 3, 64, 64)


@settings(deadline=None, max_examples=60)
@given(
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    depth=st.integers(0, 4),
    kernel=st.integers(2, 5),
    width=st.integers(1, 3),
    examples=st.integers(1, 2),
)
def test_any_size_returns_to_itself(
    size: tuple[int, int], depth: int, kernel: int, width: int, examples: int
):
    shape = (3, *size)
    channels = (width,) * depth
    encoder = ResNetEncoder(shape, 2, channels=channels, kernel=kernel)
    decoder = ResNetDecoder(2, shape, channels=channels, kernel=kernel)
    flat = (width if depth else 3) * math.prod(pyramid(size, depth)[-1])
    assert encoder(torch.randn(examples, *shape)).shape == (examples, flat)
    assert decoder(torch.randn(examples, 2)).shape == (examples, *shape)


# --- Blocks and their start -----------------------------------------------------------------------


@pytest.mark.parametrize(("channels", "groups"), [(16, 1), (32, 2), (256, 16), (24, 1), (3, 1)])
def test_sixteen_channels_are_normalized_together(channels: int, groups: int):
    norm = norm_and_activation(channels, "relu")[0]
    x = 5 + 3 * torch.randn(4, channels, 6, 7, dtype=torch.float64)
    y = norm.double()(x).reshape(4, groups, -1)
    torch.testing.assert_close(
        y.mean(-1), torch.zeros(4, groups, dtype=torch.float64), atol=1e-9, rtol=0
    )
    torch.testing.assert_close(
        y.var(-1, correction=0), torch.ones(4, groups, dtype=torch.float64), atol=1e-4, rtol=0
    )


def test_a_single_value_is_left_as_it_is():
    x = torch.randn(1, 1, 1, 1)
    torch.testing.assert_close(nn.Sequential(*norm_and_activation(1, "relu"))(x), x.relu())


def test_a_block_begins_close_to_the_identity_and_every_weight_has_a_gradient():
    torch.manual_seed(0)
    net = ResNetEncoder(SHAPE, 4, channels=(8, 8), blocks=3)
    x = torch.randn(2, 8, 5, 5)
    for block in parts(net, Residual):
        assert 0.01 < (block(x) - x).std() < 0.2
    net(torch.randn(4, *SHAPE)).square().sum().backward()
    silent = [
        name for name, p in net.named_parameters() if p.grad is None or not (p.grad != 0).any()
    ]
    assert silent == []


def test_features_keep_their_size_at_any_depth():
    torch.manual_seed(0)
    spreads = [
        ResNetEncoder(SHAPE, 4, channels=(32,), blocks=blocks)
        .stages[:-2](torch.randn(8, *SHAPE))
        .std()
        for blocks in (1, 32)
    ]
    assert 1 <= spreads[1] / spreads[0] < 2


@pytest.mark.parametrize("blocks", [1, 8])
def test_images_begin_near_zero_at_any_depth(blocks: int):
    torch.manual_seed(0)
    images = ResNetDecoder(32, (3, 64, 64), blocks=blocks)(torch.randn(4, 32))
    assert 0.01 < images.std() < 0.2
    assert images.mean().abs() < 0.05


def test_examples_are_independent_and_training_computes_as_evaluation_does():
    torch.manual_seed(0)
    for net, x in (
        (ResNetEncoder(SHAPE, 4, channels=(8, 8)).double(), torch.randn(3, *SHAPE).double()),
        (ResNetDecoder(4, SHAPE, channels=(8, 8)).double(), torch.randn(3, 4).double()),
    ):
        together = net.train()(x)
        torch.testing.assert_close(net.eval()(x), together)
        torch.testing.assert_close(torch.cat([net(example[None]) for example in x]), together)


def test_bfloat16_computes_the_same_but_for_rounding():
    torch.manual_seed(0)
    encoder = ResNetEncoder(SHAPE, 4, channels=(8, 8))
    x = torch.randn(2, *SHAPE)
    with torch.autocast("cpu", torch.bfloat16):
        rough = encoder(x)
    torch.testing.assert_close(rough.float(), encoder(x), atol=0.1, rtol=0.1)


def test_vectors_are_refused():
    for make in (lambda: ResNetEncoder((7,), 2), lambda: ResNetDecoder(2, (7,))):
        with raises(ConfigError, "shape"):
            make()
