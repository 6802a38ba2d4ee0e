"""The check that the parts of a model fit together."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from model_parts import SHAPE, parts, vae
from torch import Tensor, nn
from torch.distributions import Independent, Normal

from raising import raises
from vaekit import likelihoods, nets, posteriors, priors
from vaekit.core.compatibility import check_fit
from vaekit.core.distribution_module import DistributionModule
from vaekit.core.modules import eval_mode
from vaekit.core.vae import VAE
from vaekit.errors import ConfigError

# --- Parts that do not fit ------------------------------------------------------------------------


class NoDistribution(DistributionModule):
    def __init__(self, features: int):
        super().__init__()
        self.layer = nn.Linear(features, 3)

    def forward(self, features: Tensor | None = None):
        return self.layer(features)


class WithoutShape(nn.Module):
    def forward(self, features: Tensor):
        return Independent(Normal(features, torch.ones(())), 3)


# Parts of another model, the part at fault, and the classes of the two parts that do not fit.
MISFITS = {
    "a prior of another size": (
        {"prior": priors.StandardNormal(4)},
        "prior",
        ("DiagonalNormal", "StandardNormal"),
    ),
    "a decoder of another latent code": (
        {"decoder": nets.MLPDecoder(5, SHAPE)},
        "decoder",
        ("MLPDecoder", "Bernoulli"),
    ),
    "a decoder of another shape": (
        {"decoder": nets.MLPDecoder(3, (1, 7, 8))},
        "decoder",
        ("MLPDecoder", "Bernoulli"),
    ),
    "a decoder with half the channels": (  # the data's shape, not that of the parameters
        {
            "encoder": nets.MLPEncoder((3, 8, 8), 3, hidden=(16,)),
            "decoder": nets.MLPDecoder(3, (3, 8, 8)),
            "likelihood": likelihoods.Gaussian((3, 8, 8), scale="learned"),
        },
        "decoder",
        ("MLPDecoder", "Gaussian"),
    ),
    "a decoder with one channel of two": (
        {"likelihood": likelihoods.Gaussian(SHAPE, scale="learned")},
        "decoder",
        ("MLPDecoder", "Gaussian"),
    ),
    "a posterior of other features": (
        {"posterior": posteriors.DiagonalNormal(17, 3)},
        "encoder",
        ("MLPEncoder", "DiagonalNormal"),
    ),
    "an encoder of other data": (
        {"encoder": nets.MLPEncoder((1, 9, 9), 3, hidden=(16,))},
        "encoder",
        ("MLPEncoder", "DiagonalNormal"),
    ),
    "a likelihood without shape": (
        {"likelihood": WithoutShape()},
        "likelihood",
        ("WithoutShape",),
    ),
    "a posterior that returns a tensor": (
        {"posterior": NoDistribution(16)},
        "posterior",
        ("MLPEncoder", "NoDistribution"),
    ),
    "an encoder that returns a tuple": (
        {"encoder": nn.LSTM(8, 8)},
        "encoder",
        ("LSTM", "DiagonalNormal"),
    ),
}


@pytest.mark.parametrize(("replaced", "parameter", "classes"), MISFITS.values(), ids=MISFITS)
def test_a_misfit_names_both_parts(
    replaced: dict[str, nn.Module], parameter: str, classes: tuple[str, ...]
):
    with raises(ConfigError, parameter):
        vae(**replaced)
    with pytest.raises(ConfigError) as caught:
        vae(**replaced)
    assert all(name in str(caught.value) for name in classes)


class Bare(DistributionModule):
    """A normal for each number, not one for each example."""

    def forward(self, features: Tensor) -> Normal:
        return Normal(features[:, :3], 1.0)


def test_a_posterior_that_is_not_one_distribution_for_each_example_is_refused():
    with raises(ConfigError, "posterior"):
        vae(posterior=Bare())


@pytest.mark.parametrize(
    ("posterior", "size"),
    [
        (partial(posteriors.Categorical, classes=3), 12),
        (partial(posteriors.VectorQuantized, codes=5), 4),
    ],
    ids=["categorical", "quantized"],
)
def test_a_density_is_no_prior_of_discrete_codes(posterior: Callable[..., nn.Module], size: int):
    with raises(ConfigError, "prior"):
        vae(
            posterior=posterior(16, 4),
            prior=priors.StandardNormal(size),
            decoder=nets.MLPDecoder(size, SHAPE),
        )


# --- The check leaves no trace --------------------------------------------------------------------


class Noisy(nn.Module):
    """A net that samples noise in training mode, as dropout does."""

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


def test_modes_are_restored_if_the_block_fails():
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


def test_the_check_samples_nothing_and_updates_no_statistics():
    state = torch.get_rng_state()
    model = vae(
        encoder=nn.Sequential(
            nets.ConvEncoder(SHAPE, 3, hidden=(16,), batch_norm=True), Noisy(), nn.Dropout()
        ),
        decoder=nets.ConvDecoder(3, SHAPE, batch_norm=True),
    )
    state_after_construction = torch.get_rng_state()
    assert (state != state_after_construction).any()
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    check_fit(model)
    torch.testing.assert_close(torch.get_rng_state(), state_after_construction, rtol=0, atol=0)
    torch.testing.assert_close(dict(model.named_buffers()), buffers, rtol=0, atol=0)
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_the_check_runs_in_the_models_precision(dtype: torch.dtype):
    model = VAE(**{name: part.to(dtype) for name, part in parts().items()})
    assert {parameter.dtype for parameter in model.parameters()} == {dtype}
