import pytest
import torch
from torch import nn

from vaekit.optim.optimizers import OPTIMIZERS, SGD, Adam, Muon, RMSprop, orthogonal


def steps(make, count: int = 3, at: float = 1.0) -> list[float]:
    """The weights after each step down w^2 / 2, whose gradient is w."""
    weight = nn.Parameter(torch.tensor(at, dtype=torch.float64))
    optimizer = make([weight])
    path = []
    for _ in range(count):
        optimizer.zero_grad()
        (weight.square() / 2).backward()
        optimizer.step()
        path.append(weight.item())
    return path


def adam_by_hand(
    lr: float, betas: tuple[float, float], eps: float, weight_decay: float, count: int = 3
) -> list[float]:
    w = 1.0
    m = 0.0
    v = 0.0
    path = []
    for t in range(1, count + 1):
        g = w
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g * g
        w -= lr * weight_decay * w  # decoupled: straight off the weight
        w -= lr * (m / (1 - betas[0] ** t)) / ((v / (1 - betas[1] ** t)) ** 0.5 + eps)
        path.append(w)
    return path


@pytest.mark.parametrize("options", [(1e-3, (0.9, 0.999), 1e-8, 0.0), (0.1, (0.5, 0.8), 1e-2, 0.3)])
def test_adam_is_the_published_one(options):
    lr, betas, eps, weight_decay = options
    assert steps(Adam(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)) == pytest.approx(
        adam_by_hand(*options)
    )


def test_adam_by_default_does_not_decay_weights():
    assert steps(Adam()) == pytest.approx(adam_by_hand(1e-3, (0.9, 0.999), 1e-8, 0.0))


def test_rmsprop_divides_by_the_running_root():
    w = 1.0
    v = 0.0
    path = []
    for _ in range(3):
        g = w
        v = 0.8 * v + 0.2 * g * g
        w -= 0.1 * g / (v**0.5 + 1e-3)
        path.append(w)
    assert steps(RMSprop(lr=0.1, decay=0.8, eps=1e-3)) == pytest.approx(path)


def test_sgd_with_and_without_momentum():
    assert steps(SGD(lr=0.1)) == pytest.approx([0.9, 0.81, 0.729])
    w = 1.0
    velocity = 0.0
    path = []
    for _ in range(3):
        g = w
        velocity = 0.5 * velocity + g
        w -= 0.1 * (g + 0.5 * velocity)  # Nesterov looks one step ahead
        path.append(w)
    assert steps(SGD(lr=0.1, momentum=0.5)) == pytest.approx(path)


def test_muon_is_adam_for_parameters_that_are_no_matrices():
    options = {"lr": 1e-3, "betas": (0.5, 0.8), "eps": 1e-8, "weight_decay": 0.0}
    assert steps(Muon(adam_lr=options["lr"], betas=options["betas"])) == pytest.approx(
        adam_by_hand(*options.values())
    )


@pytest.mark.parametrize("shape", [(3, 3), (4, 9), (9, 4), (6, 2, 3, 3)])
def test_a_first_step_of_muon_is_the_polar_factor_of_the_gradient(shape):
    start = torch.randn(shape, dtype=torch.float64)
    weight = nn.Parameter(start.clone())
    gradient = torch.randn(shape, dtype=torch.float64)
    weight.grad = gradient
    Muon(lr=0.5)([weight]).step()
    u, _, v = torch.linalg.svd(gradient.flatten(1), full_matrices=False)
    moved = (
        (start - weight.detach()) / 0.5 / max(1.0, shape[0] / gradient.flatten(1).shape[1]) ** 0.5
    ).flatten(1)
    singular = u.T @ moved @ v.T  # diagonal: the singular vectors are those of the gradient
    assert (singular.diagonal() - 1).abs().max() < 0.5
    torch.testing.assert_close(singular, torch.diag(singular.diagonal()), rtol=0, atol=1e-9)


def test_matrices_of_one_shape_have_momentum_of_their_own():
    gradients = torch.randn(3, 2, 4, 5)

    def moved(indices: list[int]) -> list[torch.Tensor]:
        weights = [nn.Parameter(torch.zeros(4, 5)) for _ in indices]
        optimizer = Muon()(weights)
        for gradient in gradients:
            for weight, index in zip(weights, indices, strict=True):
                weight.grad = gradient[index].clone()
            optimizer.step()
        return [weight.detach() for weight in weights]

    for together, alone in zip(moved([0, 1]), [*moved([0]), *moved([1])], strict=True):
        torch.testing.assert_close(together, alone)


def test_orthogonal_does_not_depend_on_scale_and_turns_with_its_argument():
    x = torch.randn(5, 8, dtype=torch.float64)
    torch.testing.assert_close(orthogonal(1e6 * x), orthogonal(x), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(orthogonal(x.T), orthogonal(x).T)
    assert torch.isfinite(orthogonal(0 * x)).all()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_descends(name: str):
    path = steps(OPTIMIZERS[name](lr=0.05), count=200)
    assert abs(path[-1]) < 0.1 < abs(path[0])
