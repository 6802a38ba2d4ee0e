import math

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Independent, Laplace, Normal

from raising import raises
from vaekit import likelihoods, nets, posteriors, priors
from vaekit.core import divergences
from vaekit.core.distribution_module import DistributionModule
from vaekit.core.vae import VAE
from vaekit.errors import ConfigError
from vaekit.objectives import ELBO, DivergenceOnly, ReconstructionOnly, Terms

LATENT = 16


def vae(**replaced: nn.Module) -> VAE:
    parts = {
        "encoder": nets.MLPEncoder((8,), LATENT, hidden=(6,), activation="tanh"),
        "posterior": posteriors.DiagonalNormal(6, LATENT),
        "prior": priors.StandardNormal(LATENT),
        "decoder": nets.MLPDecoder(LATENT, (8,), hidden=(6,), activation="tanh"),
        "likelihood": likelihoods.Bernoulli((8,)),
    }
    return VAE(**(parts | replaced)).double()


def examples(count: int = 5) -> Tensor:
    return torch.rand(count, 8, dtype=torch.float64)


def moments(q: Distribution) -> tuple[Tensor, Tensor]:
    return q.mean, q.variance.log()


# --- The terms ------------------------------------------------------------------------------------


def test_the_closed_form_is_the_published_one():
    model = vae()
    x = examples()
    mu, log_var = moments(model.encode(x))
    divergence = ELBO()(model, x).divergence
    torch.testing.assert_close(divergence, -0.5 * (1 + log_var - mu.square() - log_var.exp()))


def test_densities_count_log_two_pi_once_per_dimension():
    model = vae()
    at_zero = model.prior().log_prob(torch.zeros(LATENT, dtype=torch.float64)).item()
    assert at_zero == pytest.approx(-LATENT / 2 * math.log(2 * math.pi))
    q = model.encode(examples())
    mu, log_var = moments(q)
    torch.testing.assert_close(
        q.log_prob(mu), -0.5 * (log_var.sum(-1) + LATENT * math.log(2 * math.pi))
    )


def test_the_terms_are_those_of_the_samples():
    model = vae()
    x = examples()
    state = torch.get_rng_state()
    terms = ELBO(samples=3, divergence="monte-carlo")(model, x)
    torch.set_rng_state(state)
    q = model.encode(x)
    z = q.rsample(torch.Size((3,)))
    mu, log_var = moments(q)
    assert terms.log_prior is not None and terms.log_posterior is not None
    torch.testing.assert_close(terms.log_prior, -0.5 * (z.square() + math.log(2 * math.pi)).sum(-1))
    scaled = (z - mu).square() / log_var.exp()
    torch.testing.assert_close(
        terms.log_posterior, -0.5 * (scaled + log_var + math.log(2 * math.pi)).sum(-1)
    )
    torch.testing.assert_close(terms.log_likelihood, model.decode(z).log_prob(x))
    torch.testing.assert_close(
        terms.divergence.sum(-1), (terms.log_posterior - terms.log_prior).mean(0)
    )
    torch.testing.assert_close(
        terms.elbo, (terms.log_likelihood + terms.log_prior - terms.log_posterior).mean(0)
    )
    torch.testing.assert_close(terms.loss, -terms.elbo.mean())


@pytest.mark.parametrize("samples", [1, 4])
@pytest.mark.parametrize("divergence", ["closed-form", "monte-carlo"])
def test_terms_have_the_shapes_they_state(divergence, samples: int):
    terms = ELBO(samples=samples, divergence=divergence)(vae(), examples(5))
    sampled = divergence == "monte-carlo"
    assert terms.loss.shape == ()
    assert terms.log_likelihood.shape == (samples, 5)
    assert terms.divergence.shape == (5, LATENT)
    assert terms.reconstruction.shape == terms.elbo.shape == (5,)
    for density in (terms.log_prior, terms.log_posterior):
        assert (
            (density is not None and density.shape == (samples, 5)) if sampled else density is None
        )
    names = {"loss", "log_likelihood", "divergence"} | (
        {"log_prior", "log_posterior"} if sampled else set()
    )
    assert set(terms.named()) == names


