import torch

from raising import raises
from vaekit.core import divergences
from vaekit.errors import ConfigError
from vaekit.posteriors import Deterministic
from vaekit.priors import StandardNormal


def test_all_mass_is_on_a_linear_function_of_the_features():
    posterior = Deterministic(4, 2).double()
    h = torch.randn(5, 4, dtype=torch.float64)
    weights = dict(posterior.named_parameters())
    expected = h @ weights["mu.weight"].T + weights["mu.bias"]
    q = posterior(h)
    assert (q.batch_shape, q.event_shape, posterior.latent) == ((5,), (2,), (2,))
    torch.testing.assert_close(q.mean, expected)
    torch.testing.assert_close(q.rsample((3,)), expected.expand(3, 5, 2))


def test_the_gradient_reaches_the_features():
    posterior = Deterministic(4, 2).double()
    h = torch.randn(5, 4, dtype=torch.float64, requires_grad=True)
    posterior(h).rsample((3,)).sum().backward()
    torch.testing.assert_close(h.grad, 3 * posterior.mu.weight.detach().sum(0).expand(5, 4))


def test_a_map_of_features_gives_a_map():
    q = Deterministic((4, 2, 3), 5)(torch.randn(7, 4, 2, 3))
    assert (q.batch_shape, q.event_shape) == ((7,), (5, 2, 3))


def test_it_has_no_divergence_from_a_continuous_prior():
    q = Deterministic(4, 2)(torch.randn(5, 4))
    p = StandardNormal(2)()
    assert not divergences.has_finite_kl(q) and divergences.closed_form(q, p) is None
    assert divergences.kl_divergence(q, p, q.rsample((3,))).shape == (5, 0)
    with raises(ConfigError, "posterior"):
        divergences.monte_carlo(q, p, q.rsample((3,)))
