"""Optimizers: parameters to a `torch.optim.Optimizer`, with the options of a configuration."""

from collections.abc import Iterable
from typing import Annotated, Any

import torch
from pydantic import Field, NonNegativeFloat, PositiveFloat
from torch import Tensor, nn
from torch.optim.adam import adam

Decay = Annotated[float, Field(ge=0, lt=1)]
Parameters = Iterable[nn.Parameter]
ParameterGroup = dict[str, Any]
"""Parameters and their options, as `torch.optim` holds them."""

ADAM_EPS = 1e-8
MIN_NORM = 1e-7


class Adam:
    """Adam; with weight decay, which is decoupled, it is AdamW.

    Args:
        lr: Learning rate, which the schedule multiplies.
        betas: Decays of the averages of the gradient and of its square.
        eps: Constant added to the root of the average square.
        weight_decay: Fraction of each weight, times lr, subtracted per step.

    References:
        Kingma & Ba, 2015, "Adam".
        Loshchilov & Hutter, 2019, "Decoupled weight decay regularization".

    >>> Adam(lr=0.01)([nn.Parameter(torch.zeros(3))]).param_groups[0]["lr"]
    0.01
    """

    def __init__(
        self,
        *,
        lr: PositiveFloat = 1e-3,
        betas: tuple[Decay, Decay] = (0.9, 0.999),
        eps: PositiveFloat = 1e-8,
        weight_decay: NonNegativeFloat = 0.0,
    ):
        self.lr = lr
        self.betas = (betas[0], betas[1])
        self.eps = eps
        self.weight_decay = weight_decay

    def __call__(self, parameters: Parameters) -> torch.optim.Optimizer:
        """The optimizer of these parameters."""
        return torch.optim.AdamW(
            parameters,
            lr=self.lr,
            betas=self.betas,
            eps=self.eps,
            weight_decay=self.weight_decay,
            fused=True,
        )


class RMSprop:
    """RMSprop (Tieleman & Hinton, 2012).

    Args:
        lr: Learning rate, which the schedule multiplies.
        decay: Decay of the average of the squared gradient.
        eps: Constant added to the root of the average square.

    >>> RMSprop(decay=0.8)([nn.Parameter(torch.zeros(3))]).param_groups[0]["alpha"]
    0.8
    """

    def __init__(self, *, lr: PositiveFloat = 1e-3, decay: Decay = 0.9, eps: PositiveFloat = 1e-7):
        self.lr = lr
        self.decay = decay
        self.eps = eps

    def __call__(self, parameters: Parameters) -> torch.optim.Optimizer:
        """The optimizer of these parameters."""
        return torch.optim.RMSprop(parameters, lr=self.lr, alpha=self.decay, eps=self.eps)


class SGD:
    """Stochastic gradient descent, with Nesterov's momentum.

    Args:
        lr: Learning rate, which the schedule multiplies.
        momentum: Decay of the running gradient; 0 for plain gradient descent.

    >>> SGD(momentum=0.9)([nn.Parameter(torch.zeros(3))]).param_groups[0]["nesterov"]
    True
    """

    def __init__(self, *, lr: PositiveFloat = 1e-2, momentum: Decay = 0.0):
        self.lr = lr
        self.momentum = momentum

    def __call__(self, parameters: Parameters) -> torch.optim.Optimizer:
        """The optimizer of these parameters."""
        return torch.optim.SGD(
            parameters, lr=self.lr, momentum=self.momentum, nesterov=self.momentum > 0
        )