def test_the_bound_does_not_depend_on_the_weights():
    terms = Terms(
        loss=torch.tensor(99.0),
        log_likelihood=torch.tensor([[-3.0, -4.0], [-5.0, -8.0]]),
        divergence=torch.tensor([[1.0, 0.5], [0.25, 0.25]]),
        penalties={"adversary": torch.tensor(2.0)},
    )
    assert terms.reconstruction.tolist() == [4.0, 6.0]
    assert terms.elbo.tolist() == [-5.5, -6.5]
    assert terms.named()["adversary"] == 2 and terms.named()["loss"] == 99


def test_the_estimate_tends_to_the_closed_form():
    model = vae()
    x = examples()
    errors = []
    exact = ELBO()(model, x).divergence
    for samples in (10, 500, 25_000):
        estimate = ELBO(samples=samples, divergence="monte-carlo")(model, x).divergence
        errors.append((estimate - exact).abs().max().item())
    assert errors[0] > 3 * errors[1] > 9 * errors[2]
    assert errors[2] < 0.06


@pytest.mark.parametrize("objective", [ELBO, ReconstructionOnly, DivergenceOnly])
@pytest.mark.parametrize("samples", [0, -3, 2.5, "many", None])
def test_no_samples_are_refused(objective, samples):
    with raises(ConfigError, "samples"):
        objective(samples=samples)


@pytest.mark.parametrize(
    "option",
    [
        {"divergence": "sampled"},
        {"gradient": "path"},
        {"beta": -1},
        {"beta": math.nan},
        {"free_bits": -1},
        {"warmup": -1},
    ],
    ids=str,
)
def test_an_option_that_is_not_allowed_is_refused(option):
    (name,) = option
    with raises(ConfigError, name):
        ELBO(**option)


# --- Weights --------------------------------------------------------------------------------------


def parts_of(terms: Terms) -> tuple[float, float]:
    return terms.reconstruction.mean().item(), terms.divergence.sum(-1).mean().item()


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0, 4.0])
def test_beta_weighs_the_divergence(beta: float):
    terms = ELBO(beta=beta)(vae(), examples())
    reconstruction, divergence = parts_of(terms)
    assert divergence > 0.1
    assert terms.loss.item() == pytest.approx(reconstruction + beta * divergence)
    assert terms.elbo.mean().item() == pytest.approx(-reconstruction - divergence)


@pytest.mark.parametrize(
    ("step", "share"), [(0, 0.0), (1, 0.01), (50, 0.5), (100, 1.0), (1000, 1.0), (None, 1.0)]
)
def test_warmup_rises_linearly_to_beta_and_stays(step: int | None, share: float):
    objective = ELBO(beta=4.0, warmup=100)
    assert objective.weight(step) == pytest.approx(4.0 * share)
    terms = objective(vae(), examples(), step=step)
    reconstruction, divergence = parts_of(terms)
    assert terms.loss.item() == pytest.approx(reconstruction + 4.0 * share * divergence)


@pytest.mark.parametrize("step", [0, 7, None])
def test_without_warmup_the_weight_is_beta_from_the_start(step: int | None):
    assert ELBO(beta=0.3).weight(step) == 0.3


def test_free_bits_penalize_each_dimension_above_its_minimum():
    model = vae()
    x = examples()
    per_dimension = ELBO()(model, x).divergence.mean(0)
    minimum = per_dimension.median().item()
    terms = ELBO(free_bits=minimum, beta=2.0)(model, x)
    reconstruction, divergence = parts_of(terms)
    counted = sum(max(value, minimum) for value in per_dimension.tolist())
    assert counted > divergence + 0.01
    assert terms.loss.item() == pytest.approx(reconstruction + 2.0 * counted)
    assert terms.elbo.mean().item() == pytest.approx(-reconstruction - divergence)


def test_below_the_minimum_the_divergence_has_no_gradient():
    model = vae()
    x = examples()
    weights = dict(model.posterior.named_parameters())

    def slope(objective: ELBO) -> Tensor:
        torch.manual_seed(1)
        terms = objective(model, x)
        only = terms.loss - terms.reconstruction.mean()
        return torch.autograd.grad(only, weights["mu.weight"])[0]

    per_dimension = ELBO()(model, x).divergence.mean(0)
    minimum = per_dimension.median().item() + 1e-9
    free = slope(ELBO(free_bits=minimum))
    full = slope(ELBO())
    below = per_dimension < minimum
    assert 0 < below.sum() < LATENT
    torch.testing.assert_close(free[below], torch.zeros_like(free[below]), rtol=0, atol=1e-15)
    torch.testing.assert_close(free[~below], full[~below])
    assert (full[below].abs().sum(-1) > 0).all()


