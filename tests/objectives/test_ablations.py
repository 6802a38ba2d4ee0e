import pytest
import torch
from torch import Tensor, nn

from raising import raises
from vaekit import likelihoods, nets, posteriors, priors
from vaekit.core.vae import VAE
from vaekit.errors import ConfigError
from vaekit.objectives import ELBO, DivergenceOnly, Objective, ReconstructionOnly, Terms

D = 8
L = 2


def vae(posterior: nn.Module | None = None, prior: nn.Module | None = None, latent: int = L) -> VAE:
    return VAE(
        encoder=nets.MLPEncoder((D,), latent, hidden=(6,), activation="tanh"),
        posterior=posterior or posteriors.DiagonalNormal(6, latent),
        prior=prior or priors.StandardNormal(latent),
        decoder=nets.MLPDecoder(latent, (D,), hidden=(6,), activation="tanh"),
        likelihood=likelihoods.Gaussian((D,), scale=0.3),
    ).double()


def categorical() -> VAE:
    posterior = posteriors.Categorical(6, L, classes=3)
    return vae(posterior, priors.Uniform(posterior.latent), 3 * L)


def coupled() -> VAE:
    """A categorical posterior and a prior that couples its variables: no closed form is known."""
    posterior = posteriors.Categorical(6, L, classes=3)
    return vae(
        posterior, priors.Autoregressive(posterior.latent, width=8, layers=1, heads=2), 3 * L
    )


def deterministic() -> VAE:
    return vae(posteriors.Deterministic(6, L))


def quantized() -> VAE:
    posterior = posteriors.VectorQuantized(6, L, codes=4)
    return vae(posterior, priors.Uniform(posterior.latent))


def examples(count: int = 16) -> Tensor:
    """Data near a plane."""
    return (
        torch.randn(count, L, dtype=torch.float64) @ torch.ones(L, D).triu().double()
        + 0.1 * torch.randn(count, D).double()
    )


def terms_of(objective: Objective, model: VAE, x: Tensor) -> Terms:
    """The terms for fixed noise."""
    torch.manual_seed(1)
    return objective(model, x)


def train(model: VAE, objective: Objective, x: Tensor, updates: int = 200) -> Terms:
    optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
    for _ in range(updates):
        optimizer.zero_grad()
        objective(model, x).loss.backward()
        optimizer.step()
    return objective(model, x)


# --- The terms ------------------------------------------------------------------------------------


@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("make", [vae, categorical])
def test_the_loss_is_one_term_and_both_are_reported(make, samples: int):
    model = make()
    x = examples()
    both = terms_of(ELBO(samples=samples), model, x)
    reconstruction = terms_of(ReconstructionOnly(samples=samples), model, x)
    divergence = terms_of(DivergenceOnly(samples=samples), model, x)
    for terms in (reconstruction, divergence):
        torch.testing.assert_close(terms.log_likelihood, both.log_likelihood, rtol=0, atol=0)
        torch.testing.assert_close(terms.divergence, both.divergence, rtol=0, atol=0)
        torch.testing.assert_close(terms.elbo, both.elbo, rtol=0, atol=0)
    torch.testing.assert_close(reconstruction.loss, -both.log_likelihood.mean())
    torch.testing.assert_close(divergence.loss, both.divergence.sum(-1).mean())
    torch.testing.assert_close(reconstruction.loss + divergence.loss, both.loss)
    assert min(reconstruction.loss.item(), divergence.loss.item()) > 0.1


def test_penalties_belong_to_the_reconstruction():
    model = quantized().eval()
    x = examples()
    terms = terms_of(ReconstructionOnly(), model, x)
    assert set(terms.penalties) == {"commitment"} and terms.penalties["commitment"] > 0
    torch.testing.assert_close(
        terms.loss, terms.reconstruction.mean() + terms.penalties["commitment"]
    )


def gradients(objective: Objective, model: VAE, x: Tensor) -> dict[str, bool]:
    """Which parts have a gradient."""
    model.zero_grad(set_to_none=True)
    objective(model, x).loss.backward()
    parts = {name: getattr(model, name) for name in ("encoder", "posterior", "decoder")}
    return {
        name: any(p.grad is not None and bool(p.grad.any()) for p in part.parameters())
        for name, part in parts.items()
    }


@pytest.mark.parametrize("make", [vae, categorical])
def test_the_decoder_learns_from_the_reconstruction_only(make):
    model = make()
    x = examples()
    assert gradients(DivergenceOnly(), model, x) == {
        "encoder": True,
        "posterior": True,
        "decoder": False,
    }
    assert gradients(ReconstructionOnly(), model, x) == {
        "encoder": True,
        "posterior": True,
        "decoder": True,
    }


# --- What they do ---------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [vae, categorical])
def test_without_the_reconstruction_the_posterior_becomes_the_prior(make):
    model = make()
    x = examples()
    decoder = {name: p.clone() for name, p in model.decoder.named_parameters()}
    before = DivergenceOnly()(model, x).loss.item()
    assert before > 0.1
    assert train(model, DivergenceOnly(), x).divergence.sum(-1).max().item() < before / 100
    assert all(torch.equal(p, decoder[name]) for name, p in model.decoder.named_parameters())


def test_without_the_divergence_the_posterior_narrows():
    x = examples()
    sigma = {}
    divergence = {}
    for objective in (ELBO(), ReconstructionOnly()):
        torch.manual_seed(2)
        model = vae()
        name = type(objective).__name__
        divergence[name] = train(model, objective, x).divergence.sum(-1).mean().item()
        sigma[name] = model.encode(x).variance.sqrt().mean().item()
    assert sigma["ReconstructionOnly"] < 0.75 * sigma["ELBO"] < 0.5
    assert divergence["ReconstructionOnly"] > divergence["ELBO"] + 1


# --- Posteriors without a divergence to lower -----------------------------------------------------


def test_a_deterministic_posterior_is_a_plain_autoencoder():
    model = deterministic()
    x = examples()
    terms = ReconstructionOnly(samples=2)(model, x)
    assert terms.divergence.shape == (16, 0)
    torch.testing.assert_close(
        terms.log_likelihood, model.decode(model.encode(x).mean).log_prob(x).expand(2, 16)
    )
    assert train(model, ReconstructionOnly(), x).loss.item() < terms.loss.item() / 2
    with raises(ConfigError, "objective"):
        ELBO()(model, x)


@pytest.mark.parametrize("make", [deterministic, quantized, coupled])
def test_a_divergence_without_a_gradient_is_refused(make):
    with raises(ConfigError, "objective"):
        DivergenceOnly()(make(), examples())
