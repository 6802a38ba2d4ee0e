"""Features that sets of examples are compared by."""

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

import torch
from torch import Tensor, nn

from vaekit.errors import DataError
from vaekit.evaluation.classifier import FEATURE_COUNT, Classifier

WEIGHTS = Path(__file__).with_name("weights")
NETWORKS = {
    "mnist": "4d520200daf8f9037d76c47246b6c109e463f43bdd09f43839c0a42fce3e6d40",
    "fashion-mnist": "ed0f5516cb44e9ec422c807d80794ab95ae7705771b400bc4fe6081e6e86358a",
}
"""SHA-256 of the packaged weights by dataset; benchmarks/features.py writes and prints them."""
COMPONENTS = 64
MAX_EXACT_VALUES = 2048
"""Values per example up to which principal components are exact."""
OVERSAMPLING = 8
POWER_ITERATIONS = 4
MAX_BATCH_EXAMPLES = 500


class ClassifierFeatures(nn.Module):
    """The features of a classifier: the input of its last layer, [B, 128].

    Args:
        classifier: The classifier.
        name: What it was trained on, as reports show it.

    >>> features = ClassifierFeatures(Classifier((1, 28, 28), 10), "not trained")
    >>> features(torch.rand(5, 1, 28, 28)).shape
    torch.Size([5, 128])
    """

    def __init__(self, classifier: Classifier, name: str):
        super().__init__()
        self.classifier = classifier
        self.name = f"{FEATURE_COUNT} features of a small classifier, {name}"
        self.width = FEATURE_COUNT

    def forward(self, x: Tensor) -> Tensor:
        """Features [B, 128] of examples [B, *shape]."""
        return self.classifier.features(x)


class Components(nn.Module):
    """Principal components of examples; the columns of tables are divided by their deviation.

    Of examples with more than 2,048 values they are computed by random projections.

    Args:
        examples: Examples as the model takes them, [N, *shape].
        max_components: Number of components, at most.

    References:
        Halko et al., 2011 (random projections).

    >>> Components(torch.randn(100, 3, 8, 8))(torch.zeros(5, 3, 8, 8)).shape
    torch.Size([5, 64])
    """

    mean: Tensor
    basis: Tensor

    def __init__(self, examples: Tensor, max_components: int = COMPONENTS):
        super().__init__()
        flat = examples.flatten(1).double()
        scale = torch.ones(flat.shape[1], dtype=torch.float64)
        if examples.dim() == 2:
            scale = flat.std(0)
        scale = torch.where(scale > 0, scale, 1.0)
        mean = flat.mean(0)
        directions = _directions((flat - mean) / scale, min(max_components, *flat.shape))
        self.register_buffer("mean", mean.float())
        self.register_buffer("basis", (directions / scale[:, None]).float())
        self.name = f"{self.basis.shape[1]} principal components of training examples"
        self.width = int(self.basis.shape[1])

    def forward(self, x: Tensor) -> Tensor:
        """Features [B, components] of examples [B, *shape]."""
        return (x.flatten(1) - self.mean) @ self.basis


def _directions(centered: Tensor, count: int) -> Tensor:
    """The first principal directions [D, count] of vectors [N, D] of mean 0."""
    if centered.shape[1] <= MAX_EXACT_VALUES:
        return torch.linalg.eigh(centered.T @ centered)[1].flip(1)[:, :count]
    rank = min(count + OVERSAMPLING, *centered.shape)
    *_, directions = torch.pca_lowrank(centered.float(), rank, center=False, niter=POWER_ITERATIONS)
    return directions[:, :count].double()


def packaged_features(name: str) -> ClassifierFeatures:
    """Load the features that the package has for a dataset of gray 28 x 28 images in [0, 1].

    Args:
        name: A key of `NETWORKS`.

    Raises:
        DataError: The file is damaged.

    >>> packaged_features("mnist")(torch.rand(5, 1, 28, 28)).shape
    torch.Size([5, 128])
    """
    from safetensors.torch import load

    content = (WEIGHTS / f"{name}.safetensors").read_bytes()
    if sha256(content).hexdigest() != NETWORKS[name]:
        raise DataError(f"the packaged feature network for {name} is damaged. Reinstall vaekit.")
    classifier = Classifier((1, 28, 28), 10)
    classifier.load_state_dict(load(content))
    return ClassifierFeatures(classifier.eval(), f"trained on {name}, in the package")


@torch.no_grad()
def embed(features: nn.Module, batches: Iterable[Tensor]) -> Tensor:
    """The features of consecutive batches of examples, [N, D], on the CPU.

    >>> x = torch.randn(100, 6)
    >>> embed(Components(x, 3), x.split(40)).shape
    torch.Size([100, 3])
    """
    size = getattr(features, "max_batch_examples", MAX_BATCH_EXAMPLES)
    return torch.cat(
        [features(part).cpu() for batch in batches for part in batch.float().split(size)]
    )