# --- Pairs without a closed form ------------------------------------------------------------------


class LaplacePosterior(DistributionModule):
    """A posterior without a closed form in torch, against a normal prior."""

    def __init__(self, features: int, latent: int):
        super().__init__()
        self.loc = nn.Linear(features, latent)

    def forward(self, features: Tensor | None = None) -> Independent:
        loc = self.loc(features)
        return Independent(Laplace(loc, torch.full_like(loc, 0.7)), 1)


class StudentPrior(DistributionModule):
    """A prior without a closed form in torch, against a normal posterior."""

    def forward(self, features: Tensor | None = None) -> Independent:
        one = torch.ones(LATENT, dtype=torch.float64)
        return Independent(torch.distributions.StudentT(5 * one, 0 * one, one), 1)


def unknown_pairs() -> list[VAE]:
    return [
        vae(prior=StudentPrior()),
        vae(prior=StudentPrior(), posterior=LaplacePosterior(6, LATENT)),
    ]


def test_a_pair_without_closed_form_is_refused():
    for model in unknown_pairs():
        with raises(ConfigError, "objective.divergence"):
            ELBO()(model, examples())


def test_a_pair_without_closed_form_trains_by_samples():
    for model in unknown_pairs():
        terms = ELBO(samples=2000, divergence="monte-carlo")(model, examples())
        terms.loss.backward()
        assert terms.divergence.shape == (5, LATENT) and (terms.divergence.sum(-1) > 0).all()
        assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters())


# --- Divergences that do not factorize ------------------------------------------------------------


def normal(loc: Tensor, scale: float = 1.0) -> Independent:
    return Independent(Normal(loc, torch.full_like(loc, scale)), 1)


def test_distributions_that_do_not_factorize_have_one_divergence_per_example():
    eye = torch.eye(3, dtype=torch.float64)
    q = torch.distributions.MultivariateNormal(
        torch.tensor([[0.0, 1.0, 2.0], [0.0, 0.0, 0.0]], dtype=torch.float64), eye
    )
    p = torch.distributions.MultivariateNormal(torch.zeros(3, dtype=torch.float64), eye)
    exact = divergences.closed_form(q, p)
    assert exact is not None
    torch.testing.assert_close(exact, torch.tensor([[2.5], [0.0]], dtype=torch.float64))
    estimate = divergences.monte_carlo(q, p, q.sample(torch.Size((20_000,))))
    assert estimate.shape == (20_000, 2, 1)
    torch.testing.assert_close(estimate.mean(0), exact, rtol=0.02, atol=1e-12)


def test_a_product_against_one_that_is_none_still_has_an_estimate():
    q = normal(torch.zeros(2, 3, dtype=torch.float64), 0.5)
    p = torch.distributions.MultivariateNormal(
        torch.zeros(3, dtype=torch.float64), torch.eye(3, dtype=torch.float64)
    )
    assert divergences.closed_form(q, p) is None
    z = q.sample(torch.Size((7,)))
    torch.testing.assert_close(
        divergences.monte_carlo(q, p, z).squeeze(-1), q.log_prob(z) - p.log_prob(z)
    )


def test_products_over_other_dimensions_are_not_split():
    q = normal(torch.zeros(2, 3))
    p = Independent(Normal(torch.zeros(3, 1), torch.ones(3, 1)), 2)
    with pytest.raises((ValueError, RuntimeError)):
        divergences.monte_carlo(q, p, torch.zeros(5, 2, 4))
    two = Independent(Normal(torch.ones(2, 3, 4), torch.ones(4)), 2)
    exact = divergences.closed_form(
        two, Independent(Normal(torch.zeros(3, 4), torch.ones(3, 4)), 2)
    )
    assert exact is not None
    torch.testing.assert_close(exact, torch.full((2, 12), 0.5))
