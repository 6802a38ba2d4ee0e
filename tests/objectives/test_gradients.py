"""Every estimator of the gradient compared with the exact one, in two models."""

import itertools
import math

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Independent, Normal

from raising import raises
from vaekit import likelihoods, nets, posteriors, priors
from vaekit.core.codebook import Codebook, IndependentCodes
from vaekit.core.distribution_module import DistributionModule
from vaekit.core.vae import VAE
from vaekit.errors import ConfigError
from vaekit.objectives import ELBO
from vaekit.objectives.gradients import GRADIENT_ESTIMATORS, ScoreFunction

pytestmark = pytest.mark.slow

D = 3
L = 2
K = 3
EXAMPLES = torch.tensor([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0]], dtype=torch.float64)


# --- Two models -----------------------------------------------------------------------------------


class LearnedCodes(DistributionModule):
    """A prior over independent codes with parameters of its own."""

    def __init__(self, codes: Codebook):
        super().__init__()
        self.codes = (codes,)
        self.logits = nn.Parameter(torch.randn(codes.positions, codes.count))

    def forward(self, features: Tensor | None = None) -> IndependentCodes:
        return IndependentCodes(self.codes[0], self.logits)


def categorical_model() -> VAE:
    posterior = posteriors.Categorical(D, L, classes=K)
    return VAE(
        encoder=nets.MLPEncoder((D,), L, hidden=()),
        posterior=posterior,
        prior=LearnedCodes(posterior.latent),
        decoder=nets.MLPDecoder(L * K, (D,), hidden=(4,), activation="tanh"),
        likelihood=likelihoods.Bernoulli((D,)),
    ).double()


def normal_model() -> VAE:
    return VAE(
        encoder=nets.MLPEncoder((D,), L, hidden=()),
        posterior=posteriors.DiagonalNormal(D, L),
        prior=priors.StandardNormal(L),
        decoder=nets.MLPDecoder(L, (D,), hidden=()),
        likelihood=likelihoods.Gaussian((D,), scale=1.0),
    ).double()


def exact_loss_of_codes(model: VAE, x: Tensor, weight: float) -> Tensor:
    """By enumeration of all K^L codes."""
    assert model.codebook is not None
    q = model.encode(x)
    p = model.prior()
    z = (
        model.codebook.embed(torch.tensor(list(itertools.product(range(K), repeat=L))))
        .unsqueeze(1)
        .expand(-1, len(x), -1)
    )
    log_q = q.log_prob(z)
    each = model.decode(z).log_prob(x) + weight * (p.log_prob(z) - log_q)
    return -(log_q.exp() * each).sum(0).mean()


def exact_loss_of_normals(model: VAE, x: Tensor, weight: float) -> Tensor:
    """E|x - W z - b|^2 = |x - W mu - b|^2 + sum_l sigma_l^2 |W_l|^2."""
    q = model.encode(x)
    (decoder,) = (layer for layer in model.decoder.modules() if isinstance(layer, nn.Linear))
    misfit = (x - decoder(q.mean)).square().sum(-1) + q.variance @ decoder.weight.square().sum(0)
    reconstruction = misfit / 2 + D / 2 * math.log(2 * math.pi)
    divergence = 0.5 * (q.variance + q.mean.square() - 1 - q.variance.log()).sum(-1)
    return (reconstruction + weight * divergence).mean()


MODELS = {
    "categorical": (categorical_model, exact_loss_of_codes),
    "normal": (normal_model, exact_loss_of_normals),
}


def flat_gradient(loss: Tensor, model: VAE) -> Tensor:
    gradient = torch.autograd.grad(
        loss, list(model.parameters()), allow_unused=True, materialize_grads=True
    )
    return torch.cat([g.flatten() for g in gradient])


def belongs_to(model: VAE, *parts: str) -> Tensor:
    """Which entries of the flat gradient are of these parts."""
    return torch.cat(
        [
            torch.full((p.numel(),), name.split(".")[0] in parts)
            for name, p in model.named_parameters()
        ]
    )


