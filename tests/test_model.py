import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Independent, Normal

from vaekit import ELBO, likelihoods, nets, posteriors, priors
from vaekit.conditional import Conditional
from vaekit.errors import ConfigError
from vaekit.model import VAE, ParameterCount, check_fit, evaluating

SHAPE = (1, 8, 8)


def parts(**replaced: nn.Module) -> dict[str, nn.Module]:
    return {
        "encoder": nets.MLPEncoder(SHAPE, 3, hidden=(16,)),
        "posterior": posteriors.DiagonalNormal(16, 3),
        "prior": priors.StandardNormal(3),
        "decoder": nets.MLPDecoder(3, SHAPE, hidden=(16,)),
        "likelihood": likelihoods.Bernoulli(SHAPE),
    } | replaced


def vae(**replaced: nn.Module) -> VAE:
    return VAE(**parts(**replaced))


# --- Parts that do not fit ------------------------------------------------------------------------------------------------


class NoDistribution(Conditional):
    def __init__(self, features: int):
        super().__init__()
        self.layer = nn.Linear(features, 3)

    def forward(self, features: Tensor | None = None):
        return self.layer(features)


class WithoutShape(nn.Module):
    def forward(self, features: Tensor):
        return Independent(Normal(features, torch.ones(())), 3)


MISFITS = {
    "another latent_dim": (
        {"prior": priors.StandardNormal(4)},
        ["posterior DiagonalNormal", "prior StandardNormal", "(3,)", "(4,)", "give both the same latent_dim"],
    ),
    "a decoder of another latent": (
        {"decoder": nets.MLPDecoder(5, SHAPE)},
        ["decoder MLPDecoder", "likelihood Bernoulli", "codes of shape (3,)"],
    ),
    "a decoder of another shape": (
        {"decoder": nets.MLPDecoder(3, (1, 7, 8))},
        ["decoder MLPDecoder", "Bernoulli", "(1, 7, 8)", "instead of (1, 8, 8)", "its output must be [batch, 1, 8, 8]"],
    ),
    "a decoder with half the channels": (  # made for the data's shape, not for likelihood.parameter_shape
        {
            "encoder": nets.MLPEncoder((3, 8, 8), 3, hidden=(16,)),
            "decoder": nets.MLPDecoder(3, (3, 8, 8)),
            "likelihood": likelihoods.Gaussian((3, 8, 8), scale="learned"),
        },
        ["decoder MLPDecoder", "Gaussian", "instead of (3, 8, 8)", "its output must be [batch, 6, 8, 8]"],
    ),
    "a decoder with one channel of two": (
        {"likelihood": likelihoods.Gaussian(SHAPE, scale="learned")},
        ["decoder MLPDecoder", "Gaussian", "its output must be [batch, 2, 8, 8]"],
    ),
    "a posterior of other features": (
        {"posterior": posteriors.DiagonalNormal(17, 3)},
        ["encoder MLPEncoder", "posterior DiagonalNormal", "data of shape (1, 8, 8)"],
    ),
    "an encoder of other data": (
        {"encoder": nets.MLPEncoder((1, 9, 9), 3, hidden=(16,))},
        ["encoder MLPEncoder", "posterior DiagonalNormal", "data of shape (1, 8, 8)"],
    ),
    "a likelihood without shape": (
        {"likelihood": WithoutShape()},
        ["likelihood WithoutShape", "no attribute 'shape'", "derive it from vaekit.likelihoods.Likelihood"],
    ),
    "a posterior that gives a tensor": (
        {"posterior": NoDistribution(16)},
        ["encoder MLPEncoder", "posterior NoDistribution", "give Tensor", "must return a torch Distribution"],
    ),
    "an encoder that gives a tuple": (
        {"encoder": nn.LSTM(8, 8)},
        ["encoder LSTM", "posterior DiagonalNormal", "data of shape (1, 8, 8)"],
    ),
}


