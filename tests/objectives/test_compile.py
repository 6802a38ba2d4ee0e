"""Objectives can be compiled into one graph: the same loss, the same gradient."""

import pytest
import torch

import vaekit
from vaekit.objectives import ELBO

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("recipe", ["mlp", pytest.param("conv", marks=pytest.mark.nightly)])
@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, id="closed form"),
        pytest.param(
            {"samples": 3, "divergence": "monte-carlo"}, id="samples", marks=pytest.mark.nightly
        ),
    ],
)
def test_the_elbo_is_one_graph_with_the_same_gradient(recipe, options):
    model = vaekit.build(recipe, torch.rand(8, 12, 12).numpy(), latent_dim=2).double()
    objective = ELBO(**options)
    x = torch.rand(4, 1, 12, 12, dtype=torch.float64)

    def loss(x):
        return objective(model, x, step=3).loss

    results = []
    for function in (loss, torch.compile(loss, backend="aot_eager", fullgraph=True)):
        torch.manual_seed(0)
        value = function(x)
        results.append((value, *torch.autograd.grad(value, list(model.parameters()))))
    for a, b in zip(*results, strict=True):
        torch.testing.assert_close(a, b)
