"""Whether samples show the class that was asked for, by a classifier trained on real rows."""

from collections.abc import Callable, Iterable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.lr_scheduler import LinearLR

from vaekit.core.vae import VAE, eval_mode
from vaekit.inference.encode_decode import sample_means
from vaekit.inputs import MAX_BATCH_EXAMPLES, ModelInputs, to_model
from vaekit.nets import ConvEncoder, MLPEncoder
from vaekit.runtime.seeding import seeded_noise

UPDATES, ROWS, RATE, HIDDEN = 1000, 128, 3e-3, 128
"""Twice through MNIST, to 98.9 % of its test rows."""

Track = Callable[[Iterable], Iterable]
"""Passes on what it is given, and may show how far that is."""


class Classifier(nn.Module):
    """Logits [B, classes] of rows [B, *shape]: a small net, convolutional for images, its channels and features standardised.

    >>> Classifier((1, 28, 28), 10)(torch.rand(5, 1, 28, 28)).shape
    torch.Size([5, 10])
    """

    def __init__(self, shape: tuple[int, ...], classes: int):
        super().__init__()
        images = len(shape) == 3
        standardise = nn.BatchNorm2d if images else nn.BatchNorm1d
        encoder = ConvEncoder if images else MLPEncoder
        self.layers = nn.Sequential(
            standardise(shape[0], affine=False),
            encoder(shape, classes, hidden=(HIDDEN,)),
            nn.BatchNorm1d(HIDDEN, eps=1e-3, affine=False),
            nn.Linear(HIDDEN, classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)

    def features(self, x: Tensor) -> Tensor:
        """What the last layer reads the class from, [B, 128], each of mean 0 and variance 1 over the training rows."""
        return self.layers[:-1](x)


def train_classifier(
    inputs: ModelInputs, classes: int, *, seed: int = 0, watch: Track = iter
) -> Classifier:
    """A classifier trained on labelled rows: 1,000 updates of Adam on the cross-entropy of 128 rows, the rate falling to 0.

    Equal seeds give equal classifiers. watch: sees the updates go by.
    """
    with seeded_noise(seed):
        classifier = Classifier(inputs.x.shape[1:], classes)
    optimizer = torch.optim.Adam(classifier.parameters(), RATE)
    schedule = LinearLR(optimizer, 1.0, 0.0, UPDATES)
    order = np.random.default_rng(seed).permutation(len(inputs))
    for positions in watch(np.resize(order, (UPDATES, ROWS))):  # the same order again and again
        x, y = _labelled(inputs, positions, classifier)
        optimizer.zero_grad()
        F.cross_entropy(classifier(x), y).backward()
        optimizer.step()
        schedule.step()
    return classifier.eval()


@torch.no_grad()
def classify_correctly(classifier: Classifier, inputs: ModelInputs) -> tuple[Tensor, Tensor]:
    """Whether the classifier finds the class of each row, bool [N], and the classes [N]."""
    parts = []
    for start in range(0, len(inputs), MAX_BATCH_EXAMPLES):
        x, y = _labelled(
            inputs, np.arange(start, min(start + MAX_BATCH_EXAMPLES, len(inputs))), classifier
        )
        parts.append((classifier(x).argmax(-1) == y, y))
    found, classes = map(torch.cat, zip(*parts, strict=True))
    return found, classes


@torch.no_grad()
def generated_class_accuracy(
    model: VAE, classifier: Classifier, samples: int, *, seed: int = 0, watch: Track = iter
) -> Tensor:
    """Whether the classifier finds the class that each sample of a conditional model was asked for, bool [classes, samples].

    A sample is the mean of p(x given z, y) at z ~ p(z given y), as `model.sample` gives it.
    """
    rows = []
    for label in watch(range(model.classes)):
        with seeded_noise(seed, label), eval_mode(model):
            counts = [
                min(MAX_BATCH_EXAMPLES, samples - start)
                for start in range(0, samples, MAX_BATCH_EXAMPLES)
            ]
            found = [
                classifier(_samples(model, label, count).float()).argmax(-1) == label
                for count in counts
            ]
            rows.append(torch.cat(found))
    return torch.stack(rows)


def _samples(model: VAE, label: int, count: int) -> Tensor:
    y = torch.full((count,), label, device=next(model.parameters()).device)
    return sample_means(model, count, y)


def _labelled(
    inputs: ModelInputs, positions: np.ndarray, classifier: Classifier
) -> tuple[Tensor, Tensor]:
    x, y = inputs.select(positions)
    assert y is not None, "a classifier needs labels"  # whoever calls has checked
    return to_model(x, classifier, inputs.transform), y
