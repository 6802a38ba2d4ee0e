"""Annealed importance sampling: noise by batch, step sizes by earlier chains, continuous z only."""

import numpy as np
import pytest
import torch
from torch import Tensor

import test_linear_gaussian as linear
import vaekit
from raising import raises
from vaekit.data import Transform
from vaekit.errors import ConfigError
from vaekit.evaluation import ais_bound
from vaekit.inputs import MAX_VALUES, ModelInputs, values_per_example

pytestmark = pytest.mark.slow

STEPS = 60


def inputs_of(x: Tensor) -> ModelInputs:
    return ModelInputs(x.numpy(), Transform("real"))


def test_several_batches_have_exact_bounds_at_the_true_posterior():
    """10,000 chains: some 34 examples make a batch."""
    inputs = inputs_of(linear.X.repeat(6, 1))
    bound = ais_bound(linear.linear_model(), inputs, steps=1, chains=10_000).bound
    torch.testing.assert_close(bound, linear.TRUTH.repeat(6), rtol=0, atol=1e-8)


def test_equal_examples_of_different_batches_have_different_noise():
    inputs = inputs_of(linear.X[:1].repeat(70, 1))
    model = linear.linear_model(linear.SHIFT, linear.WIDER)
    assert len(ais_bound(model, inputs, steps=1, chains=10_000).bound.unique()) == 70


@pytest.mark.nightly
def test_acceptance_is_the_mean_over_all_batches():
    model = linear.linear_model(linear.SHIFT, linear.WIDER)
    chains = 10_000
    size = MAX_VALUES // (values_per_example(model) * chains)
    alone, together = (
        ais_bound(
            model, inputs_of(linear.X[:1].repeat(count, 1)), steps=2, chains=chains
        ).acceptance
        for count in (size, 3 * size)
    )
    assert alone != together
    assert alone == pytest.approx(together, abs=0.01)


def record_transitions(monkeypatch) -> list[Tensor]:
    """The positions of every Hamiltonian transition of one chain per example, [positions, N, L].

    The model is asked for a gradient at every position of a transition, and without one in between.
    """
    model = linear.linear_model()
    log_joint = model.log_joint
    transitions: list[list[Tensor]] = [[]]

    def record(x: Tensor, z: Tensor, y: Tensor | None = None) -> Tensor:
        if z.requires_grad:
            transitions[-1].append(z.detach().squeeze(0))
        elif transitions[-1]:
            transitions.append([])
        return log_joint(x, z, y)

    monkeypatch.setattr(model, "log_joint", record)
    ais_bound(model, inputs_of(linear.X), steps=STEPS, chains=1)
    return [torch.stack(positions) for positions in transitions if positions]


def step_sizes(transition: Tensor) -> Tensor:
    """The step size of each example, [N], in standard deviations of q.

    At the true posterior, every intermediate target is q itself, so that
    z_(k+1) - 2 z_k + z_(k-1) = -size^2 (z_k - mean) in every dimension, for any momentum.
    """
    curvature = transition[2:] - 2 * transition[1:-1] + transition[:-2]
    offset = linear.TRUE_POSTERIOR.mean - transition[1:-1]
    return ((curvature * offset).sum((0, 2)) / offset.square().sum((0, 2))).sqrt()


def test_chains_that_count_use_the_step_sizes_that_earlier_chains_adapted(monkeypatch):
    transitions = record_transitions(monkeypatch)
    count = STEPS - 1
    adapting = torch.stack(transitions[:count])
    counted = torch.stack(transitions[count:])
    assert adapting.shape == counted.shape
    assert (adapting[1:] != counted[1:]).all()  # different noise
    adapted, used = (
        torch.stack([step_sizes(transition) for transition in each]) for each in (adapting, counted)
    )
    torch.testing.assert_close(used[:-1], adapted[1:], rtol=1e-6, atol=0)
    assert adapted[-1].max() > 1.1 * adapted[-1].min()  # examples differ


def test_chains_are_accepted_independently_of_one_another():
    """The acceptance of 400 chains differs little by seed; of chains that move together it does."""
    inputs = inputs_of(linear.X[:1].repeat(400, 1))
    model = linear.linear_model(linear.SHIFT, linear.WIDER)
    acceptances = [
        ais_bound(model, inputs, steps=30, chains=1, seed=seed).acceptance for seed in range(4)
    ]
    assert np.std(acceptances) < 0.01


@pytest.mark.parametrize("posterior", ["deterministic", "categorical"])
def test_a_posterior_without_a_density_is_refused(posterior):
    model = vaekit.build("mlp", np.zeros((10, 6)), posterior=posterior, latent_dim=2)
    with raises(ConfigError, "ais_steps"):
        ais_bound(model, ModelInputs(np.zeros((4, 6), np.float32), Transform("real")))
