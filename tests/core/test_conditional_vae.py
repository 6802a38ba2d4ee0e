"""Models that are conditional on a class."""

from collections.abc import Callable

import pytest
import torch
from model_parts import SHAPE, parts, vae
from torch import Tensor, nn

from raising import raises
from vaekit import ELBO, nets, priors
from vaekit.core.vae import VAE
from vaekit.errors import ConfigError, DataError
from vaekit.nets.conditioned import ConditionedNet

CLASSES = 3


def conditional_vae(prior: nn.Module | None = None) -> VAE:
    torch.manual_seed(0)
    shape = (1 + CLASSES, 8, 8)
    model_parts = parts(prior=prior or priors.StandardNormal(3))
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


X5 = torch.rand(5, *SHAPE, dtype=torch.float64)
Z5 = torch.randn(5, 3, dtype=torch.float64)
NEEDS_Y: dict[str, Callable[[VAE, Tensor | None], object]] = {
    "encode": lambda model, y: model.encode(X5, y),
    "decode": lambda model, y: model.decode(Z5, y),
    "prior_distribution": lambda model, y: model.prior_distribution(y),
    "log_joint": lambda model, y: model.log_joint(X5, Z5[None], y),
    "sample_prior": lambda model, y: model.sample_prior(5, y),
    "sample": lambda model, y: model.sample(5, y),
    "reconstruct": lambda model, y: model.reconstruct(X5, y),
    "an objective": lambda model, y: ELBO()(model, X5, y),
}


@pytest.mark.parametrize("job", NEEDS_Y.values(), ids=NEEDS_Y)
def test_a_conditional_model_needs_its_condition(job: Callable[[VAE, Tensor | None], object]):
    model = conditional_vae(class_normal())
    job(model, torch.tensor([0, 1, 2, 0, 1]))
    for wrong in (None, torch.eye(4)[:3]):
        with raises(DataError, "y"):
            job(model, wrong)


def test_there_is_one_class_for_each_example():
    with raises(DataError, "y"):
        conditional_vae().encode(X5, torch.tensor([0, 1, 2]))


@pytest.mark.parametrize(
    "y",
    [torch.tensor([0, 1, 3, 0, 1]), torch.tensor([0, 1, -1, 0, 1])],
    ids=["too large", "negative"],
)
def test_an_unknown_class_is_refused(y: Tensor):
    with raises(DataError, "y"):
        conditional_vae().encode(X5, y)


def test_class_numbers_stand_for_weights_of_one():
    model = conditional_vae(class_normal())
    y = torch.tensor([2, 0, 1, 1, 0])
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


def test_the_condition_changes_every_part():
    model = conditional_vae(class_normal())
    one = torch.zeros(5, dtype=torch.long)
    other = torch.ones(5, dtype=torch.long)
    assert (model.encode(X5, one).mean != model.encode(X5, other).mean).all()
    assert (model.decode(Z5, one).mean != model.decode(Z5, other).mean).any()
    assert (model.prior_distribution(one).mean != model.prior_distribution(other).mean).all()


def test_examples_are_conditioned_each_on_its_own_class_through_all_samples():
    model = conditional_vae(class_normal())
    y = torch.tensor([2, 0, 1, 1, 0])
    z = torch.randn(4, 5, 3, dtype=torch.float64)
    p = model.decode(z, y)
    joint = model.log_joint(X5, z, y)
    assert p.batch_shape == joint.shape == (4, 5)
    for k in range(4):
        for b in range(5):
            alone = y[b : b + 1]
            torch.testing.assert_close(p.mean[k, b], model.decode(z[k, b : b + 1], alone).mean[0])
            torch.testing.assert_close(
                joint[k, b], model.log_joint(X5[b : b + 1], z[k : k + 1, b : b + 1], alone)[0, 0]
            )


def test_a_prior_of_classes_samples_one_code_for_each_class():
    model = conditional_vae(class_normal())
    y = torch.arange(CLASSES).repeat(2000)
    z = model.sample_prior(len(y), y).unflatten(0, (2000, CLASSES))
    assert z.shape == (2000, CLASSES, 3)
    scale = torch.tensor([[-0.5], [0.0], [0.5]], dtype=torch.float64).exp()
    assert ((z.mean(0) - torch.tensor([[-1.0], [0.0], [1.0]])).abs() < 5 * scale / 2000**0.5).all()
    assert model.sample(len(y), y).shape == (len(y), *SHAPE)
    assert conditional_vae().sample_prior(7, y[:7]).shape == (
        7,
        3,
    )  # of a prior that does not depend on the class


def test_an_unconditional_model_ignores_classes():
    model = vae().double()
    torch.testing.assert_close(
        model.encode(X5, torch.arange(5)).mean, model.encode(X5).mean, rtol=0, atol=0
    )


def test_the_check_of_a_conditional_model_names_the_parts():
    with raises(ConfigError, "encoder"):
        VAE(**parts(), classes=CLASSES)
