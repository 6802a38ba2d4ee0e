import pytest
import torch
from torch import Tensor, nn

from raising import raises
from vaekit.core.codebook import Codebook
from vaekit.errors import ConfigError
from vaekit.priors import ClassNormal, StandardNormal

CLASSES = 3
ONE_HOT = torch.eye(CLASSES, dtype=torch.float64)


def trained(latent: int = 2) -> ClassNormal:
    prior = ClassNormal(latent, CLASSES).double()
    for table in prior.parameters():
        nn.init.normal_(table)
    return prior


def random(*shape: int) -> Tensor:
    return torch.randn(shape, dtype=torch.float64)


@pytest.mark.parametrize("latent", [2, (2, 3, 4)])
def test_it_starts_as_the_standard_normal(latent):
    p = ClassNormal(latent, CLASSES).double()(ONE_HOT)
    normal = StandardNormal(latent).double()()
    assert (p.batch_shape, p.event_shape) == ((CLASSES,), normal.event_shape)
    z = random(7, CLASSES, *normal.event_shape)
    torch.testing.assert_close(
        p.log_prob(z), normal.log_prob(z), rtol=0, atol=1e-6
    )  # the bound on log sigma^2: 2e-9 at 0


def test_each_class_has_its_own_mean_and_variance():
    prior = trained()
    p = prior(ONE_HOT[[2, 0, 2]])
    torch.testing.assert_close(p.mean, prior.mu[[2, 0, 2]])
    torch.testing.assert_close(p.variance, prior.log_var[[2, 0, 2]].exp(), rtol=1e-6, atol=0)
    z = p.sample((20_000,))
    assert ((z.mean(0) - p.mean).abs() < 5 * (p.variance / 20_000).sqrt()).all()


def test_weights_of_classes_mix_their_parameters():
    prior = trained()
    weights = torch.tensor([[0.25, 0.75, 0.0]], dtype=torch.float64)
    torch.testing.assert_close(prior(weights).mean, 0.25 * prior.mu[:1] + 0.75 * prior.mu[1:2])


def test_only_the_classes_of_the_batch_learn():
    prior = trained()
    z = random(2, 2)
    (-prior(ONE_HOT[[0, 1]]).log_prob(z).sum()).backward()
    assert prior.mu.grad is not None and prior.log_var.grad is not None
    variance = prior(ONE_HOT).variance.detach()[:2]
    torch.testing.assert_close(prior.mu.grad[:2], (prior.mu.detach()[:2] - z) / variance)
    slope = 0.5 * (1 - (z - prior.mu.detach()[:2]).square() / variance)
    torch.testing.assert_close(prior.log_var.grad[:2], slope, rtol=1e-6, atol=1e-9)
    assert not prior.mu.grad[2].any() and not prior.log_var.grad[2].any()


def test_codes_are_refused():
    with raises(ConfigError, "prior"):
        ClassNormal(Codebook(torch.eye(3), 2), CLASSES)


def test_a_model_without_classes_is_refused():
    with raises(ConfigError, "conditional"):
        ClassNormal(2)
