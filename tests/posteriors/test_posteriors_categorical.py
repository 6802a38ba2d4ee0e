import itertools
from typing import Literal

import pytest
import torch
from torch import Tensor

from vaekit.core.codebook import Codebook
from vaekit.posteriors import Categorical
from vaekit.posteriors.categorical import GumbelSoftmaxCodes

FEATURES = 4
GRADIENTS: list[Literal["gumbel-softmax", "straight-through"]] = [
    "gumbel-softmax",
    "straight-through",
]


def categorical(latent: int = 2, classes: int = 3, **options) -> Categorical:
    return Categorical(FEATURES, latent, classes=classes, **options).double()


def features(examples: int = 5) -> Tensor:
    return torch.randn(examples, FEATURES, dtype=torch.float64)


def follows(indices: Tensor, q: GumbelSoftmaxCodes) -> bool:
    """Whether the frequencies of indices [N, B, M] are those of q within five standard errors."""
    counts = (indices.unsqueeze(-1) == torch.arange(q.codebook.count)).double().mean(0)
    return bool(
        ((counts - q.probs).abs() < 5 * (q.probs * (1 - q.probs) / len(indices)).sqrt()).all()
    )


# --- Samples --------------------------------------------------------------------------------------


def test_out_of_training_samples_are_one_hot_and_follow_q():
    q = categorical().eval()(features())
    for z in (q.rsample((20_000,)), q.sample((20_000,))):
        assert ((z == 0) | (z == 1)).all()
        onehot = q.codebook.split(z)
        assert (onehot.sum(-1) == 1).all()
        assert follows(onehot.argmax(-1), q)


def test_variables_are_sampled_independently():
    q = categorical().eval()(features(1))
    first, second = q.codebook.split(q.rsample((20_000,)))[:, 0].argmax(-1).T
    for a, b in itertools.product(range(3), repeat=2):
        joint = (q.probs[0, 0, a] * q.probs[0, 1, b]).item()
        frequency = ((first == a) & (second == b)).double().mean().item()
        assert abs(frequency - joint) < 5 * (joint * (1 - joint) / 20_000) ** 0.5


@pytest.mark.parametrize("temperature", [0.3, 1.0, 5.0])
def test_relaxed_samples_lie_inside_the_simplex_and_their_largest_entries_follow_q(
    temperature: float,
):
    q = categorical(temperature=temperature).train()(features())
    z = q.codebook.split(q.rsample((20_000,)))
    assert (z >= 0).all() and ((z > 0) & (z < 1)).double().mean() > 0.9  # the rest is rounding
    torch.testing.assert_close(z.sum(-1), torch.ones_like(z[..., 0]))
    assert follows(z.argmax(-1), q)


def test_straight_through_samples_are_the_largest_entries_of_the_relaxed_ones():
    posterior = categorical().train()
    h = features()
    torch.manual_seed(1)
    soft = posterior(h).rsample((50,))
    posterior.gradient = "straight-through"
    torch.manual_seed(1)
    hard = posterior(h).rsample((50,))
    assert ((hard == 0) | (hard == 1)).all()
    split = posterior.latent.split
    assert torch.equal(split(hard).argmax(-1), split(soft).argmax(-1))


def test_probabilities_are_the_softmax_of_a_linear_layer():
    posterior = categorical()
    h = features()
    weights = dict(posterior.named_parameters())
    expected = (
        (h @ weights["logits.weight"].T + weights["logits.bias"]).reshape(5, 2, 3).softmax(-1)
    )
    torch.testing.assert_close(posterior(h).probs, expected)
    torch.testing.assert_close(posterior(h).mean, expected.flatten(1))


def test_a_map_of_features_gives_variables_at_each_pixel():
    posterior = Categorical((FEATURES, 2, 3), 2, classes=5).double().eval()
    h = torch.randn(7, FEATURES, 2, 3, dtype=torch.float64)
    q = posterior(h)
    assert q.event_shape == (10, 2, 3) and q.probs.shape == (7, 12, 5)
    assert (q.sample().unflatten(1, (2, 5)).sum(2) == 1).all()
    logits = posterior.logits(h)[3, 5:, 1, 2]  # the second variable at the last pixel
    torch.testing.assert_close(q.probs[3, 11], logits.softmax(0))


# --- Temperature ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("progress", "temperature"), [(0.0, 2.0), (0.5, 1.0), (1.0, 0.5)])
def test_the_temperature_falls_exponentially(progress: float, temperature: float):
    posterior = categorical(temperature=2.0, final_temperature=0.5).train()
    h = features()
    torch.manual_seed(1)
    at_two = posterior(h).rsample((4,))
    posterior.anneal(progress)
    torch.manual_seed(1)
    z = posterior(h).rsample((4,))
    split = posterior.latent.split
    differences = [
        split(each).log().diff(dim=-1) for each in (at_two, z)
    ]  # (log q + noise)_i - (log q + noise)_j, over T
    torch.testing.assert_close(differences[1] * temperature, differences[0] * 2.0)


# --- Gradients ------------------------------------------------------------------------------------

CODES = Codebook(torch.eye(3, dtype=torch.float64), 2)
LOGITS = torch.tensor([[0.5, -0.3, 0.1], [-1.0, 0.2, 0.4]], dtype=torch.float64)
TARGET = torch.tensor([0.3, 0.9, -0.4, 1.2, 0.1, 0.5], dtype=torch.float64)


def cost(z: Tensor) -> Tensor:
    """Smooth, and not linear: the two variables interact."""
    return (z - TARGET).square().sum(-1) + torch.sin(2 * (z * TARGET.flip(0)).sum(-1))


def exact() -> Tensor:
    logits = LOGITS.clone().requires_grad_()
    probs = logits.softmax(-1)
    terms = [
        probs[0, a] * probs[1, b] * cost(CODES.embed(torch.tensor([a, b])))
        for a, b in itertools.product(range(3), repeat=2)
    ]
    return torch.autograd.grad(torch.stack(terms).sum(), logits)[0]


def pathwise(temperature: float, draws: int = 100_000) -> Tensor:
    logits = LOGITS.clone().requires_grad_()
    q = GumbelSoftmaxCodes(CODES, logits, temperature, hard=False)
    return torch.autograd.grad(cost(q.rsample((draws,))).mean(), logits)[0]


def relative_error(gradient: Tensor) -> float:
    return ((gradient - exact()).norm() / exact().norm()).item()


def test_the_bias_of_the_relaxed_gradient_falls_with_the_temperature():
    assert relative_error(pathwise(2.0)) > 0.3
    assert relative_error(pathwise(0.1)) < 0.05  # a bias of order T, and about 1 % of noise


@pytest.mark.parametrize("gradient", GRADIENTS)
def test_the_gradient_reaches_the_features(gradient):
    posterior = categorical(gradient=gradient).train()
    h = features().requires_grad_()
    cost(posterior(h).rsample((3,))).sum().backward()
    assert h.grad is not None and torch.isfinite(h.grad).all() and h.grad.abs().sum() > 0


def test_straight_through_has_the_gradient_of_the_relaxed_sample():
    gradients = []
    for hard in (False, True):
        logits = LOGITS.clone().requires_grad_()
        torch.manual_seed(1)
        z = GumbelSoftmaxCodes(CODES, logits, 0.7, hard=hard).rsample((10,))
        gradients += torch.autograd.grad(
            (z * TARGET).sum(), logits
        )  # linear: the cost's own slope is the same at both
    torch.testing.assert_close(*gradients)
