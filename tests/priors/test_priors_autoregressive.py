import itertools
import math

import pytest
import torch
from torch import Tensor, nn

from raising import raises
from vaekit.core.codebook import Codebook
from vaekit.errors import ConfigError
from vaekit.priors import Autoregressive

K = 3
M = 4
C = 2
CODES = Codebook(
    torch.randn(K, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64),
    groups=2,
    map=(2,),
)
EVERY = torch.tensor(list(itertools.product(range(K), repeat=M)))


def small(condition: int = 0, codes: Codebook = CODES) -> Autoregressive:
    return Autoregressive(codes, condition, width=8, layers=2, heads=2).double()


def random(condition: int = 0) -> Autoregressive:
    """A prior with random weights: every code depends on the codes before it and the condition."""
    prior = small(condition)
    for weight in prior.parameters():
        nn.init.normal_(weight, std=0.5)
    nn.init.normal_(prior.start.weight, std=3.0)
    nn.init.zeros_(prior.logits.bias)
    return prior


def classes(examples: int) -> Tensor:
    return torch.eye(C, dtype=torch.float64)[torch.arange(examples) % C]


def log_p(prior: Autoregressive, features: Tensor | None = None) -> Tensor:
    """log p of all K^M codes, [K^M] or [K^M, B]."""
    z = CODES.embed(EVERY)
    return (
        prior(features)
        .log_prob(z if features is None else z.unsqueeze(1).expand(-1, len(features), -1, -1))
        .detach()
    )


# --- Probabilities --------------------------------------------------------------------------------


def test_the_probabilities_of_all_codes_sum_to_one():
    log_probs = log_p(random())
    assert log_probs.std() > 0.3  # far from uniform
    assert log_probs.exp().sum().item() == pytest.approx(1, abs=1e-12)


def test_every_position_has_a_place_of_its_own():
    prior = random()
    for position in range(M):
        before = log_p(prior)
        with torch.no_grad():
            prior.place[position] += torch.randn(prior.width, dtype=torch.float64)
        assert (log_p(prior) - before).abs().max() > 1e-3


def test_it_starts_uniform():
    torch.testing.assert_close(
        log_p(small()), torch.full_like(log_p(small()), -M * math.log(K)), rtol=1e-15, atol=0
    )


def test_a_code_depends_on_those_before_it_only():
    prior = random()
    first = torch.randint(K, (20, M))
    for m in range(M):
        other = first.clone()
        other[:, m:] = (other[:, m:] + torch.randint(1, K, (20, M - m))) % K
        before = prior.log_probs(first)
        after = prior.log_probs(other)
        torch.testing.assert_close(before[:, : m + 1], after[:, : m + 1], rtol=0, atol=1e-12)
        assert m + 1 == M or ((before - after)[:, m + 1 :].abs().amax(-1) > 1e-3).all()


def test_the_beginning_is_enough_for_the_next():
    prior = random()
    indices = torch.randint(K, (20, M))
    complete = prior.log_probs(indices)
    for n in range(M):
        torch.testing.assert_close(
            prior.log_probs(indices[:, :n]), complete[:, : n + 1], rtol=0, atol=1e-12
        )


def test_the_density_is_the_product_of_the_conditionals():
    prior = random()
    indices = torch.randint(K, (7, 5, M))
    by_position = prior().log_prob_of(indices)
    assert by_position.shape == indices.shape
    expected = prior.log_probs(indices[6]).gather(-1, indices[6].unsqueeze(-1)).squeeze(-1)
    torch.testing.assert_close(by_position[6], expected)
    torch.testing.assert_close(prior().log_prob(CODES.embed(indices)), by_position.sum(-1))
    torch.testing.assert_close(
        prior().log_prob(CODES.embed(indices[6, 4])), by_position[6, 4].sum()
    )


# --- Samples --------------------------------------------------------------------------------------