class Muon:
    """Orthogonalized momentum for weights that are matrices, AdamW for all others.

    A kernel counts as a matrix whose rows are its first dimension. The convolutional network of
    the Keras example needs about half as many images as with Adam (benchmarks/README.md); the work
    of a step grows with the cube of a matrix's smaller side.

    Args:
        lr: Learning rate of matrices, which the schedule multiplies; the singular values of a step
            are near 1, times sqrt(rows / columns) if that is above 1.
        momentum: Decay of the running gradient of matrices.
        adam_lr: Learning rate of AdamW, which the schedule multiplies.
        betas: Decays of AdamW's averages of the gradient and of its square.

    References:
        Jordan et al., 2024, "Muon".

    >>> weights = [nn.Parameter(torch.zeros(3, 3)), nn.Parameter(torch.zeros(3))]
    >>> [group["lr"] for group in Muon(lr=0.02, adam_lr=0.001)(weights).param_groups]
    [0.02, 0.001]
    """

    def __init__(
        self,
        *,
        lr: PositiveFloat = 0.03,
        momentum: Decay = 0.95,
        adam_lr: PositiveFloat = 6e-3,
        betas: tuple[Decay, Decay] = (0.8, 0.95),
    ):
        self.lr = lr
        self.momentum = momentum
        self.adam_lr = adam_lr
        self.betas = (betas[0], betas[1])

    def __call__(self, parameters: Parameters) -> torch.optim.Optimizer:
        """The optimizer of these parameters."""
        parameters = list(parameters)
        matrices = {
            "params": [p for p in parameters if p.dim() > 1],
            "lr": self.lr,
            "momentum": self.momentum,
        }
        others = {
            "params": [p for p in parameters if p.dim() <= 1],
            "lr": self.adam_lr,
            "betas": self.betas,
            "eps": ADAM_EPS,
            "fused": True,
        }
        return _MuonWithAdam([matrices, others])


class _MuonWithAdam(torch.optim.Optimizer):
    """Muon for the parameters of the first group, Adam for the second."""

    def __init__(self, groups: list[ParameterGroup]):
        super().__init__(groups, {})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:
        """Update all parameters that have a gradient."""
        matrices, others = self.param_groups
        self._muon_step(matrices)
        self._adam_step(others)

    def _muon_step(self, group: ParameterGroup) -> None:
        momentum = group["momentum"]
        for p in _with_gradient(group):
            mean = self.state[p].get("mean")
            if mean is None:
                mean = self.state[p]["mean"] = torch.zeros_like(p)
            mean.mul_(momentum).add_(p.grad)
            lookahead = p.grad.add(mean, alpha=momentum).flatten(1)  # Nesterov's momentum
            rows, columns = lookahead.shape
            scale = max(1.0, rows / columns) ** 0.5
            p.add_(orthogonal(lookahead).view(p.shape), alpha=-group["lr"] * scale)

    def _adam_step(self, group: ParameterGroup) -> None:
        parameters = _with_gradient(group)
        for p in parameters:
            if not self.state[p]:
                self.state[p].update(
                    step=torch.zeros((), device=p.device),
                    mean=torch.zeros_like(p),
                    square=torch.zeros_like(p),
                )
        beta1, beta2 = group["betas"]
        adam(
            parameters,
            [p.grad for p in parameters],
            [self.state[p]["mean"] for p in parameters],
            [self.state[p]["square"] for p in parameters],
            [],
            [self.state[p]["step"] for p in parameters],
            fused=True,
            amsgrad=False,
            beta1=beta1,
            beta2=beta2,
            lr=group["lr"],
            weight_decay=0.0,
            eps=group["eps"],
            maximize=False,
        )


def _with_gradient(group: ParameterGroup) -> list[Any]:
    return [p for p in group["params"] if p.grad is not None]


def orthogonal(matrix: Tensor, iterations: int = 5) -> Tensor:
    """Approximately the nearest matrix with orthonormal rows, or columns.

    The singular values of the result lie between 0.7 and 1.2. The quintic Newton-Schulz iteration
    X <- (a + b S + c S^2) X, S = X X', has coefficients chosen for speed at zero rather than for
    convergence to 1. It is computed on S and on the product of the polynomials, whose side is the
    smaller one of the matrix.

    Args:
        matrix: [m, n].
        iterations: Steps of the iteration.

    References:
        Jordan et al., 2024, "Muon".

    >>> matrix = torch.tensor([[3.0, 1.0], [0.0, 0.2]])
    >>> torch.linalg.svdvals(orthogonal(matrix)).sub(1).abs().max() < 0.4
    tensor(True)
    """
    if matrix.shape[0] > matrix.shape[1]:
        return orthogonal(matrix.T, iterations).T
    x = matrix / (matrix.norm() + MIN_NORM)
    square = x @ x.T
    product = None
    for _ in range(iterations):
        polynomial = torch.addmm(square, square, square, beta=-4.7750, alpha=2.0315)
        polynomial.diagonal().add_(3.4445)
        product = polynomial if product is None else polynomial @ product
        square = polynomial @ square @ polynomial
    return x if product is None else product @ x


OPTIMIZERS = {"adam": Adam, "muon": Muon, "rmsprop": RMSprop, "sgd": SGD}
