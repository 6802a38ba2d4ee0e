"""Every member of a family keeps its contract: the list of instances, likelihoods and nets."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.distributions import Distribution, constraints

from families import (
    LATENT,
    LIKELIHOODS,
    NETS,
    OBJECTIVES,
    POSTERIORS,
    PRIORS,
    SAMPLE_DATA,
    TRAINED_NETS,
    Nets,
    Part,
    both_precisions,
    every_likelihood,
    every_pair_of_nets,
    make_prior,
)
from vaekit.likelihoods import LIKELIHOODS as REGISTERED_LIKELIHOODS
from vaekit.nets import DECODERS, ENCODERS
from vaekit.objectives import OBJECTIVES as REGISTERED_OBJECTIVES
from vaekit.posteriors import POSTERIORS as REGISTERED_POSTERIORS
from vaekit.priors import PRIORS as REGISTERED_PRIORS

SHAPE = (2, 3)


def parameters_for(likelihood, *lead: int, spread: float = 2.0) -> Tensor:
    """Random parameters of a likelihood."""
    return spread * torch.randn(*lead, *likelihood.parameter_shape, dtype=torch.float64)


# --- The list is complete -------------------------------------------------------------------------


def test_every_registered_part_is_in_the_list():
    def types(made):
        return {type(part) for part in made}

    assert types(p.make(2, LATENT) for p in POSTERIORS) == set(REGISTERED_POSTERIORS.values())
    assert types(make_prior(p) for p in PRIORS) == set(REGISTERED_PRIORS.values())
    assert types(p.make(SHAPE) for p in LIKELIHOODS) == set(REGISTERED_LIKELIHOODS.values())
    assert types(p.make() for p in OBJECTIVES) == set(REGISTERED_OBJECTIVES.values())
    for instances in (NETS, TRAINED_NETS):
        assert types(n.encoder(n.shape, LATENT) for n in instances) == set(ENCODERS.values())
        assert types(n.decoder(n.latent, n.shape) for n in instances) == set(DECODERS.values())


# --- Likelihoods ----------------------------------------------------------------------------------


def nodes(distribution: Distribution) -> tuple[Tensor, Tensor]:
    """Values [N, 1, 1] and weights that sum or integrate a function of one value."""
    support = str(distribution.support)
    if support == "Boolean()":
        return _column([0.0, 1.0]), _column([1.0, 1.0])
    if "Levels" in support:  # five, as in SAMPLE_DATA
        return _column(np.linspace(0, 1, 5)), _column(np.ones(5))
    if support == str(constraints.unit_interval):
        x, weight = map(_column, np.polynomial.legendre.leggauss(400))
        return (x + 1) / 2, weight / 2
    if support == "Real()":
        # The trapezoid rule is exact to rounding for a smooth density within the nodes.
        steps = _column(np.linspace(-12, 12, 1001))
        return distribution.mean + steps * distribution.stddev, 0.024 * distribution.stddev
    raise NotImplementedError(f"add the nodes of {support}")


def _column(values) -> Tensor:
    return torch.as_tensor(values, dtype=torch.float64)[:, None, None]


@every_likelihood
def test_a_likelihood_states_its_supports(likelihood: Part):
    part = likelihood.make(SHAPE)
    assert part.accepts == likelihood.supports
    assert set(likelihood.supports) <= set(SAMPLE_DATA)
    reasons = [part.not_normalized(support) for support in likelihood.supports]
    assert all(reason is None or (reason and "\n" not in reason) for reason in reasons)
    assert None in reasons


@every_likelihood
def test_a_likelihood_of_one_value_sums_to_one(likelihood: Part):
    part = likelihood.make((1,)).double()
    p = part(parameters_for(part, 200, spread=4.0)).base_dist
    x, weight = nodes(p)
    total = (p.log_prob(x).exp() * weight).sum(0)
    torch.testing.assert_close(total, torch.ones_like(total), rtol=0, atol=1e-9)


@every_likelihood
def test_log_prob_broadcasts_samples_against_examples(likelihood: Part):
    part = likelihood.make(SHAPE).double()
    parameters = parameters_for(part, 4, 5)
    for support in likelihood.supports:
        x = SAMPLE_DATA[support]((5, *SHAPE))
        together = part(parameters).log_prob(x)
        one_by_one = torch.stack(
            [
                torch.stack([part(parameters[k, b]).log_prob(x[b]) for b in range(5)])
                for k in range(4)
            ]
        )
        assert together.shape == (4, 5)
        torch.testing.assert_close(together, one_by_one)


@every_likelihood
def test_log_prob_is_the_sum_over_values(likelihood: Part):
    part = likelihood.make(SHAPE).double()
    p = part(parameters_for(part, 5))
    x = SAMPLE_DATA[likelihood.supports[0]]((5, *SHAPE))
    assert p.event_shape == SHAPE
    torch.testing.assert_close(p.log_prob(x), p.base_dist.log_prob(x).sum((-2, -1)))


@every_likelihood
def test_mean_is_that_of_samples(likelihood: Part):
    part = likelihood.make(SHAPE).double()
    p = part(parameters_for(part, 5))
    draws = 20_000
    samples = p.sample((draws,))
    squares = (samples - p.mean).square()
    assert samples.shape == (draws, 5, *SHAPE)
    # By the exact variance: that of samples is 0 if all other levels are rare.
    assert ((samples.mean(0) - p.mean).abs() <= 5 * (p.variance / draws).sqrt() + 1e-12).all()
    assert (
        (squares.mean(0) - p.variance).abs() <= 5 * squares.std(0) / math.sqrt(draws) + 1e-4
    ).all()


@both_precisions
@pytest.mark.parametrize("extreme", [-1e4, -100.0, -20.0, 0.0, 20.0, 100.0, 1e4])
@every_likelihood
def test_extreme_parameters_have_finite_values_and_gradients(
    likelihood: Part, extreme: float, dtype: torch.dtype
):
    part = likelihood.make(SHAPE).to(dtype)
    signs = torch.randint(0, 2, (50, *part.parameter_shape)) * 2 - 1
    parameters = (extreme * signs).to(dtype).requires_grad_()
    for support in likelihood.supports:
        p = part(parameters)
        log_prob = p.log_prob(SAMPLE_DATA[support]((50, *SHAPE)).to(dtype))
        (gradient,) = torch.autograd.grad(log_prob.sum(), parameters)
        assert log_prob.dtype == dtype
        assert torch.isfinite(log_prob).all() and torch.isfinite(gradient).all()
        assert torch.isfinite(p.mean).all() and torch.isfinite(p.sample()).all()


# --- Nets -----------------------------------------------------------------------------------------


def latent_of(pair: Nets) -> tuple[int, ...]:
    return (pair.latent,) if isinstance(pair.latent, int) else pair.latent


@every_pair_of_nets
@pytest.mark.parametrize("examples", [1, 5])
def test_nets_return_the_shape_of_the_data(pair: Nets, examples: int):
    encoder = pair.encoder(pair.shape, LATENT)
    decoder = pair.decoder(pair.latent, pair.shape)
    if examples == 1:
        encoder = encoder.eval()
        decoder = decoder.eval()
    features = encoder(torch.randn(examples, *pair.shape))
    assert (len(features), features.shape[2:]) == (examples, latent_of(pair)[1:])
    assert decoder(torch.randn(examples, *latent_of(pair))).shape == (examples, *pair.shape)


@every_pair_of_nets
def test_nets_treat_examples_equally_and_independently(pair: Nets):
    encoder = pair.encoder(pair.shape, LATENT).double().eval()
    decoder = pair.decoder(pair.latent, pair.shape).double().eval()
    x = torch.randn(4, *pair.shape, dtype=torch.float64)
    z = torch.randn(4, *latent_of(pair), dtype=torch.float64)
    for net, inputs in ((encoder, x), (decoder, z)):
        torch.testing.assert_close(net(inputs.flip(0)).flip(0), net(inputs))
        torch.testing.assert_close(net(inputs[:1]), net(inputs)[:1])
        assert (net(inputs)[0] != net(inputs)[1]).any()


@every_pair_of_nets
def test_every_weight_of_a_net_has_a_gradient(pair: Nets):
    encoder = pair.encoder(pair.shape, LATENT).double()
    decoder = pair.decoder(pair.latent, pair.shape).double()
    for net, inputs in (
        (encoder, torch.randn(8, *pair.shape, dtype=torch.float64, requires_grad=True)),
        (decoder, torch.randn(8, *latent_of(pair), dtype=torch.float64)),
    ):
        net(inputs).square().sum().backward()
        for name, parameter in net.named_parameters():
            assert parameter.grad is not None and torch.isfinite(parameter.grad).all(), name