@pytest.mark.parametrize(("replaced", "said"), MISFITS.values(), ids=MISFITS)
def test_a_misfit_names_both_parts_and_the_remedy(replaced: dict[str, nn.Module], said: list[str]):
    with pytest.raises(ConfigError) as caught:
        vae(**replaced)
    message = str(caught.value)
    assert "\n" not in message
    assert [words for words in said if words not in message] == [], message


# --- The check leaves no trace --------------------------------------------------------------------------------------------


class Drawing(nn.Module):
    """A net that draws, as dropout does, where it is in training mode."""

    def forward(self, x: Tensor) -> Tensor:
        return x + torch.randn_like(x) if self.training else x


def test_the_check_keeps_every_modules_mode():
    model = vae(encoder=nets.MLPEncoder(SHAPE, 3, hidden=(16,), batch_norm=True))
    for module in (model.get_submodule("encoder.layers.3"), model.posterior, model.likelihood):
        module.eval()
    before = {name: module.training for name, module in model.named_modules()}
    assert {True, False} == set(before.values())
    check_fit(model)
    assert {name: module.training for name, module in model.named_modules()} == before


def test_modes_come_back_where_the_block_fails():
    model = vae()
    model.decoder.eval()
    before = [module.training for module in model.modules()]

    def fails() -> None:
        with evaluating(model):
            assert not any(module.training for module in model.modules())
            raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        fails()
    assert [module.training for module in model.modules()] == before


def test_the_check_draws_nothing_and_updates_no_statistics():
    state = torch.get_rng_state()
    model = vae(
        encoder=nn.Sequential(nets.ConvEncoder(SHAPE, 3, hidden=(16,), batch_norm=True), Drawing(), nn.Dropout()),
        decoder=nets.ConvDecoder(3, SHAPE, batch_norm=True),
    )
    drawn_by_the_start = torch.get_rng_state()
    assert (state != drawn_by_the_start).any()
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    check_fit(model)
    torch.testing.assert_close(torch.get_rng_state(), drawn_by_the_start, rtol=0, atol=0)
    torch.testing.assert_close(dict(model.named_buffers()), buffers, rtol=0, atol=0)
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_the_check_runs_in_the_models_precision(dtype: torch.dtype):
    made = parts()
    model = VAE(**{name: part.to(dtype) for name, part in made.items()})
    assert {parameter.dtype for parameter in model.parameters()} == {dtype}


# --- Shapes ---------------------------------------------------------------------------------------------------------------


def test_decoding_keeps_leading_dimensions():
    model = vae().double().eval()
    z = torch.randn(4, 5, 3, dtype=torch.float64)
    p = model.decode(z)
    assert (p.batch_shape, p.event_shape) == ((4, 5), SHAPE)
    apart = torch.stack([torch.stack([model.decode(z[k, b]).mean for b in range(5)]) for k in range(4)])
    torch.testing.assert_close(p.mean, apart)
    assert model.decode(z[0]).batch_shape == (5,)
    assert model.decode(z[0, 0]).batch_shape == ()


def test_the_joint_density_is_prior_times_likelihood():
    model = vae().double()
    x, z = torch.rand(5, *SHAPE, dtype=torch.float64), torch.randn(4, 5, 3, dtype=torch.float64)
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
    torch.testing.assert_close(model.reconstruct(x), torch.sigmoid(model.decoder(model.encode(x).mean)))
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


# --- A plain module -------------------------------------------------------------------------------------------------------


def test_a_loop_of_ones_own_lowers_the_loss():
    torch.manual_seed(0)
    model, x = vae(), (torch.rand(64, *SHAPE) < torch.rand(SHAPE)).float()
    optimizer, objective = torch.optim.Adam(model.parameters(), lr=0.01), ELBO()
    losses = []
    for _ in range(80):
        loss = objective(model, x).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.85 * losses[0]


def test_weights_move_between_models_by_state_dict():
    first, second = vae(), vae()
    x = torch.rand(5, *SHAPE)
    second.load_state_dict(first.state_dict())
    torch.testing.assert_close(first.reconstruct(x), second.reconstruct(x), rtol=0, atol=0)