def frequencies(z: Tensor) -> Tensor:
    """How often each of the K^M codes is in z [N, *shape]."""
    numbers = (CODES.indices(z) * K ** torch.arange(M - 1, -1, -1)).sum(-1)
    return torch.bincount(numbers, minlength=K**M) / len(z)


def test_samples_follow_the_probabilities():
    prior = random()
    count = 20_000
    probabilities = log_p(prior).exp()
    z = prior().sample((count,))
    assert z.shape == (count, *CODES.shape) and not z.requires_grad
    error = (probabilities * (1 - probabilities) / count).sqrt()
    assert ((frequencies(z) - probabilities).abs() < 5 * error + 5 / count).all()
    assert (
        probabilities - 1 / K**M
    ).abs().max() > 10 * error.max()  # so that uniform samples would be seen


# --- Conditions -----------------------------------------------------------------------------------


def test_each_example_has_the_density_of_its_condition():
    prior = random(C)
    p = prior(classes(5))
    assert (p.batch_shape, p.event_shape) == ((5,), CODES.shape)
    together = log_p(prior, classes(5))
    torch.testing.assert_close(together.exp().sum(0), torch.ones(5).double())
    for example in range(5):
        alone = log_p(prior, classes(5)[example : example + 1]).squeeze(-1)
        torch.testing.assert_close(together[:, example], alone)
    assert (together[:, 0] - together[:, 1]).abs().max() > 0.1


def test_each_example_has_the_samples_of_its_condition():
    prior = random(C)
    count = 20_000
    probabilities = log_p(prior, classes(2)).exp()
    z = prior(classes(2)).sample((count,))
    assert z.shape == (count, 2, *CODES.shape)
    error = (probabilities * (1 - probabilities) / count).sqrt()
    sampled = torch.stack([frequencies(z[:, example]) for example in range(2)], 1)
    assert ((sampled - probabilities).abs() < 5 * error + 5 / count).all()
    swapped = probabilities.flip(1)
    assert not (
        (sampled - swapped).abs() < 5 * error + 5 / count
    ).all()  # so that examples in the wrong order would be seen


# --- Learning -------------------------------------------------------------------------------------


def test_it_learns_dependence_on_the_codes_before():
    prior = small()
    indices = torch.randint(K, (64, 1)).expand(
        -1, M
    )  # all codes the same: only the first is uncertain
    optimizer = torch.optim.Adam(prior.parameters(), lr=0.01)
    for _ in range(60):
        optimizer.zero_grad()
        (-prior().log_prob_of(indices).sum(-1).mean()).backward()
        optimizer.step()
    assert prior().log_prob_of(indices)[:, 0].mean().item() == pytest.approx(-math.log(K), abs=0.1)
    assert (prior().log_prob_of(indices)[:, 1:] > -0.2).all()


def test_while_it_is_deferred_it_is_uniform():
    prior = random(C)
    prior.deferred = True
    p = prior(classes(5))
    uniform = torch.full((20,), -M * math.log(K), dtype=torch.float64)
    torch.testing.assert_close(p.log_prob(CODES.embed(EVERY[:20])), uniform)
    assert not p.log_prob(CODES.embed(EVERY[0])).requires_grad
    prior.deferred = False
    assert (prior(classes(1)).log_prob(CODES.embed(EVERY[:20])) - uniform).abs().max() > 0.1


def test_the_codes_are_not_saved_with_its_weights():
    learned = Codebook(torch.randn(K, 2), 2, learned=True)
    prior = Autoregressive(learned, width=8, layers=1, heads=2)
    assert not any("vectors" in name for name in prior.state_dict())
    learned.vectors = learned.vectors + 1  # as the posterior's codebook moves
    z = prior().sample((4,))
    assert torch.equal(learned.embed(learned.indices(z)), z)


# --- Errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("latent", [2, (2, 7, 7)])
def test_a_continuous_latent_is_refused(latent):
    with raises(ConfigError, "prior"):
        Autoregressive(latent)


def test_heads_that_do_not_divide_are_refused():
    with raises(ConfigError, "prior.heads"):
        Autoregressive(CODES, heads=3)