def estimates(
    model: VAE, objective: ELBO, x: Tensor, draws: int, step: int | None = None
) -> tuple[Tensor, Tensor]:
    """The mean of the estimated gradients, and its standard error."""
    gradients = torch.stack(
        [flat_gradient(objective(model, x, step=step).loss, model) for _ in range(draws)]
    )
    return gradients.mean(0), gradients.std(0) / math.sqrt(draws)


def compare(
    kind: str, objective: ELBO, step: int | None = None
) -> tuple[VAE, Tensor, Tensor, Tensor]:
    """A model, and its exact gradient, the mean of the estimates and their standard error.

    With several samples the baseline is that of the example, so that copies of the examples are
    independent draws; with one it is that of the batch, which must be small.
    """
    make, exact_loss = MODELS[kind]
    model = make()
    right = flat_gradient(exact_loss(model, EXAMPLES, objective.weight(step)), model)
    copies, draws = (200, 40) if objective.samples > 1 else (1, 400)
    return model, right, *estimates(model, objective, EXAMPLES.repeat(copies, 1), draws, step)


# --- Unbiased -------------------------------------------------------------------------------------


@pytest.mark.parametrize("divergence", ["closed-form", "monte-carlo"])
@pytest.mark.parametrize(
    ("samples", "options", "step"), [(1, {}, None), (5, {"beta": 3.0, "warmup": 10}, 5)]
)
@pytest.mark.parametrize("kind", MODELS)
def test_the_score_function_is_unbiased(
    kind: str, samples: int, options, step: int | None, divergence
):
    objective = ELBO(samples=samples, divergence=divergence, gradient="score-function", **options)
    model, right, mean, error = compare(kind, objective, step)
    assert ((mean - right).abs() < 5 * error + 1e-12).all()
    assert (right.abs() > 5 * error)[
        belongs_to(model, "posterior")
    ].any()  # a missing term would be visible


@pytest.mark.parametrize("divergence", ["closed-form", "monte-carlo"])
def test_the_path_is_unbiased_for_normals(divergence):
    objective = ELBO(samples=5, divergence=divergence, beta=3.0, warmup=10)
    model, right, mean, error = compare("normal", objective, step=5)
    assert ((mean - right).abs() < 5 * error + 1e-12).all()
    assert (right.abs() > 5 * error)[belongs_to(model, "posterior")].any()


@pytest.mark.parametrize("kind", MODELS)
def test_without_the_gradient_of_samples_only_the_posterior_is_biased(kind: str):
    model, right, mean, error = compare(kind, ELBO(samples=5, gradient="none"))
    off = (mean - right).abs() > 5 * error + 1e-12
    assert off[belongs_to(model, "posterior")].any()
    assert not off[belongs_to(model, "decoder", "prior")].any()


def test_one_example_and_one_sample_have_no_baseline_and_no_bias():
    model = categorical_model()
    example = EXAMPLES[:1]
    right = flat_gradient(exact_loss_of_codes(model, example, 1.0), model)
    mean, error = estimates(model, ELBO(gradient="score-function"), example, 400)
    assert ((mean - right).abs() < 5 * error + 1e-12).all()
    assert (right.abs() > 5 * error)[belongs_to(model, "posterior")].any()


# --- The correction -------------------------------------------------------------------------------


@pytest.mark.parametrize("divergence", ["closed-form", "monte-carlo"])
@pytest.mark.parametrize("samples", [1, 5])
@pytest.mark.parametrize("kind", MODELS)
def test_the_loss_does_not_depend_on_the_estimator(kind: str, samples: int, divergence):
    model = (
        MODELS[kind][0]().eval().requires_grad_(divergence == "closed-form")
    )  # else "none" would have nothing to train
    losses = []
    for gradient in ("none", "score-function"):
        torch.manual_seed(1)
        terms = ELBO(samples=samples, divergence=divergence, gradient=gradient)(model, EXAMPLES)
        losses.append(terms.loss.item())
        assert terms.loss.item() == pytest.approx(-terms.elbo.mean().item(), abs=1e-12)
    assert losses[0] == losses[1]


@pytest.mark.parametrize("kind", MODELS)
def test_an_encoder_without_gradient_is_refused(kind: str):
    with raises(ConfigError, "objective.divergence"):
        ELBO(divergence="monte-carlo", gradient="none")(MODELS[kind][0](), EXAMPLES)


