"""How well classes can be read off codes."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

NEIGHBOURS = 5
PENALTY = 1e-4
ITERATIONS = 200


class Probes(NamedTuple):
    """Shares of test codes whose class is found by a linear classifier and by the nearest training codes; of the most frequent
    class, which needs no codes."""

    linear: float
    nearest: float
    most_frequent: float


def probe(train: Tensor, train_y: Tensor, test: Tensor, test_y: Tensor) -> Probes:
    """Train on codes [N, L] with classes [N], judge on others [M, L].

    linear: multinomial logistic regression on codes scaled to mean 0 and deviation 1, with a ridge of 1e-4.
    nearest: the class that most of the 5 nearest have, by Euclidean distance; the nearest one's where two are as frequent.
    """
    mean, scale = train.mean(0), train.std(0).clamp(min=1e-6)
    x, others = ((part - mean) / scale for part in (train, test))
    return Probes(
        linear=_share(_linear(x, train_y, others), test_y),
        nearest=_share(_nearest(train, train_y, test), test_y),
        most_frequent=(test_y == train_y.mode().values).double().mean().item(),
    )


def _linear(x: Tensor, y: Tensor, others: Tensor) -> Tensor:
    weights = torch.zeros(x.shape[1] + 1, int(y.max()) + 1, dtype=torch.float64, requires_grad=True)
    ones = F.pad(x.double(), (0, 1), value=1.0)
    optimizer = torch.optim.LBFGS([weights], max_iter=ITERATIONS, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(ones @ weights, y) + PENALTY * weights[:-1].square().sum()
        loss.backward()
        return loss

    with torch.enable_grad():
        optimizer.step(closure)  # pyright: ignore[reportArgumentType] - a tensor will do
    return (F.pad(others.double(), (0, 1), value=1.0) @ weights.detach()).argmax(1)


def _nearest(train: Tensor, y: Tensor, test: Tensor) -> Tensor:
    found = []
    count = min(NEIGHBOURS, len(train))
    for part in test.split(500):
        near = y[torch.cdist(part, train).topk(count, largest=False).indices]
        votes = F.one_hot(near, int(y.max()) + 1).sum(1)
        tied = (votes == votes.max(1, keepdim=True).values).sum(1) > 1
        found.append(torch.where(tied, near[:, 0], votes.argmax(1)))
    return torch.cat(found)


def _share(found: Tensor, y: Tensor) -> float:
    return (found == y).double().mean().item()
