"""Optimisers: parameters -> `torch.optim.Optimizer`. PyTorch's own, with what a configuration may set."""

from collections.abc import Iterable
from typing import Annotated, Any

import torch
from pydantic import Field, NonNegativeFloat, PositiveFloat
from torch import Tensor, nn
from torch.optim.adam import adam

Decay = Annotated[float, Field(ge=0, lt=1)]
Parameters = Iterable[nn.Parameter]


class Adam:
    """Adam (Kingma & Ba, 2015); with weight_decay decoupled it is AdamW (Loshchilov & Hutter, 2019).

    lr: the rate at the schedule's height. betas: decay of the averages of gradient and its square. eps: added to the root.
    weight_decay: share of a weight taken off per update, times lr.
    """

    def __init__(
        self,
        *,
        lr: PositiveFloat = 1e-3,
        betas: tuple[Decay, Decay] = (0.9, 0.999),
        eps: PositiveFloat = 1e-8,
        weight_decay: NonNegativeFloat = 0.0,
    ):
        self.lr, self.betas, self.eps, self.weight_decay = (
            lr,
            (betas[0], betas[1]),
            eps,
            weight_decay,
        )

    def __call__(self, parameters: Parameters) -> torch.optim.Optimizer:
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

    lr: the rate at the schedule's height. decay: of the average of the squared gradient. eps: added to the root.
    """

    def __init__(self, *, lr: PositiveFloat = 1e-3, decay: Decay = 0.9, eps: PositiveFloat = 1e-7):
        self.lr, self.decay, self.eps = lr, decay, eps

    def __call__(self, parameters: Parameters) -> torch.optim.Optimizer:
        return torch.optim.RMSprop(parameters, lr=self.lr, alpha=self.decay, eps=self.eps)


class SGD:
    """Stochastic gradient descent.

    lr: the rate at the schedule's height. momentum: of the running gradient; nesterov is used where it is not 0.
    """

    def __init__(self, *, lr: PositiveFloat = 1e-2, momentum: Decay = 0.0):
        self.lr, self.momentum = lr, momentum

    def __call__(self, parameters: Parameters) -> torch.optim.Optimizer:
        return torch.optim.SGD(
            parameters, lr=self.lr, momentum=self.momentum, nesterov=self.momentum > 0
        )


class Muon:
    """Momentum made orthogonal for weights that are matrices (Jordan et al., 2024); AdamW for all others.

    A kernel counts as a matrix of its first dimension by all the others. The Keras example's network needs about half the images that Adam takes
    (benchmarks/README.md); an update's work grows with the cube of a matrix's smaller side.

    lr: of matrices, whose step has singular values near 1, times sqrt(rows / columns) where that is above 1. momentum: of the
    running gradient. adam_lr, betas: of AdamW.
    """

    def __init__(
        self,
        *,
        lr: PositiveFloat = 0.03,
        momentum: Decay = 0.95,
        adam_lr: PositiveFloat = 6e-3,
        betas: tuple[Decay, Decay] = (0.8, 0.95),
    ):
        self.lr, self.momentum, self.adam_lr, self.betas = (
            lr,
            momentum,
            adam_lr,
            (betas[0], betas[1]),
        )

    def __call__(self, parameters: Parameters) -> torch.optim.Optimizer:
        parameters = list(parameters)
        matrices = [p for p in parameters if p.dim() > 1]
        others = [p for p in parameters if p.dim() <= 1]
        return _MuonWithAdam(
            [
                {"params": matrices, "lr": self.lr, "momentum": self.momentum},
                {
                    "params": others,
                    "lr": self.adam_lr,
                    "betas": self.betas,
                    "eps": 1e-8,
                    "fused": True,
                },
            ]
        )


class _MuonWithAdam(torch.optim.Optimizer):
    """The first group's parameters by Muon, the second's by Adam."""

    def __init__(self, groups: list[dict[str, Any]]):
        super().__init__(groups, {})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:
        matrices, others = self.param_groups
        for p in _with_gradient(matrices):
            mean = self.state[p].get("mean")
            if mean is None:
                mean = self.state[p]["mean"] = torch.zeros_like(p)
            mean.mul_(matrices["momentum"]).add_(p.grad)
            ahead = p.grad.add(mean, alpha=matrices["momentum"]).flatten(1)  # Nesterov's
            scale = max(1.0, ahead.shape[0] / ahead.shape[1]) ** 0.5
            p.add_(orthogonal(ahead).view(p.shape), alpha=-matrices["lr"] * scale)
        vectors = _with_gradient(others)
        for p in vectors:
            if not (state := self.state[p]):
                state.update(
                    step=torch.zeros((), device=p.device),
                    mean=torch.zeros_like(p),
                    square=torch.zeros_like(p),
                )
        columns = [[self.state[p][name] for p in vectors] for name in ("mean", "square", "step")]
        first, second = others["betas"]
        adam(
            vectors,
            [p.grad for p in vectors],
            *(columns[0], columns[1], [], columns[2]),
            fused=True,
            amsgrad=False,
            beta1=first,
            beta2=second,
            lr=others["lr"],
            weight_decay=0.0,
            eps=others["eps"],
            maximize=False,
        )


def _with_gradient(group: dict[str, Any]) -> list[Any]:
    return [p for p in group["params"] if p.grad is not None]


def orthogonal(matrix: Tensor, iterations: int = 5) -> Tensor:
    """About the nearest matrix with orthogonal rows, or columns: singular values between 0.7 and 1.2 in place of its own.

    X <- (a + b S + c S^2) X, S = X X': a quintic Newton-Schulz iteration whose coefficients are chosen for speed at zero rather
    than for convergence to 1 (Jordan et al., 2024). It is done on S and on the product of the polynomials, which are as small
    as the matrix is narrow. matrix [m, n].

    >>> torch.linalg.svdvals(orthogonal(torch.tensor([[3.0, 1.0], [0.0, 0.2]]))).sub(1).abs().max() < 0.4
    tensor(True)
    """
    if matrix.shape[0] > matrix.shape[1]:
        return orthogonal(matrix.T, iterations).T
    x = matrix / (matrix.norm() + 1e-7)
    square, product = x @ x.T, None
    for _ in range(iterations):
        polynomial = torch.addmm(square, square, square, beta=-4.7750, alpha=2.0315)
        polynomial.diagonal().add_(3.4445)
        product = polynomial if product is None else polynomial @ product
        square = polynomial @ square @ polynomial
    return x if product is None else product @ x


OPTIMIZERS = {"adam": Adam, "muon": Muon, "rmsprop": RMSprop, "sgd": SGD}