@pytest.mark.parametrize("name", GRADIENT_ESTIMATORS)
def test_the_correction_has_the_value_zero(name: str):
    q = Independent(Normal(torch.randn(4, 2), torch.ones(4, 2)), 1)
    assert GRADIENT_ESTIMATORS[name].correction(torch.randn(5, 4), q, q.sample((5,))).item() == 0


@pytest.mark.parametrize("shape", [(5, 3), (1, 3)])
def test_the_baseline_is_the_mean_of_the_others(shape: tuple[int, int]):
    mu = torch.zeros(3, 1, dtype=torch.float64).requires_grad_()
    q = Independent(Normal(mu, torch.ones_like(mu)), 1)
    z = q.sample((shape[0],))
    signal = torch.randn(shape, dtype=torch.float64)
    (gradient,) = torch.autograd.grad(ScoreFunction().correction(signal, q, z), mu)
    expected = torch.zeros(3, 1, dtype=torch.float64)
    for k, b in itertools.product(*map(range, shape)):
        pool = signal[:, b] if shape[0] > 1 else signal[0]
        own = k if shape[0] > 1 else b
        baseline = torch.cat([pool[:own], pool[own + 1 :]]).mean()
        expected[b] += (signal[k, b] - baseline) * z[k, b] / signal.numel()  # d/dmu log q = z - mu
    torch.testing.assert_close(gradient, expected)


def without_baseline(signal: Tensor, q: IndependentCodes, z: Tensor) -> Tensor:
    return (signal.detach() * q.log_prob(z)).mean()


@pytest.mark.parametrize("samples", [1, 5])
def test_the_baseline_reduces_variance(samples: int):
    logits = torch.randn(4, L, K, dtype=torch.float64).requires_grad_()
    q = IndependentCodes(Codebook(torch.eye(K, dtype=torch.float64), L), logits)
    gradients: list[tuple[Tensor, ...]] = []
    for _ in range(400):
        z = q.sample((samples,))
        signal = 5 + z @ torch.arange(6.0, dtype=torch.float64)
        corrections = (ScoreFunction().correction(signal, q, z), without_baseline(signal, q, z))
        gradients.append(
            tuple(torch.autograd.grad(c, logits, retain_graph=True)[0] for c in corrections)
        )
    ours, plain = (torch.stack(each) for each in zip(*gradients, strict=True))
    assert ours.var(0).sum() < plain.var(0).sum() / 4
    error = (ours - plain).std(0) / math.sqrt(400)
    assert ((ours - plain).mean(0).abs() < 5 * error).all()  # and nothing else


# --- Refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [posteriors.VectorQuantized, posteriors.FiniteScalar])
def test_a_quantized_posterior_has_no_score(make):
    posterior = make(D, 4)
    model = VAE(
        encoder=nets.MLPEncoder((D,), 4, hidden=()),
        posterior=posterior,
        prior=priors.Uniform(posterior.latent),
        decoder=nets.MLPDecoder(4, (D,), hidden=()),
        likelihood=likelihoods.Bernoulli((D,)),
    ).double()
    with raises(ConfigError, "objective.gradient"):
        ELBO(gradient="score-function")(model, EXAMPLES)
    ELBO()(model, EXAMPLES).loss.backward()
    assert all(p.grad is not None and p.grad.any() for p in model.posterior.parameters())


def test_the_estimated_divergence_of_codes_has_no_path():
    model = categorical_model()
    objective = ELBO(divergence="monte-carlo")
    with raises(ConfigError, "objective.divergence"):
        objective(model, EXAMPLES)
    for part in (model.encoder, model.posterior):
        part.requires_grad_(False)
    objective(model, EXAMPLES).loss.backward()  # as a prior learns when all else has been trained
    (logits,) = model.prior.parameters()
    assert logits.grad is not None and logits.grad.any()


def test_free_bits_of_an_estimate_have_no_score():
    with raises(ConfigError, "objective.divergence"):
        ELBO(free_bits=0.1, divergence="monte-carlo", gradient="score-function")
