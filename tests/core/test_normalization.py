import numpy as np
import pytest
import torch
from torch.distributions import Normal

import vaekit
from conftest import train_small
from raising import raises
from vaekit.core.normalization import Normalization, Rescaled
from vaekit.data.support import Transform
from vaekit.errors import ConfigError
from vaekit.inference.bounds import elbo_per_example
from vaekit.inputs import ModelInputs
from vaekit.training.data_start import init_from_data


def real_images(count: int = 300) -> np.ndarray:
    """Three channels of very different scales."""
    rng = np.random.default_rng(0)
    scales = np.array([100.0, 1.0, 0.001])[:, None, None]
    level = rng.normal(size=(count, 1, 1, 1))
    return (level + 0.3 * rng.normal(size=(count, 3, 6, 5)) + 5) * scales


@pytest.mark.parametrize("shape", [(2, 6, 5), (4,)])
def test_standardized_examples_have_mean_zero_and_deviation_one(shape: tuple[int, ...]):
    x = torch.randn(500, *shape, dtype=torch.float64) * 7 + 3
    normalization = Normalization("standardize", shape).double()
    normalization.init_from_data(x)
    y = normalization(x).transpose(0, 1).flatten(1)
    torch.testing.assert_close(y.mean(1), torch.zeros(shape[0]).double())
    torch.testing.assert_close(y.std(1, correction=0), torch.ones(shape[0]).double())


def test_unit_takes_the_range_and_percentile_the_range_without_the_extremes():
    x = torch.arange(1001, dtype=torch.float64)[:, None] - 200
    x[0], x[-1] = -1e6, 1e6
    unit = Normalization("unit", (1,)).double()
    unit.init_from_data(x)
    assert (unit(x).min(), unit(x).max()) == (0, 1)
    percentile = Normalization("percentile", (1,)).double()
    percentile.init_from_data(x)
    torch.testing.assert_close(
        percentile(x[[10, 990]]).flatten(), torch.tensor([0.0, 1.0]).double()
    )


@pytest.mark.parametrize("kind", ["unit", "standardize", "percentile"])
def test_constant_examples_keep_their_scale(kind):
    normalization = Normalization(kind, (2,))
    normalization.init_from_data(torch.tensor([[3.0, 1.0], [3.0, 2.0]]))
    assert (normalization.shift[0], normalization.scale[0]) == (3, 1)


def test_the_density_of_rescaled_values_is_that_of_the_closed_form():
    shift, scale = torch.tensor([3.0, -1.0]).double(), torch.tensor([0.5, 7.0]).double()
    base = Normal(torch.tensor([1.0, 2.0]).double(), torch.tensor([2.0, 0.1]).double())
    rescaled = Rescaled(base, shift, scale)
    exact = Normal(base.mean * scale + shift, base.stddev * scale)
    x = torch.randn(50, 2, dtype=torch.float64) * 5
    torch.testing.assert_close(rescaled.log_prob(x), exact.log_prob(x))
    torch.testing.assert_close(rescaled.mean, exact.mean)
    torch.testing.assert_close(rescaled.stddev, exact.stddev)
    torch.manual_seed(0)
    draws = rescaled.rsample((100_000,))
    torch.testing.assert_close(draws.mean(0), exact.mean, rtol=0.02, atol=0.02)


@pytest.mark.parametrize("components", [False, True])
def test_losses_are_in_the_units_of_the_data(components: bool):
    """A change of units by a factor adds log factor for each value, and changes nothing else."""
    x = real_images()
    losses = []
    for factor in (1.0, 1000.0):
        model = vaekit.build(
            "mlp",
            x * factor,
            latent_dim=2,
            components=components,
            likelihood={"kind": "gaussian", "scale": 0.5 if not components else "shared"},
        ).double()
        data = torch.from_numpy(x * factor)
        init_from_data(model, data)
        inputs = ModelInputs(x * factor, Transform("real"))
        losses.append(elbo_per_example(model, inputs).loss)
    expected = torch.full_like(losses[0], x[0].size * np.log(1000.0))
    torch.testing.assert_close(losses[1] - losses[0], expected)


def test_reconstructions_are_in_the_units_of_the_data():
    x = real_images()
    model = vaekit.build("images", x, latent_dim=1).double()
    data = torch.from_numpy(x)
    init_from_data(model, data)
    by_channel = (model.reconstruct(data) - data).square().mean((0, 2, 3))
    spread = data.var((0, 2, 3))
    assert (by_channel < 0.2 * spread).all()


def test_a_run_records_its_normalization_and_reloads_it(tmp_path):
    x = real_images(60)[:, :1]
    np.save(tmp_path / "x.npy", x)
    run = train_small(tmp_path / "run", x)
    assert run.config.data.normalize == "standardize"
    again = vaekit.load_run(tmp_path / "run")
    np.testing.assert_array_equal(again.reconstruct(x[:3]), run.reconstruct(x[:3]))
    assert abs(again.reconstruct(x).mean() - x.mean()) < x.std()
    options = {"source": str(tmp_path / "x.npy"), "normalize": "none"}
    none = train_small(tmp_path / "none", options)
    assert none.config.data.normalize == "none"


def test_a_likelihood_of_other_than_real_numbers_is_refused():
    with raises(ConfigError, "likelihood"):
        vaekit.build("mlp", {"normalize": "unit"}, likelihood="bernoulli")
