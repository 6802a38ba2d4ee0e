from typing import Any

import pytest
import torch
from torch import Tensor

from raising import raises
from vaekit.core.codebook import Quantized
from vaekit.errors import ConfigError
from vaekit.posteriors import VectorQuantized


def random(*shape: int) -> Tensor:
    return torch.randn(shape, dtype=torch.float64)


def double(values: list) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def quantizer(size: int = 2, **options: Any) -> VectorQuantized:
    """One that quantises the features themselves."""
    posterior = VectorQuantized(size, size, **({"codes": 4} | options)).double().train()
    posterior.load_state_dict(
        {"project.weight": torch.eye(size), "project.bias": torch.zeros(size)}, strict=False
    )
    return posterior


def after_first_batch(book: Tensor, **options: Any) -> VectorQuantized:
    """One that is past its first batch, with these codes, each used once."""
    posterior = quantizer(2, codes=len(book), **({"dead_code_threshold": 0.0} | options))
    posterior.latent.vectors = book
    posterior.totals = book.clone()
    posterior.usage = torch.ones(len(book)).double()
    return posterior


def is_among(vectors: Tensor, others: Tensor) -> Tensor:
    return (vectors.unsqueeze(-2) == others).all(-1).any(-1)


# --- The codebook ---------------------------------------------------------------------------------


def test_the_first_batch_gives_the_codes():
    posterior = quantizer()
    v = random(10, 2)
    assert is_among(posterior(v).mode, v).all()
    moved = quantizer(decay=0.5, dead_code_threshold=0.0)
    moved(v)
    z = moved(100 + random(10, 2)).mode
    assert not is_among(z, 100 + v).any() and (z < 10).all()  # the second batch does not


def test_codes_follow_the_moving_averages_of_assigned_vectors():
    decay = 0.8
    book = random(4, 2)
    posterior = after_first_batch(book, decay=decay)
    usage = [1.0] * 4
    totals = book.tolist()
    codes = book.tolist()
    for v in random(3, 10, 2):
        posterior(v)
        assigned = [
            min(range(4), key=lambda k: (row - double(codes[k])).norm().item()) for row in v
        ]
        for k in range(4):
            mine = [row.tolist() for row, a in zip(v, assigned, strict=True) if a == k]
            usage[k] = decay * usage[k] + (1 - decay) * len(mine)
            totals[k] = [
                decay * t + (1 - decay) * sum(row[i] for row in mine)
                for i, t in enumerate(totals[k])
            ]
            codes[k] = [t / usage[k] for t in totals[k]]
        torch.testing.assert_close(posterior.latent.vectors, double(codes))
        torch.testing.assert_close(posterior.usage, double(usage))


def test_without_memory_it_is_k_means():
    centers = double([[-5.0, 0.0], [5.0, 0.0], [0.0, 8.0]])
    v = (centers[:, None] + random(3, 20, 2)).flatten(0, 1)
    posterior = after_first_batch(v[[0, 20, 40]], decay=0.0)
    posterior(v)
    torch.testing.assert_close(posterior.latent.vectors, v.reshape(3, 20, 2).mean(1))


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_a_code_that_nothing_is_assigned_to_stays(decay: float):
    far = double([[50.0, 50.0]])
    posterior = after_first_batch(torch.cat([random(3, 2), far]), decay=decay)
    for _ in range(30):
        posterior(random(10, 2))
    torch.testing.assert_close(posterior.latent.vectors[3:], far)


def test_a_dead_code_moves_to_a_vector_of_the_batch():
    far = double([[50.0, 50.0]])
    posterior = after_first_batch(
        torch.cat([random(3, 2), far]), decay=0.5, dead_code_threshold=0.1
    )
    for usage in (0.5, 0.25, 0.125):
        posterior(random(20, 2))
        assert posterior.usage[3].item() == usage
        torch.testing.assert_close(posterior.latent.vectors[3:], far)
    v = random(20, 2)
    posterior(v)  # 0.0625 is less than 0.1
    assert posterior.usage[3].item() == 1
    assert is_among(posterior.latent.vectors[3], v)
    torch.testing.assert_close(posterior.totals[3], posterior.latent.vectors[3])


@pytest.mark.parametrize("groups", [1, 3])
def test_codes_start_at_different_vectors(groups: int):
    posterior = quantizer(2 * groups, codes=64, groups=groups)
    assert len(posterior.latent.vectors.unique(dim=0)) == 64
    posterior(random(2000, 2 * groups))
    assert len(posterior.latent.vectors.unique(dim=0)) > 56  # 64 draws of 2,000 or more vectors


