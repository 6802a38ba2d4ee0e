"""Models of five parts: shapes, densities, samples, codes."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from model_parts import SHAPE, vae
from torch import nn

from vaekit import ELBO, likelihoods, nets, posteriors, priors
from vaekit.core.codebook import Codebook
from vaekit.core.modules import ParameterCount
from vaekit.core.vae import VAE

# --- Shapes ---------------------------------------------------------------------------------------


def test_decoding_keeps_leading_dimensions():
    model = vae().double().eval()
    z = torch.randn(4, 5, 3, dtype=torch.float64)
    p = model.decode(z)
    assert (p.batch_shape, p.event_shape) == ((4, 5), SHAPE)
    one_by_one = torch.stack(
        [torch.stack([model.decode(z[k, b]).mean for b in range(5)]) for k in range(4)]
    )
    torch.testing.assert_close(p.mean, one_by_one)
    assert model.decode(z[0]).batch_shape == (5,)
    assert model.decode(z[0, 0]).batch_shape == ()


def test_the_joint_density_is_prior_times_likelihood():
    model = vae().double()
    x = torch.rand(5, *SHAPE, dtype=torch.float64)
    z = torch.randn(4, 5, 3, dtype=torch.float64)
    logits = model.decoder(z.flatten(0, 1)).unflatten(0, (4, 5))
    p = torch.sigmoid(logits)
    likelihood = (x * p.log() + (1 - x) * (1 - p).log()).sum((-3, -2, -1))
    prior = -0.5 * (z.square().sum(-1) + 3 * torch.log(torch.tensor(2 * torch.pi)))
    joint = model.log_joint(x, z)
    assert joint.shape == (4, 5)
    torch.testing.assert_close(joint, prior + likelihood)


def test_samples_and_reconstructions_have_the_datas_shape():
    model = vae()
    x = torch.rand(5, *SHAPE)
    assert model.sample(6).shape == (6, *SHAPE)
    assert model.reconstruct(x).shape == x.shape
    torch.testing.assert_close(
        model.reconstruct(x), torch.sigmoid(model.decoder(model.encode(x).mean))
    )
    assert not model.sample(2).requires_grad and not model.reconstruct(x).requires_grad
    assert (model.sample(2)[0] != model.sample(2)[1]).any()


def test_a_model_knows_its_shapes():
    model = vae(likelihood=likelihoods.Gaussian(SHAPE))
    assert (model.latent_shape, model.data_shape) == ((3,), SHAPE)
    assert model.count_parameters()["decoder"].trainable == (3 * 16 + 16) + (16 * 64 + 64) + 1
    assert ParameterCount(3, 4).total == 7


def test_parameters_of_a_distribution_are_never_in_half_precision():
    model = vae(likelihood=likelihoods.Gaussian(SHAPE))
    with torch.autocast("cpu", torch.bfloat16):
        q = model.encode(torch.rand(5, *SHAPE))
        p = model.decode(q.rsample())
    assert q.mean.dtype == q.stddev.dtype == p.mean.dtype == p.stddev.dtype == torch.float32


# --- Maps and codes -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "posterior", [posteriors.DiagonalNormal, partial(posteriors.VectorQuantized, codes=5, groups=2)]
)
def test_a_latent_may_be_a_map(posterior: Callable[..., nn.Module]):
    q = posterior((4, 2, 2), 6)
    z = q.latent
    prior, shape = (
        (priors.Uniform(z), z.shape) if isinstance(z, Codebook) else (priors.StandardNormal(z), z)
    )
    encoder = nets.ConvMapEncoder(SHAPE, 6, channels=(3, 4))
    decoder = nets.ConvMapDecoder(shape, SHAPE, channels=(3, 4))
    model = VAE(encoder, q, prior, decoder, likelihoods.Bernoulli(SHAPE))
    x = torch.rand(5, *SHAPE)
    z = model.encode(x).rsample((7,))
    assert model.latent_shape == (6, 2, 2) and z.shape == (7, 5, 6, 2, 2)
    assert model.decode(z).batch_shape == model.log_joint(x, z).shape == (7, 5)
    assert model.sample_prior(3).shape == (3, 6, 2, 2) and model.sample(3).shape == (3, *SHAPE)


def test_the_codebook_belongs_to_the_posterior_and_is_counted_once():
    q = posteriors.VectorQuantized(16, 6, codes=5, groups=2)
    prior = priors.Autoregressive(q.latent, width=8, layers=1, heads=2)
    model = vae(posterior=q, prior=prior, decoder=nets.MLPDecoder(6, SHAPE))
    assert model.codebook is q.latent and vae().codebook is None
    assert [name for name in model.state_dict() if name.endswith("vectors")] == [
        "posterior.latent.vectors"
    ]
    assert (
        model.count_parameters()["encoder"].fixed == 5 * 3 + 5 * 3 + 5
    )  # the codebook, and the averages that make it
    assert model.count_parameters()["prior"].fixed == 0


def test_a_discrete_reconstruction_goes_through_a_code():
    q = posteriors.Categorical(16, 4, classes=3)
    model = vae(
        posterior=q, prior=priors.Uniform(q.latent), decoder=nets.MLPDecoder(12, SHAPE)
    ).eval()
    x = torch.rand(5, *SHAPE)
    best = torch.nn.functional.one_hot(model.encode(x).logits.argmax(-1), 3).flatten(1).float()
    torch.testing.assert_close(model.reconstruct(x), model.decode(best).mean)


# --- A plain module -------------------------------------------------------------------------------


def test_a_plain_training_loop_lowers_the_loss():
    torch.manual_seed(0)
    model = vae()
    x = (torch.rand(64, *SHAPE) < torch.rand(SHAPE)).float()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    objective = ELBO()
    losses = []
    for _ in range(80):
        loss = objective(model, x).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.85 * losses[0]


def test_weights_move_between_models_by_state_dict():
    first = vae()
    second = vae()
    x = torch.rand(5, *SHAPE)
    second.load_state_dict(first.state_dict())
    torch.testing.assert_close(first.reconstruct(x), second.reconstruct(x), rtol=0, atol=0)
