"""Every posterior and every prior keeps its contract, and so do their divergences."""

import math

import pytest
import torch

from families import (
    CLASSES,
    LATENT,
    MISFITS,
    PAIRS,
    Part,
    both_precisions,
    condition,
    every_pair_of,
    every_posterior,
    every_prior,
    has_closed_form,
    has_finite_kl,
    make_prior,
    prior_distribution,
)
from raising import raises
from vaekit.core import divergences
from vaekit.core.codebook import Codebook
from vaekit.core.distributions import point_estimate
from vaekit.errors import ConfigError

MAP = (5, 3, 2)
CLOSED_FORMS = [pair for pair in PAIRS if has_closed_form(*pair)]

every_kind_of_features = pytest.mark.parametrize("features", [(6,), MAP], ids=["vector", "map"])


@every_kind_of_features
@every_posterior
def test_a_posterior_is_one_distribution_per_example(posterior: Part, features: tuple[int, ...]):
    part = posterior.make(features, LATENT).double()
    h = torch.randn(5, *features, dtype=torch.float64, requires_grad=True)
    q = part(h)
    z = q.rsample((7,))
    sample = q.sample((7,))
    assert (q.batch_shape, q.event_shape[1:]) == ((5,), features[1:])
    assert z.shape == sample.shape == (7, 5, *q.event_shape)
    assert q.mean.shape == q.variance.shape == point_estimate(q).shape == (5, *q.event_shape)
    assert not has_finite_kl(posterior) or q.log_prob(sample).shape == (7, 5)
    assert not sample.requires_grad
    for tensor in torch.autograd.grad((z * torch.randn_like(z)).sum(), [h, *part.parameters()]):
        assert torch.isfinite(tensor).all() and (tensor != 0).any()


@every_kind_of_features
@every_posterior
def test_a_posterior_states_its_latent_shape(posterior: Part, features: tuple[int, ...]):
    part = posterior.make(features, LATENT).double()
    shape = part(torch.randn(5, *features, dtype=torch.float64)).event_shape
    assert isinstance(part.latent, Codebook) == (posterior.z == "discrete")
    assert part.latent_dim == LATENT and shape == (
        part.latent.shape if posterior.z == "discrete" else part.latent
    )


@pytest.mark.parametrize("seed", range(3))
@every_posterior
def test_a_posterior_treats_examples_equally_and_independently(posterior: Part, seed: int):
    part = posterior.make(6, LATENT).double().eval()
    features = torch.randn(5, 6, dtype=torch.float64)
    q = part(features)
    for one, all_examples in (
        (part(features[:1]).mean, q.mean[:1]),
        (part(features.flip(0)).mean, q.mean.flip(0)),
    ):
        torch.testing.assert_close(one, all_examples)


@every_kind_of_features
@every_pair_of(PAIRS)
def test_a_prior_is_over_the_posteriors_z(posterior: Part, prior: Part, features: tuple[int, ...]):
    part = posterior.make(features, LATENT).double()
    q = part(torch.randn(5, *features, dtype=torch.float64))
    p = prior_distribution(prior, make_prior(prior, part.latent))
    assert (p.event_shape, p.batch_shape) == (q.event_shape, (5,) if prior.classes else ())
    z = p.sample((7,))
    assert z.shape == (7, *p.batch_shape, *p.event_shape)
    assert p.log_prob(z).shape == (7, *p.batch_shape) and torch.isfinite(p.log_prob(z)).all()
    assert p.log_prob(q.sample((7,))).shape == (7, 5)


@every_pair_of(MISFITS)
def test_a_prior_over_another_kind_of_z_is_refused(posterior: Part, prior: Part):
    latent = posterior.make(6, LATENT).latent
    with raises(ConfigError, "prior"):
        prior.make(latent, prior.classes)


@both_precisions
@pytest.mark.parametrize("extreme", [-1e4, -50.0, 50.0, 1e4])
@every_pair_of(PAIRS)
def test_extreme_features_have_finite_divergences(
    posterior: Part, prior: Part, extreme: float, dtype: torch.dtype
):
    part = posterior.make(6, LATENT).to(dtype)
    y = torch.eye(CLASSES, dtype=dtype)[condition(prior, 50)] if prior.classes else None
    p = prior.make(part.latent, prior.classes).to(dtype)(*[] if y is None else [y])
    features = (extreme * (torch.randint(0, 2, (50, 6)) * 2 - 1)).to(dtype).requires_grad_()
    q = part(features)
    z = q.rsample((3,))
    values = [z, divergences.kl_divergence(q, p, z)]
    if divergences.has_finite_kl(q):
        values.append(divergences.monte_carlo(q, p, z))
    for value in values:
        assert torch.isfinite(value).all()
        if value.requires_grad:  # that of a quantized z does not depend on the features
            gradients = torch.autograd.grad(
                value.sum(), [features, *part.parameters()], retain_graph=True, allow_unused=True
            )
            assert all(torch.isfinite(g).all() for g in gradients if g is not None)


@every_pair_of(CLOSED_FORMS)
def test_the_closed_form_is_the_mean_of_the_estimate(posterior: Part, prior: Part):
    part = posterior.make(6, LATENT).double().eval()
    draws = 20_000
    q = part(3 * torch.randn(5, 6, dtype=torch.float64))
    p = prior_distribution(prior, make_prior(prior, part.latent))
    with torch.no_grad():
        estimate = divergences.monte_carlo(q, p, q.sample((draws,)))
        exact = divergences.closed_form(q, p)
    assert exact is not None and estimate.shape[:2] == (draws, 5) and len(exact) == 5
    assert (exact >= 0).all() and (exact.sum(-1) > 1e-3).all()
    if posterior.z == "discrete":  # whose estimate is of all positions together
        exact = exact.sum(-1, keepdim=True)
    assert estimate.shape[1:] == exact.shape
    assert ((estimate.mean(0) - exact).abs() <= 5 * estimate.std(0) / math.sqrt(draws) + 1e-9).all()


@every_pair_of([pair for pair in PAIRS if pair not in CLOSED_FORMS and has_finite_kl(pair[0])])
def test_a_pair_without_a_closed_form_is_estimated(posterior: Part, prior: Part):
    part = posterior.make(6, LATENT).double()
    q = part(torch.randn(5, 6, dtype=torch.float64))
    p = prior_distribution(prior, make_prior(prior, part.latent))
    z = q.sample((4,))
    assert divergences.closed_form(q, p) is None
    torch.testing.assert_close(
        divergences.kl_divergence(q, p, z), divergences.monte_carlo(q, p, z).mean(0)
    )


@every_prior
def test_the_divergence_of_a_prior_from_itself_is_zero(prior: Part):
    p = prior_distribution(prior, make_prior(prior))
    estimate = divergences.monte_carlo(p, p, p.sample((4,)))
    exact = divergences.closed_form(p, p)
    torch.testing.assert_close(estimate, torch.zeros_like(estimate), rtol=0, atol=0)
    assert (exact is None) == prior.coupled
    if exact is not None:
        torch.testing.assert_close(exact, torch.zeros_like(exact), rtol=0, atol=1e-15)
