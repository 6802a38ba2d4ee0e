from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Independent, Normal

from vaekit import ELBO, likelihoods, nets, posteriors, priors
from vaekit.core.codebook import Codebook
from vaekit.core.distribution_module import DistributionModule
from vaekit.core.vae import VAE, ParameterCount, check_fit, eval_mode
from vaekit.errors import ConfigError, DataError
from vaekit.nets.conditioned import ConditionedNet

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


class NoDistribution(DistributionModule):
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
        [
            "posterior DiagonalNormal",
            "prior StandardNormal",
            "(3,)",
            "(4,)",
            "give both the same latent_dim",
        ],
    ),
    "a decoder of another latent": (
        {"decoder": nets.MLPDecoder(5, SHAPE)},
        ["decoder MLPDecoder", "likelihood Bernoulli", "codes of shape (3,)"],
    ),
    "a decoder of another shape": (
        {"decoder": nets.MLPDecoder(3, (1, 7, 8))},
        [
            "decoder MLPDecoder",
            "Bernoulli",
            "(1, 7, 8)",
            "instead of (1, 8, 8)",
            "its output must be [batch, 1, 8, 8]",
        ],
    ),
    "a decoder with half the channels": (  # made for the data's shape, not for likelihood.parameter_shape
        {
            "encoder": nets.MLPEncoder((3, 8, 8), 3, hidden=(16,)),
            "decoder": nets.MLPDecoder(3, (3, 8, 8)),
            "likelihood": likelihoods.Gaussian((3, 8, 8), scale="learned"),
        },
        [
            "decoder MLPDecoder",
            "Gaussian",
            "do not fit for codes of shape (3,)",
            "its output must be [batch, 6, 8, 8]",
        ],
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
        [
            "likelihood WithoutShape",
            "no attribute 'shape'",
            "derive it from vaekit.likelihoods.Likelihood",
        ],
    ),
    "a posterior that gives a tensor": (
        {"posterior": NoDistribution(16)},
        [
            "encoder MLPEncoder",
            "posterior NoDistribution",
            "give Tensor",
            "must return a torch Distribution",
        ],
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
        with eval_mode(model):
            assert not any(module.training for module in model.modules())
            raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        fails()
    assert [module.training for module in model.modules()] == before


def test_the_check_draws_nothing_and_updates_no_statistics():
    state = torch.get_rng_state()
    model = vae(
        encoder=nn.Sequential(
            nets.ConvEncoder(SHAPE, 3, hidden=(16,), batch_norm=True), Drawing(), nn.Dropout()
        ),
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
    apart = torch.stack(
        [torch.stack([model.decode(z[k, b]).mean for b in range(5)]) for k in range(4)]
    )
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


# --- Conditional ----------------------------------------------------------------------------------------------------------

CLASSES = 3


def conditional_vae(prior: nn.Module | None = None) -> VAE:
    torch.manual_seed(0)
    shape, model_parts = (1 + CLASSES, 8, 8), parts(prior=prior or priors.StandardNormal(3))
    model_parts |= {
        "encoder": ConditionedNet(nets.MLPEncoder(shape, 3, hidden=(16,))),
        "decoder": ConditionedNet(nets.MLPDecoder(3 + CLASSES, SHAPE, hidden=(16,))),
    }
    return VAE(**model_parts, classes=CLASSES).double()


def class_normal() -> priors.ClassNormal:
    """The classes' means are -1, 0 and 1, and so are the logarithms of their variances."""
    prior = priors.ClassNormal(3, CLASSES)
    with torch.no_grad():
        for table in (prior.mu, prior.log_var):
            table.copy_(torch.tensor([[-1.0], [0.0], [1.0]]).expand(CLASSES, 3))
    return prior


X5, Z5 = torch.rand(5, *SHAPE, dtype=torch.float64), torch.randn(5, 3, dtype=torch.float64)
NEEDS_Y: dict[str, Callable[[VAE, Tensor | None], object]] = {
    "encode": lambda model, y: model.encode(X5, y),
    "decode": lambda model, y: model.decode(Z5, y),
    "prior_distribution": lambda model, y: model.prior_distribution(y),
    "log_joint": lambda model, y: model.log_joint(X5, Z5[None], y),
    "draw": lambda model, y: model.sample_prior(5, y),
    "sample": lambda model, y: model.sample(5, y),
    "reconstruct": lambda model, y: model.reconstruct(X5, y),
    "an objective": lambda model, y: ELBO()(model, X5, y),
}


@pytest.mark.parametrize("job", NEEDS_Y.values(), ids=NEEDS_Y)
def test_a_conditional_model_needs_its_condition(job: Callable[[VAE, Tensor | None], object]):
    model = conditional_vae(class_normal())
    job(model, torch.tensor([0, 1, 2, 0, 1]))
    for y, said in (
        (
            None,
            "^this model is conditional on 3 classes: give y, class numbers \\[B\\] or weights \\[B, C\\]$",
        ),
        (torch.eye(4)[:3], "^y has weights of 4 classes, this model is conditional on 3$"),
    ):
        with pytest.raises(DataError, match=said):
            job(model, y)


def test_there_is_one_class_for_each_row():
    with pytest.raises(DataError, match=r"^3 classes were given for 5 rows: give one for each$"):
        conditional_vae().encode(X5, torch.tensor([0, 1, 2]))


class Bare(DistributionModule):
    """A normal for each number, not one for each row."""

    def forward(self, features: Tensor) -> Normal:
        return Normal(features[:, :3], 1.0)


def test_a_posterior_that_is_not_one_distribution_for_each_row_is_refused():
    with pytest.raises(
        ConfigError,
        match=r"^posterior Bare gives [^\n]*: wrap it in torch.distributions.Independent\(q, 1\)$",
    ):
        vae(posterior=Bare())


@pytest.mark.parametrize(
    "y",
    [torch.tensor([0, 1, 3, 0, 1]), torch.tensor([0, 1, -1, 0, 1])],
    ids=["too large", "negative"],
)
def test_a_class_that_is_not_there_is_refused(y: Tensor):
    with pytest.raises(
        DataError, match=r"^y has class -?\d, this model is conditional on 3: 0 to 2$"
    ):
        conditional_vae().encode(X5, y)


def test_class_numbers_stand_for_weights_of_one():
    model, y = conditional_vae(class_normal()), torch.tensor([2, 0, 1, 1, 0])
    weights = torch.eye(CLASSES)[y]
    for numbers, one_hot in (
        (model.encode(X5, y).mean, model.encode(X5, weights).mean),
        (model.decode(Z5, y).mean, model.decode(Z5, weights).mean),
        (model.prior_distribution(y).mean, model.prior_distribution(weights).mean),
        (model.log_joint(X5, Z5[None], y), model.log_joint(X5, Z5[None], weights)),
    ):
        torch.testing.assert_close(numbers, one_hot, rtol=0, atol=0)


def test_half_a_class_lies_between_two():
    weights = torch.tensor([[0.5, 0.0, 0.5], [0.0, 0.5, 0.5]])
    prior = conditional_vae(class_normal()).prior_distribution(weights)
    torch.testing.assert_close(
        prior.mean, torch.tensor([[0.0] * 3, [0.5] * 3], dtype=torch.float64)
    )


def test_the_condition_changes_what_each_part_says():
    model = conditional_vae(class_normal())
    one, other = torch.zeros(5, dtype=torch.long), torch.ones(5, dtype=torch.long)
    assert (model.encode(X5, one).mean != model.encode(X5, other).mean).all()
    assert (model.decode(Z5, one).mean != model.decode(Z5, other).mean).any()
    assert (model.prior_distribution(one).mean != model.prior_distribution(other).mean).all()


def test_rows_are_conditioned_each_on_its_own_class_through_all_samples():
    model, y = conditional_vae(class_normal()), torch.tensor([2, 0, 1, 1, 0])
    z = torch.randn(4, 5, 3, dtype=torch.float64)
    p, joint = model.decode(z, y), model.log_joint(X5, z, y)
    assert p.batch_shape == joint.shape == (4, 5)
    for k in range(4):
        for b in range(5):
            alone = y[b : b + 1]
            torch.testing.assert_close(p.mean[k, b], model.decode(z[k, b : b + 1], alone).mean[0])
            torch.testing.assert_close(
                joint[k, b], model.log_joint(X5[b : b + 1], z[k : k + 1, b : b + 1], alone)[0, 0]
            )


def test_a_prior_of_classes_draws_one_code_for_each():
    model, y = conditional_vae(class_normal()), torch.arange(CLASSES).repeat(2000)
    z = model.sample_prior(len(y), y).unflatten(0, (2000, CLASSES))
    assert z.shape == (2000, CLASSES, 3)
    scale = torch.tensor([[-0.5], [0.0], [0.5]], dtype=torch.float64).exp()
    assert ((z.mean(0) - torch.tensor([[-1.0], [0.0], [1.0]])).abs() < 5 * scale / 2000**0.5).all()
    assert model.sample(len(y), y).shape == (len(y), *SHAPE)
    assert conditional_vae().draw(7, y[:7]).shape == (
        7,
        3,
    )  # of a prior that does not depend on the class


def test_an_unconditional_model_ignores_classes():
    model = vae().double()
    torch.testing.assert_close(
        model.encode(X5, torch.arange(5)).mean, model.encode(X5).mean, rtol=0, atol=0
    )


def test_the_check_of_a_conditional_model_names_the_parts():
    with pytest.raises(
        ConfigError, match=r"^encoder MLPEncoder and posterior DiagonalNormal do not fit [^\n]*$"
    ):
        VAE(**parts(), classes=CLASSES)


# --- Maps and codes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "posterior", [posteriors.DiagonalNormal, partial(posteriors.VectorQuantized, codes=5, groups=2)]
)
def test_a_latent_may_be_a_map(posterior: Callable[..., nn.Module]):
    q = posterior((4, 2, 2), 6)
    z = q.latent
    prior, shape = (
        (priors.Uniform(z), z.shape) if isinstance(z, Codebook) else (priors.StandardNormal(z), z)
    )
    encoder, decoder = (
        nets.ConvMapEncoder(SHAPE, 6, channels=(3, 4)),
        nets.ConvMapDecoder(shape, SHAPE, channels=(3, 4)),
    )
    model = VAE(encoder, q, prior, decoder, likelihoods.Bernoulli(SHAPE))
    x = torch.rand(5, *SHAPE)
    z = model.encode(x).rsample((7,))
    assert model.latent_shape == (6, 2, 2) and z.shape == (7, 5, 6, 2, 2)
    assert model.decode(z).batch_shape == model.log_joint(x, z).shape == (7, 5)
    assert model.sample_prior(3).shape == (3, 6, 2, 2) and model.sample(3).shape == (3, *SHAPE)


def test_codes_are_the_posteriors_own_and_counted_once():
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


@pytest.mark.parametrize(
    ("posterior", "size"),
    [
        (partial(posteriors.Categorical, classes=3), 12),
        (partial(posteriors.VectorQuantized, codes=5), 4),
    ],
    ids=["categorical", "quantised"],
)
def test_a_density_is_no_prior_of_discrete_codes(posterior: Callable[..., nn.Module], size: int):
    with pytest.raises(
        ConfigError, match=r"^one of posterior \w+ and prior StandardNormal is discrete [^\n]*$"
    ):
        vae(
            posterior=posterior(16, 4),
            prior=priors.StandardNormal(size),
            decoder=nets.MLPDecoder(size, SHAPE),
        )


def test_a_discrete_reconstruction_goes_through_a_code():
    q = posteriors.Categorical(16, 4, classes=3)
    model = vae(
        posterior=q, prior=priors.Uniform(q.latent), decoder=nets.MLPDecoder(12, SHAPE)
    ).eval()
    x = torch.rand(5, *SHAPE)
    best = torch.nn.functional.one_hot(model.encode(x).logits.argmax(-1), 3).flatten(1).float()
    torch.testing.assert_close(model.reconstruct(x), model.decode(best).mean)


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
