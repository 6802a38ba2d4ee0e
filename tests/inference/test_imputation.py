"""Imputed values, against a model whose conditional means are known."""

import numpy as np
import pytest
import torch
from torch.distributions import MultivariateNormal

import test_linear_gaussian as linear
from raising import raises
from vaekit import build, nets, posteriors, priors
from vaekit.core.vae import VAE
from vaekit.errors import ConfigError
from vaekit.inference.imputation import impute
from vaekit.likelihoods import Likelihood

pytestmark = pytest.mark.slow

X = linear.X
EXAMPLES, D = X.shape


def conditional_mean(missing: torch.Tensor) -> torch.Tensor:
    """E[x_m|x_o] of every example, by the joint normal distribution of x."""
    covariance = linear.W @ linear.W.T + linear.S**2 * torch.eye(D, dtype=torch.float64)
    mean = linear.B
    completed = X.clone()
    for i, is_missing in enumerate(missing):
        observed = ~is_missing
        solved = torch.linalg.solve(
            covariance[observed][:, observed], X[i, observed] - mean[observed]
        )
        completed[i, is_missing] = mean[is_missing] + covariance[is_missing][:, observed] @ solved
    return completed


@pytest.mark.parametrize(("iterations", "proposals"), [(6000, 1), (800, 50)])
def test_with_the_true_posterior_the_mean_is_that_of_the_joint_distribution(iterations, proposals):
    missing = torch.rand(EXAMPLES, D) < 0.4
    missing[:, 0] = False
    incomplete = torch.where(missing, torch.tensor(1e3).double(), X)
    imputed = impute(
        linear.linear_model(), incomplete, missing, iterations=iterations, proposals=proposals
    )
    torch.testing.assert_close(imputed, conditional_mean(missing), rtol=0, atol=0.12)


def test_iterations_that_still_depend_on_the_initial_values_are_not_averaged():
    missing = torch.rand(EXAMPLES, D) < 0.4
    missing[:, 0] = False
    repeated = X.repeat(400, 1), missing.repeat(400, 1)
    imputed = impute(linear.linear_model(), *repeated, iterations=20, proposals=1)
    mean = imputed.reshape(400, EXAMPLES, D).mean(0)
    torch.testing.assert_close(mean, conditional_mean(missing), rtol=0, atol=0.12)


def test_with_a_poor_posterior_more_proposals_are_closer():
    missing = torch.rand(EXAMPLES, D) < 0.4
    expected = conditional_mean(missing)
    model = linear.linear_model(linear.SHIFT, linear.WIDER)
    one, many = (impute(model, X, missing, iterations=400, proposals=k) for k in (1, 100))
    assert (many - expected).square().mean() < 0.2 * (one - expected).square().mean()


def test_weights_of_improbable_examples_do_not_underflow():
    missing = torch.zeros(EXAMPLES, D, dtype=torch.bool)
    missing[:, -1] = True
    assert impute(linear.linear_model(), X + 1e3, missing, iterations=5).isfinite().all()


def test_a_deterministic_posterior_imputes_with_its_single_code():
    model = build("mlp", np.zeros((10, 6)), posterior="deterministic", latent_dim=2)
    x = torch.randn(4, 6)
    missing = torch.rand(4, 6) < 0.5
    imputed = impute(model, x, missing, iterations=3)
    assert imputed.isfinite().all()
    assert torch.equal(imputed[~missing], x[~missing])


def test_observed_values_stay_and_placeholders_of_missing_ones_do_not_matter():
    missing = torch.rand(EXAMPLES, D) < 0.5
    imputed = []
    for placeholder in (0.0, -7.0):
        torch.manual_seed(0)
        incomplete = torch.where(missing, torch.tensor(placeholder).double(), X)
        imputed.append(impute(linear.linear_model(), incomplete, missing))
    assert torch.equal(imputed[0], imputed[1])
    assert torch.equal(imputed[0][~missing], X[~missing])


def test_a_likelihood_of_dependent_values_is_refused():
    class Dependent(Likelihood):
        accepts = ("real",)

        def forward(self, features):
            return MultivariateNormal(features, torch.eye(D))

    model = VAE(
        nets.MLPEncoder((D,), 2, hidden=(4,)),
        posteriors.DiagonalNormal(4, 2),
        priors.StandardNormal(2),
        nets.MLPDecoder(2, (D,), hidden=(4,)),
        Dependent((D,)),
    )
    with raises(ConfigError, "likelihood"):
        impute(model, X.float(), X > 0)
