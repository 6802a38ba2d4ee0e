"""Missing values, against a model in which they are known."""

import numpy as np
import pytest
import torch
from torch.distributions import MultivariateNormal

from test_linear_gaussian import ROWS, SHIFT, WIDER, B, D, S, W, X, linear_model
from vaekit import build, nets, posteriors, priors
from vaekit.core.vae import VAE
from vaekit.errors import ConfigError
from vaekit.inference.imputation import impute
from vaekit.likelihoods import Likelihood


def conditional_mean(missing: torch.Tensor) -> torch.Tensor:
    """E[x_m given x_o] of every row, by the joint normal distribution of x."""
    covariance = W @ W.T + S**2 * torch.eye(D, dtype=torch.float64)
    found = X.clone()
    for row, gone in enumerate(missing):
        here = ~gone
        known = torch.linalg.solve(covariance[here][:, here], X[row, here] - B[here])
        found[row, gone] = B[gone] + covariance[gone][:, here] @ known
    return found


@pytest.mark.parametrize(("sweeps", "candidates"), [(6000, 1), (800, 50)])
def test_at_the_true_posterior_the_mean_is_that_of_the_joint_distribution(sweeps, candidates):
    missing = torch.rand(ROWS, D) < 0.4
    missing[:, 0] = False
    given = torch.where(missing, torch.tensor(1e3).double(), X)
    found = impute(linear_model(), given, missing, sweeps=sweeps, candidates=candidates)
    torch.testing.assert_close(found, conditional_mean(missing), rtol=0, atol=0.12)


def test_with_a_poor_posterior_more_candidates_are_closer():
    missing = torch.rand(ROWS, D) < 0.4
    wanted, model = conditional_mean(missing), linear_model(SHIFT, WIDER)
    one, many = (impute(model, X, missing, sweeps=400, candidates=k) for k in (1, 100))
    assert (many - wanted).square().mean() < 0.2 * (one - wanted).square().mean()


def test_many_values_are_weighed_without_underflow():
    given = torch.where(torch.ones(ROWS, D, dtype=torch.bool), X + 1e3, X)
    missing = torch.zeros(ROWS, D, dtype=torch.bool)
    missing[:, -1] = True
    assert impute(linear_model(), given, missing, sweeps=5).isfinite().all()


def test_a_posterior_that_is_certain_goes_on_from_what_it_says():
    model = build("mlp", np.zeros((10, 6)), posterior="deterministic", latent_dim=2)
    x, missing = torch.randn(4, 6), torch.rand(4, 6) < 0.5
    found = impute(model, x, missing, sweeps=3)
    assert found.isfinite().all() and torch.equal(found[~missing], x[~missing])


def test_what_is_there_stays_and_what_stands_in_the_gaps_does_not_matter():
    missing = torch.rand(ROWS, D) < 0.5
    filled = []
    for stand_in in (0.0, -7.0):
        torch.manual_seed(0)
        filled.append(
            impute(
                linear_model(), torch.where(missing, torch.tensor(stand_in).double(), X), missing
            )
        )
    assert torch.equal(filled[0], filled[1]) and torch.equal(filled[0][~missing], X[~missing])


def test_a_likelihood_that_ties_values_is_refused():
    class Tied(Likelihood):
        accepts = ("real",)

        def forward(self, features):
            return MultivariateNormal(features, torch.eye(D))

    model = VAE(
        nets.MLPEncoder((D,), 2, hidden=(4,)),
        posteriors.DiagonalNormal(4, 2),
        priors.StandardNormal(2),
        nets.MLPDecoder(2, (D,), hidden=(4,)),
        Tied((D,)),
    )
    with pytest.raises(ConfigError, match="this likelihood ties values to one another"):
        impute(model, X.float(), X > 0)