@pytest.mark.parametrize("batches", [1, 3])
def test_codes_that_die_together_move_to_different_vectors(batches: int):
    dead = 50 + random(64, 2)
    book = torch.cat([double([[0.0, 0.0]]), dead])
    posterior = after_first_batch(book, decay=0.0, dead_code_threshold=0.1)
    for batch in range(batches):
        v = random(2000, 2) - 100 * batch  # far from all codes, most of which get no vector
        unused = ~torch.isin(torch.arange(65), posterior(v).indices)
        assert unused.any() and is_among(posterior.latent.vectors[unused], v).all()
        assert len(posterior.latent.vectors[unused].unique(dim=0)) > 0.85 * unused.sum()


def test_out_of_training_nothing_moves():
    posterior = quantizer(dead_code_threshold=0.5)
    posterior(random(10, 2))
    before = {name: value.clone() for name, value in posterior.state_dict().items()}
    posterior.eval()(random(10, 2))
    assert all(torch.equal(value, before[name]) for name, value in posterior.state_dict().items())


def test_the_codebook_is_kept_with_the_weights():
    posterior = quantizer()
    assert set(posterior.state_dict()) == {
        "project.weight",
        "project.bias",
        "latent.vectors",
        "usage",
        "totals",
    }
    posterior(random(10, 2))
    other = quantizer()
    v = random(10, 2)
    other.load_state_dict(posterior.state_dict())
    assert torch.equal(other(v).mode, posterior(v).mode)


def test_it_is_a_function_of_torchs_seed():
    batches = random(5, 10, 2)
    states = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        posterior = quantizer(codes=8, dead_code_threshold=0.5)
        for v in batches:
            posterior(v)
        states.append(posterior.latent.vectors)
    assert torch.equal(states[0], states[1]) and not torch.equal(states[0], states[2])


# --- The posterior --------------------------------------------------------------------------------


def by_hand(v: Tensor, book: Tensor) -> Tensor:
    return book[torch.cdist(v, book).argmin(-1)]


def test_each_group_takes_the_nearest_of_the_same_codes():
    book = random(4, 2)
    v = random(7, 6)
    posterior = VectorQuantized(6, 6, codes=4, groups=3).double().eval()
    posterior.load_state_dict(
        {"project.weight": torch.eye(6), "project.bias": torch.zeros(6), "latent.vectors": book},
        strict=False,
    )
    assert posterior.latent.shape == (6,) and posterior.latent.shared
    torch.testing.assert_close(
        posterior(v).sample(), by_hand(v.reshape(7, 3, 2), book).flatten(1), rtol=0, atol=0
    )


def test_a_map_of_features_gives_a_map_of_codes():
    posterior = VectorQuantized((5, 2, 3), 4, codes=8, groups=2).double().eval()
    h = random(7, 5, 2, 3)
    q = posterior(h)
    assert q.event_shape == (4, 2, 3) and q.indices.shape == (7, 12)
    v = posterior.project(h).permute(0, 2, 3, 1).unflatten(-1, (2, 2))  # [B, h, w, groups, d]
    expected = by_hand(v, posterior.latent.vectors).flatten(-2).permute(0, 3, 1, 2)
    assert torch.equal(q.sample(), expected)


def commitment(q: Quantized) -> Tensor:
    return q.penalties["commitment"]


def test_the_penalty_is_the_squared_distance_and_pulls_at_the_encoder_only():
    book = random(4, 2)
    v = random(7, 2).requires_grad_()
    q = after_first_batch(book, commitment=0.3).eval()(v)
    expected = 0.3 * (v - by_hand(v.detach(), book)).square().sum() / 7
    torch.testing.assert_close(commitment(q), expected)
    (slope,) = torch.autograd.grad(commitment(q), v)
    torch.testing.assert_close(slope, 0.6 * (v - by_hand(v.detach(), book)).detach() / 7)
    assert not book.requires_grad


def test_the_penalty_sums_over_groups():
    posterior = quantizer(6, groups=3, commitment=1.0).eval()
    v = random(7, 6)
    q = posterior(v)
    torch.testing.assert_close(commitment(q), (v - q.mode).square().sum(1).mean())


def test_the_gradient_of_the_sample_passes_to_the_encoder():
    posterior = quantizer()
    v = random(7, 2).requires_grad_()
    slope = random(7, 2)
    (posterior(v).rsample() * slope).sum().backward()
    torch.testing.assert_close(v.grad, slope)


def test_while_the_codes_move_the_sample_keeps_its_density():
    posterior = quantizer(codes=16, decay=0.0, dead_code_threshold=0.0)
    for _ in range(5):
        q = posterior(random(40, 2))
        for z in (q.rsample((2,)), q.sample((2,)), q.mode):
            assert not q.log_prob(z).any()


def test_groups_that_do_not_divide_are_refused():
    with raises(ConfigError, "posterior.groups"):
        VectorQuantized(16, 8, groups=3)
