"""Optimisers: parameters -> `torch.optim.Optimizer`. PyTorch's own, with what a configuration may set."""

from collections.abc import Iterable
from typing import Annotated

import torch
from pydantic import Field, NonNegativeFloat, PositiveFloat
from torch import nn

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
        self.lr, self.betas, self.eps, self.weight_decay = lr, (betas[0], betas[1]), eps, weight_decay

    def __call__(self, parameters: Parameters) -> torch.optim.Optimizer:
        return torch.optim.AdamW(
            parameters, lr=self.lr, betas=self.betas, eps=self.eps, weight_decay=self.weight_decay, fused=True
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
        return torch.optim.SGD(parameters, lr=self.lr, momentum=self.momentum, nesterov=self.momentum > 0)


OPTIMIZERS = {"adam": Adam, "rmsprop": RMSprop, "sgd": SGD}
