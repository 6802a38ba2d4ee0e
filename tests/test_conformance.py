"""What every member of a family keeps, over the instances of families.py."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.distributions import Distribution, constraints

from families import DRAWS, LATENT, LIKELIHOODS, NETS, OBJECTIVES, POSTERIORS, PRIORS, Nets, Part, names, small_vae
from vaekit import divergences
from vaekit.errors import ConfigError
from vaekit.likelihoods import LIKELIHOODS as REGISTERED_LIKELIHOODS
from vaekit.nets import DECODERS, ENCODERS
from vaekit.objectives import OBJECTIVES as REGISTERED_OBJECTIVES
from vaekit.posteriors import POSTERIORS as REGISTERED_POSTERIORS
from vaekit.priors import PRIORS as REGISTERED_PRIORS

SHAPE = (2, 3)

every_likelihood = pytest.mark.parametrize("likelihood", LIKELIHOODS, ids=names(LIKELIHOODS))
every_posterior = pytest.mark.parametrize("posterior", POSTERIORS, ids=names(POSTERIORS))
every_prior = pytest.mark.parametrize("prior", PRIORS, ids=names(PRIORS))
every_objective = pytest.mark.parametrize("objective", OBJECTIVES, ids=names(OBJECTIVES))
every_pair_of_nets = pytest.mark.parametrize("pair", NETS, ids=names(NETS))
both_precisions = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])


@pytest.fixture(autouse=True)
def _fixed_noise():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def parameters_for(likelihood, *lead: int, spread: float = 2.0) -> Tensor:
    return spread * torch.randn(*lead, *likelihood.parameter_shape, dtype=torch.float64)


# --- The list is complete -------------------------------------------------------------------------------------------------


def test_every_registered_part_is_in_the_list():
    def types(made):
        return {type(part) for part in made}

    assert types(p.make(2, 2) for p in POSTERIORS) == set(REGISTERED_POSTERIORS.values())
    assert types(p.make(2) for p in PRIORS) == set(REGISTERED_PRIORS.values())
    assert types(p.make(SHAPE) for p in LIKELIHOODS) == set(REGISTERED_LIKELIHOODS.values())
    assert types(p.make() for p in OBJECTIVES) == set(REGISTERED_OBJECTIVES.values())
    assert types(n.encoder(n.shape, 2) for n in NETS) == set(ENCODERS.values())
    assert types(n.decoder(2, n.shape) for n in NETS) == set(DECODERS.values())


# --- Likelihoods ----------------------------------------------------------------------------------------------------------


def nodes(distribution: Distribution) -> tuple[Tensor, Tensor]:
    """Values [N, 1, 1] and weights with which a function of one value, [N, rows, 1], is summed or integrated."""
    support = str(distribution.support)
    if support == "Boolean()":
        return _column([0.0, 1.0]), _column([1.0, 1.0])
    if support == str(constraints.unit_interval):
        x, weight = map(_column, np.polynomial.legendre.leggauss(400))
        return (x + 1) / 2, weight / 2
    if support == "Real()":  # the trapezium rule is exact to rounding for a smooth density that ends before the nodes do
        steps = _column(np.linspace(-12, 12, 1001))
        return distribution.mean + steps * distribution.stddev, 0.024 * distribution.stddev
    raise NotImplementedError(f"say here how to sum over {support}")


def _column(values) -> Tensor:
    return torch.as_tensor(values, dtype=torch.float64)[:, None, None]


@every_likelihood
def test_a_likelihood_states_the_supports_it_takes(likelihood: Part):
    part = likelihood.make(SHAPE)
    assert part.accepts == likelihood.supports
    assert set(likelihood.supports) <= set(DRAWS)
    reasons = [part.not_normalised(support) for support in likelihood.supports]
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
def test_log_prob_broadcasts_samples_against_rows(likelihood: Part):
    part = likelihood.make(SHAPE).double()
    parameters = parameters_for(part, 4, 5)
    for support in likelihood.supports:
        x = DRAWS[support]((5, *SHAPE))
        together = part(parameters).log_prob(x)
        apart = torch.stack([torch.stack([part(parameters[k, b]).log_prob(x[b]) for b in range(5)]) for k in range(4)])
        assert together.shape == (4, 5)
        torch.testing.assert_close(together, apart)


@every_likelihood
def test_log_prob_is_the_sum_over_values(likelihood: Part):
    part = likelihood.make(SHAPE).double()
    p = part(parameters_for(part, 5))
    x = DRAWS[likelihood.supports[0]]((5, *SHAPE))
    assert p.event_shape == SHAPE
    torch.testing.assert_close(p.log_prob(x), p.base_dist.log_prob(x).sum((-2, -1)))


@every_likelihood
def test_mean_is_that_of_samples(likelihood: Part):
    part = likelihood.make(SHAPE).double()
    p, draws = part(parameters_for(part, 5)), 20_000
    samples = p.sample((draws,))
    error = (samples.mean(0) - p.mean).abs()
    assert samples.shape == (draws, 5, *SHAPE)
    assert (error < 5 * samples.std(0) / math.sqrt(draws)).all()
    torch.testing.assert_close(samples.var(0), p.variance, rtol=0.1, atol=1e-4)


@both_precisions
@pytest.mark.parametrize("extreme", [-1e4, -100.0, -20.0, 0.0, 20.0, 100.0, 1e4])
@every_likelihood
def test_extreme_parameters_have_finite_values_and_gradients(likelihood: Part, extreme: float, dtype: torch.dtype):
    part = likelihood.make(SHAPE).to(dtype)
    signs = torch.randint(0, 2, (50, *part.parameter_shape)) * 2 - 1
    parameters = (extreme * signs).to(dtype).requires_grad_()
    for support in likelihood.supports:
        p = part(parameters)
        log_prob = p.log_prob(DRAWS[support]((50, *SHAPE)).to(dtype))
        (gradient,) = torch.autograd.grad(log_prob.sum(), parameters)
        assert log_prob.dtype == dtype
        assert torch.isfinite(log_prob).all() and torch.isfinite(gradient).all()
        assert torch.isfinite(p.mean).all() and torch.isfinite(p.sample()).all()


# --- Posteriors, priors, divergences --------------------------------------------------------------------------------------


@every_posterior
def test_a_posterior_gives_one_distribution_per_row(posterior: Part):
    q = posterior.make(6, LATENT).double()(torch.randn(5, 6, dtype=torch.float64))
    z = q.rsample((7,))
    assert (q.batch_shape, len(q.event_shape)) == ((5,), 1)
    assert z.shape == (7, 5, *q.event_shape) and z.requires_grad
    assert q.log_prob(z).shape == (7, 5)
    assert q.mean.shape == (5, *q.event_shape)


@both_precisions
@pytest.mark.parametrize("extreme", [-1e4, -50.0, 50.0, 1e4])
@every_prior
@every_posterior
def test_extreme_features_have_finite_divergences(posterior: Part, prior: Part, extreme: float, dtype: torch.dtype):
    part, p = posterior.make(6, LATENT).to(dtype), prior.make(LATENT).to(dtype)()
    features = (extreme * (torch.randint(0, 2, (50, 6)) * 2 - 1)).to(dtype).requires_grad_()
    q = part(features)
    z = q.rsample((3,))
    estimate, exact = divergences.monte_carlo(q, p, z), divergences.closed_form(q, p)
    for value in (z, estimate, estimate if exact is None else exact):
        gradients = torch.autograd.grad(value.sum(), [features, *part.parameters()], retain_graph=True, allow_unused=True)
        assert torch.isfinite(value).all()
        assert all(torch.isfinite(g).all() for g in gradients if g is not None)


@every_prior
@every_posterior
def test_the_closed_form_is_the_mean_of_the_estimate(posterior: Part, prior: Part):
    q = posterior.make(6, LATENT).double()(torch.randn(5, 6, dtype=torch.float64))
    p, draws = prior.make(LATENT).double()(), 50_000
    estimate, exact = divergences.monte_carlo(q, p, q.sample((draws,))), divergences.closed_form(q, p)
    if exact is None:
        pytest.skip("no closed form for this pair")
    assert estimate.shape == (draws, *exact.shape) and len(exact) == 5
    assert ((estimate.mean(0) - exact).abs() < 5 * estimate.std(0) / math.sqrt(draws)).all()
    assert (exact >= 0).all() and (exact.sum(-1) > 1e-3).all()


@every_prior
def test_the_divergence_of_a_prior_from_itself_is_zero(prior: Part):
    p = prior.make(LATENT).double()()
    estimate, exact = divergences.monte_carlo(p, p, p.sample((4,))), divergences.closed_form(p, p)
    torch.testing.assert_close(estimate, torch.zeros_like(estimate), rtol=0, atol=0)
    if exact is not None:
        torch.testing.assert_close(exact, torch.zeros_like(exact), rtol=0, atol=1e-15)


# --- Nets -----------------------------------------------------------------------------------------------------------------


@every_pair_of_nets
@pytest.mark.parametrize("rows", [1, 5])
def test_nets_return_the_datas_shape(pair: Nets, rows: int):
    encoder, decoder = pair.encoder(pair.shape, LATENT), pair.decoder(LATENT, pair.shape)
    if rows == 1:
        encoder, decoder = encoder.eval(), decoder.eval()
    features = encoder(torch.randn(rows, *pair.shape))
    assert features.shape == (rows, math.prod(features.shape[1:])) and features.dim() == 2
    assert decoder(torch.randn(rows, LATENT)).shape == (rows, *pair.shape)


@every_pair_of_nets
def test_nets_treat_rows_alike_and_apart(pair: Nets):
    encoder, decoder = pair.encoder(pair.shape, LATENT).double().eval(), pair.decoder(LATENT, pair.shape).double().eval()
    x, z = torch.randn(4, *pair.shape, dtype=torch.float64), torch.randn(4, LATENT, dtype=torch.float64)
    for net, given in ((encoder, x), (decoder, z)):
        torch.testing.assert_close(net(given.flip(0)).flip(0), net(given))
        torch.testing.assert_close(net(given[:1]), net(given)[:1])
        assert (net(given)[0] != net(given)[1]).any()


@every_pair_of_nets
def test_every_weight_of_a_net_gets_a_gradient(pair: Nets):
    encoder, decoder = pair.encoder(pair.shape, LATENT).double(), pair.decoder(LATENT, pair.shape).double()
    for net, given in (
        (encoder, torch.randn(8, *pair.shape, dtype=torch.float64, requires_grad=True)),
        (decoder, torch.randn(8, LATENT, dtype=torch.float64)),
    ):
        net(given).square().sum().backward()
        for name, parameter in net.named_parameters():
            assert parameter.grad is not None and torch.isfinite(parameter.grad).all(), name


# --- All together ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("precision", ["float32", "float64", "bfloat16"])
@every_objective
@every_likelihood
@every_prior
@every_posterior
def test_every_combination_trains(posterior: Part, prior: Part, likelihood: Part, objective: Part, precision: str):
    dtype = torch.float64 if precision == "float64" else torch.float32
    model, measure = small_vae(posterior, prior, likelihood).to(dtype), objective.make()
    for support in likelihood.supports:
        x = DRAWS[support]((8, 1, 4, 4)).to(dtype)
        try:
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
                terms = measure(model, x, step=3)
        except ConfigError:
            assert divergences.closed_form(model.encode(x), model.prior()) is None  # the one reason to refuse a pair
            return
        model.zero_grad()
        terms.loss.backward()
        assert terms.loss.dtype == dtype and torch.isfinite(terms.loss)
        for name, parameter in model.named_parameters():
            assert parameter.grad is not None and torch.isfinite(parameter.grad).all(), name
        assert terms.log_likelihood.shape[1:] == (8,) and terms.reconstruction.shape == terms.elbo.shape == (8,)
        assert terms.divergence.shape[0] == 8


@every_objective
@every_likelihood
@every_prior
@every_posterior
def test_every_combination_learns(posterior: Part, prior: Part, likelihood: Part, objective: Part):
    model, measure = small_vae(posterior, prior, likelihood), objective.make()
    x = DRAWS[likelihood.supports[0]]((16, 1, 4, 4))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    losses = []
    for _ in range(30):
        loss = measure(model, x).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert sum(losses[-5:]) < sum(losses[:5])
