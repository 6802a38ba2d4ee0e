import math

import pytest
import torch

from raising import raises
from vaekit.core.codebook import Codebook
from vaekit.errors import ConfigError
from vaekit.priors import StandardNormal, Uniform

CODES = Codebook(torch.eye(5), groups=2, map=(3, 3))


def test_all_codes_have_the_same_probability():
    p = Uniform(CODES)()
    assert (p.batch_shape, p.event_shape) == ((), (10, 3, 3))
    z = CODES.embed(torch.randint(5, (7, 4, 18)))
    torch.testing.assert_close(p.log_prob(z), torch.full((7, 4), -18 * math.log(5)))
    torch.testing.assert_close(p.entropy(), torch.tensor(18 * math.log(5)))


def test_samples_are_codes_and_each_is_as_frequent():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        z = Uniform(CODES)().sample((2000,))
    indices = CODES.indices(z)
    assert torch.equal(CODES.embed(indices), z)
    shares = (indices.unsqueeze(-1) == torch.arange(5)).double().mean(0)
    assert ((shares - 0.2).abs() < 5 * math.sqrt(0.16 / 2000)).all()


def test_the_condition_changes_nothing_and_nothing_is_learned():
    prior = Uniform(CODES, 3)
    assert torch.equal(prior(torch.eye(3)).probs, prior().probs)
    assert not prior.state_dict()


@pytest.mark.parametrize("latent", [2, (2, 7, 7)])
def test_a_continuous_latent_is_refused(latent):
    with raises(ConfigError, "prior"):
        Uniform(latent)


def test_codes_are_refused_by_a_density():
    with raises(ConfigError, "prior"):
        StandardNormal(CODES)
