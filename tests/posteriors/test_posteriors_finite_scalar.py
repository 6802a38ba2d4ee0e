import math
from fractions import Fraction

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from raising import raises
from vaekit.errors import ConfigError
from vaekit.posteriors import FiniteScalar

FEATURES = 4


def features(examples: int = 50) -> Tensor:
    return 3 * torch.randn(examples, FEATURES, dtype=torch.float64)


def finite_scalar(levels: tuple[int, ...] = (8, 5, 3), groups: int = 1) -> FiniteScalar:
    return FiniteScalar(FEATURES, groups * len(levels), levels=levels).double()


LEVELS = st.lists(st.integers(2, 9), min_size=1, max_size=3).map(tuple)


@given(levels=LEVELS, groups=st.integers(1, 3))
def test_every_number_is_the_nearest_of_its_levels(levels: tuple[int, ...], groups: int):
    posterior = finite_scalar(levels, groups)
    h = features()
    squashed = torch.tanh(posterior.project(h)).detach().unflatten(1, (groups, len(levels)))
    z = posterior(h).sample().unflatten(1, (groups, len(levels)))
    for i, count in enumerate(levels):
        exact = torch.tensor(
            [float(Fraction(2 * k, count - 1) - 1) for k in range(count)], dtype=torch.float64
        )
        nearest = exact[(squashed[..., i, None] - exact).abs().argmin(-1)]
        torch.testing.assert_close(
            z[..., i], nearest, rtol=0, atol=1e-7
        )  # the levels come from single precision


@given(levels=LEVELS, groups=st.integers(1, 3))
def test_the_indices_are_those_of_the_nearest_codes(levels: tuple[int, ...], groups: int):
    posterior = finite_scalar(levels, groups)
    h = features()
    q = posterior(h)
    codes = posterior.latent
    assert codes.count == math.prod(levels) == len(codes.vectors.unique(dim=0))
    assert (codes.shape, codes.shared) == ((groups * len(levels),), True)
    assert torch.equal(q.indices, codes.nearest(torch.tanh(codes.split(posterior.project(h)))))
    assert torch.equal(q.indices, codes.indices(q.sample()))


def test_every_code_can_be_reached():
    posterior = finite_scalar((4, 3))
    with torch.no_grad():
        posterior.project.weight.mul_(5)
    assert posterior(features(2000)).indices.unique().tolist() == list(range(12))


def test_a_map_of_features_gives_codes_at_each_pixel():
    posterior = FiniteScalar((FEATURES, 2, 3), 4, levels=(5, 3)).double()
    h = torch.randn(7, FEATURES, 2, 3, dtype=torch.float64)
    z = posterior(h).sample()
    assert z.shape == (7, 4, 2, 3) and posterior(h).indices.shape == (7, 12)
    fine = z[:, ::2] * 2
    coarse = z[:, 1::2]  # five levels: steps of a half; three: of one
    assert torch.equal(fine, fine.round()) and torch.equal(coarse, coarse.round())
    assert (fine.abs().max(), coarse.abs().max()) == (2, 1)


def test_the_gradient_passes_the_rounding_as_if_it_were_not_there():
    posterior = finite_scalar()
    h = features(5)
    slope = torch.randn(5, 3, dtype=torch.float64)
    gradients = torch.autograd.grad(
        (posterior(h).rsample() * slope).sum(), list(posterior.parameters())
    )
    smooth = torch.autograd.grad(
        (torch.tanh(posterior.project(h)) * slope).sum(), list(posterior.parameters())
    )
    for ours, theirs in zip(gradients, smooth, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_the_codes_are_not_saved_with_the_weights():
    assert set(finite_scalar().state_dict()) == {"project.weight", "project.bias"}


def test_a_latent_that_is_no_multiple_is_refused():
    with raises(ConfigError, "latent_dim"):
        FiniteScalar(FEATURES, 5, levels=(8, 5))


def test_too_many_codes_are_refused():
    with raises(ConfigError, "posterior.levels"):
        FiniteScalar(FEATURES, 2, levels=(256, 257))
    assert FiniteScalar(FEATURES, 2, levels=(256, 256)).latent.count == 65_536
