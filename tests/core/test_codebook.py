import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.distributions import Categorical, kl_divergence

from vaekit.core import divergences
from vaekit.core.codebook import Codebook, IndependentCodes, Quantized
from vaekit.priors import Autoregressive


def random(*shape: int) -> Tensor:
    return torch.randn(shape, dtype=torch.float64)


def small(count: int = 3, d: int = 2, groups: int = 2, map: tuple[int, ...] = (2,)) -> Codebook:
    return Codebook(random(count, d), groups, map)


def every(codes: Codebook) -> Tensor:
    """The indices of all K^M values of z, [K^M, M]."""
    return torch.tensor(list(itertools.product(range(codes.count), repeat=codes.positions)))


@st.composite
def any_codes(draw: st.DrawFn) -> Codebook:
    map = draw(st.lists(st.integers(1, 3), max_size=2))
    return small(
        draw(st.integers(2, 6)), draw(st.integers(1, 4)), draw(st.integers(1, 4)), tuple(map)
    )


LEADS = st.lists(st.integers(1, 3), max_size=2)

# --- Codebook -------------------------------------------------------------------------------------


@given(codes=any_codes(), lead=LEADS)
def test_split_and_join_are_inverse(codes: Codebook, lead: list[int]):
    z = random(*lead, *codes.shape)
    vectors = random(*lead, codes.positions, codes.vectors.shape[1])
    assert codes.split(z).shape == vectors.shape and codes.join(vectors).shape == z.shape
    assert torch.equal(codes.join(codes.split(z)), z)
    assert torch.equal(codes.split(codes.join(vectors)), vectors)


@given(codes=any_codes(), lead=LEADS)
def test_embed_and_indices_are_inverse(codes: Codebook, lead: list[int]):
    indices = torch.randint(codes.count, (*lead, codes.positions))
    z = codes.embed(indices)
    assert z.shape == (*lead, *codes.shape)
    assert torch.equal(codes.indices(z), indices)
    assert torch.equal(codes.split(z), codes.vectors[indices])


@pytest.mark.parametrize(("offset", "spread"), [(0.0, 1.0), (10.0, 0.01), (100.0, 0.05)])
def test_codes_far_from_the_origin_are_distinguished(offset: float, spread: float):
    codebook = Codebook(offset + spread * torch.randn(256, 16), groups=1)  # in float32
    assert torch.equal(codebook.nearest(codebook.vectors), torch.arange(256))


@given(codes=any_codes())
def test_the_nearest_is_the_nearest(codes: Codebook):
    vectors = random(4, 5, codes.vectors.shape[1])
    distances = (vectors.unsqueeze(-2) - codes.vectors).norm(dim=-1)
    assert torch.equal(codes.nearest(vectors), distances.argmin(-1))


def test_the_nearest_of_several_chunks_is_the_nearest():
    codes = Codebook(random(65_536, 3), groups=1)
    indices = torch.randint(65_536, (700,))
    vectors = codes.vectors[indices] + 1e-7 * random(700, 3)
    assert torch.equal(codes.nearest(vectors), indices)


def test_positions_go_pixel_by_pixel_and_within_one_group_by_group():
    codes = Codebook(random(4, 3), groups=2, map=(2, 5))
    z = random(*codes.shape)
    assert (codes.positions, codes.shape) == (20, (6, 2, 5))
    for (row, column), group in itertools.product(itertools.product(range(2), range(5)), range(2)):
        position = (row * 5 + column) * 2 + group
        assert torch.equal(codes.split(z)[position], z[3 * group : 3 * group + 3, row, column])


def test_near_codes_are_distinguished_in_mixed_precision():
    codes = Codebook(torch.linspace(-1, 1, 1000).unsqueeze(1), groups=1000)
    indices = torch.arange(1000)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(codes.indices(codes.embed(indices)), indices)


def test_learned_codes_are_saved_with_the_weights():
    assert set(Codebook(random(3, 2), 1, learned=True).state_dict()) == {"vectors"}
    assert set(Codebook(random(3, 2), 1).state_dict()) == set()


# --- Independent codes ----------------------------------------------------------------------------


def independent(codes: Codebook, *batch: int) -> IndependentCodes:
    return IndependentCodes(codes, 2 * random(*batch, codes.positions, codes.count))


def enumerated(q: IndependentCodes) -> tuple[Tensor, Tensor]:
    """All z [K^M, 1, *shape], and their probabilities [K^M, B] as products of those of q."""
    indices = every(q.codebook)
    probabilities = q.probs[:, torch.arange(q.codebook.positions), indices].prod(-1).T
    return q.codebook.embed(indices).unsqueeze(1), probabilities


def test_the_probabilities_of_all_codes_sum_to_one():
    q = independent(small(), 5)
    z, probabilities = enumerated(q)
    torch.testing.assert_close(q.log_prob(z), probabilities.log())
    torch.testing.assert_close(q.log_prob(z).exp().sum(0), torch.ones(5, dtype=torch.float64))


