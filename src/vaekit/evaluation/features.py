"""What rows are judged by when sets of them are compared: features [B, D] of rows [B, *shape], as the model takes them."""

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

import torch
from torch import Tensor, nn

from vaekit.errors import DataError
from vaekit.evaluation.classifier import HIDDEN, Classifier

WEIGHTS = Path(__file__).with_name("weights")
NETWORKS = {  # SHA-256 by name of the data, written, and printed, by benchmarks/features.py
    "mnist": "4d520200daf8f9037d76c47246b6c109e463f43bdd09f43839c0a42fce3e6d40",
    "fashion-mnist": "ed0f5516cb44e9ec422c807d80794ab95ae7705771b400bc4fe6081e6e86358a",
}
COMPONENTS, MOST_EXACT, MOST_ROWS = 64, 2048, 500


class ClassifierFeatures(nn.Module):
    """What a classifier's last layer reads the class from, [B, 128], each of variance 1 over its training rows."""

    def __init__(self, classifier: Classifier, name: str):
        super().__init__()
        self.classifier, self.name, self.width = (
            classifier,
            f"{HIDDEN} features of a small classifier, {name}",
            HIDDEN,
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier.features(x)


class Components(nn.Module):
    """Principal components of rows that are given; of vectors each column is divided by its deviation.

    most: how many at most. Of rows of more than 2,048 values they are found by random projections (Halko et al., 2011).

    >>> Components(torch.randn(100, 3, 8, 8))(torch.zeros(5, 3, 8, 8)).shape
    torch.Size([5, 64])
    """

    mean: Tensor
    basis: Tensor

    def __init__(self, rows: Tensor, most: int = COMPONENTS):
        super().__init__()
        flat = rows.flatten(1).double()
        scale = flat.std(0) if rows.dim() == 2 else torch.ones(flat.shape[1], dtype=torch.float64)
        scale = torch.where(scale > 0, scale, 1.0)
        mean = flat.mean(0)
        directions = _directions((flat - mean) / scale, min(most, *flat.shape))
        self.register_buffer("mean", mean.float())
        self.register_buffer("basis", (directions / scale[:, None]).float())
        self.name = f"{self.basis.shape[1]} principal components of training rows"
        self.width = int(self.basis.shape[1])

    def forward(self, x: Tensor) -> Tensor:
        return (x.flatten(1) - self.mean) @ self.basis


def _directions(centred: Tensor, count: int) -> Tensor:
    """The first principal directions [D, count] of rows [N, D] of mean 0."""
    if centred.shape[1] <= MOST_EXACT:
        return torch.linalg.eigh(centred.T @ centred)[1].flip(1)[:, :count]
    *_, directions = torch.pca_lowrank(
        centred.float(), min(count + 8, *centred.shape), center=False, niter=4
    )
    return directions[:, :count].double()


def packaged_features(name: str) -> ClassifierFeatures:
    """The network that comes with the package for a dataset, gray images of 28 x 28 in [0, 1]; DataError for a damaged file."""
    from safetensors.torch import load

    content = (WEIGHTS / f"{name}.safetensors").read_bytes()
    if sha256(content).hexdigest() != NETWORKS[name]:
        raise DataError(f"the package's own network for {name} is damaged: reinstall vaekit")
    classifier = Classifier((1, 28, 28), 10)
    classifier.load_state_dict(load(content))
    return ClassifierFeatures(classifier.eval(), f"trained on {name}, in the package")


@torch.no_grad()
def embed(features: nn.Module, parts: Iterable[Tensor]) -> Tensor:
    """The features of rows that come some at a time, [N, D], on the CPU."""
    most = getattr(features, "rows_at_once", MOST_ROWS)
    return torch.cat([features(some).cpu() for part in parts for some in part.float().split(most)])