def test_a_constant_on_the_logits_changes_nothing():
    codes = small()
    logits = random(5, 4, 3)
    shifted = IndependentCodes(codes, logits + random(5, 4, 1))
    torch.testing.assert_close(shifted.logits, IndependentCodes(codes, logits).logits)


def test_moments_are_those_of_the_enumeration():
    q = independent(small(d=3), 5)
    z, probabilities = enumerated(q)
    weights = probabilities.reshape(*probabilities.shape, 1, 1)
    mean = (weights * z).sum(0)
    torch.testing.assert_close(q.mean, mean)
    torch.testing.assert_close(q.variance, (weights * (z - mean).square()).sum(0))
    torch.testing.assert_close(q.mode, z[probabilities.argmax(0), 0])
    torch.testing.assert_close(q.entropy(), -(probabilities * probabilities.log()).sum(0))


def test_the_divergence_is_torchs_by_position_and_the_enumerations_in_sum():
    codes = small()
    q = independent(codes, 5)
    for p in (independent(codes), independent(codes, 5)):
        exact = divergences.closed_form(q, p)
        assert exact is not None
        torch.testing.assert_close(
            exact, kl_divergence(Categorical(logits=q.logits), Categorical(logits=p.logits))
        )
        z, probabilities = enumerated(q)
        torch.testing.assert_close(
            exact.sum(-1), (probabilities * (q.log_prob(z) - p.log_prob(z))).sum(0)
        )


def test_densities_broadcast_over_samples_and_batch():
    codes = small()
    z = codes.embed(torch.randint(3, (7, 5, 4)))
    alone = independent(codes)
    batched = independent(codes, 5)
    assert (alone.batch_shape, batched.batch_shape) == ((), (5,))
    assert alone.log_prob(z).shape == batched.log_prob(z).shape == (7, 5)
    torch.testing.assert_close(alone.log_prob(z)[6, 3], alone.log_prob(z[6, 3]))
    row = IndependentCodes(codes, batched.logits[3])
    torch.testing.assert_close(batched.log_prob(z)[6, 3], row.log_prob(z[6, 3]))
    assert alone.sample((7, 5)).shape == batched.sample((7,)).shape == z.shape


def test_samples_follow_the_probabilities():
    q = independent(small(groups=1), 2)
    count = 20_000
    z, probabilities = enumerated(q)
    same = (q.sample((count,)).unsqueeze(0) == z.unsqueeze(1)).flatten(3).all(-1)  # [K^M, count, B]
    error = (probabilities * (1 - probabilities) / count).sqrt()
    assert ((same.double().mean(1) - probabilities).abs() < 5 * error + 5 / count).all()


# --- All mass on one z ----------------------------------------------------------------------------


def quantized(codes: Codebook, examples: int = 5) -> tuple[Quantized, Tensor]:
    vectors = random(examples, codes.positions, codes.vectors.shape[1]).requires_grad_()
    return Quantized(codes, codes.nearest(vectors), vectors), vectors


def test_all_mass_is_on_the_nearest_codes():
    codes = small()
    q, vectors = quantized(codes)
    z = codes.embed(every(codes)).unsqueeze(1)
    chosen = (every(codes).unsqueeze(1) == codes.nearest(vectors)).all(-1)
    assert torch.equal(q.log_prob(z), torch.where(chosen, 0.0, -math.inf).double())
    assert (q.log_prob(z).exp().sum(0) == 1).all()
    for same in (q.mean, q.mode, q.sample(), q.rsample(), q.sample((3,))[2], q.rsample((3,))[2]):
        assert torch.equal(same, codes.embed(q.indices))
    assert not q.variance.any() and not q.entropy().any() and q.entropy().shape == (5,)


def test_the_gradient_passes_straight_through():
    codes = small()
    q, vectors = quantized(codes)
    slope = random(3, 5, *codes.shape)
    (q.rsample((3,)) * slope).sum().backward()
    assert vectors.grad is not None
    torch.testing.assert_close(vectors.grad, codes.split(slope).sum(0), rtol=0, atol=1e-14)
    assert not q.sample().requires_grad and not q.mean.requires_grad


def test_its_divergence_is_minus_log_p():
    codes = small()
    q, _ = quantized(codes)
    prior = Autoregressive(codes, width=8, layers=1, heads=2).double()
    torch.nn.init.normal_(prior.logits.weight)
    for p in (independent(codes), independent(codes, 5), prior()):
        exact = divergences.closed_form(q, p)
        assert exact is not None and exact.shape == (5, codes.positions)
        torch.testing.assert_close(exact.sum(-1), -p.log_prob(q.mode))
        torch.testing.assert_close(
            divergences.monte_carlo(q, p, q.sample((2,))).sum(-1)[1], exact.sum(-1)
        )


def test_it_keeps_its_z_if_the_codes_change():
    codes = small()
    q, _ = quantized(codes)
    z = codes.embed(q.indices)
    codes.vectors = codes.vectors.flip(0) + 1
    assert torch.equal(q.mode, z) and torch.equal(q.sample(), z) and torch.equal(q.rsample(), z)
    assert not q.log_prob(z).any()
