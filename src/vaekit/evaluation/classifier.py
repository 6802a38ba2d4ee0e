"""A classifier trained on real examples, and how well it recognizes the classes of samples."""

from collections.abc import Callable, Iterable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.lr_scheduler import LinearLR

from vaekit.core.modules import eval_mode
from vaekit.core.vae import VAE
from vaekit.inference.encode_decode import sample_means
from vaekit.inputs import MAX_BATCH_EXAMPLES, ModelInputs, to_model
from vaekit.nets import ConvEncoder, MLPEncoder
from vaekit.runtime.seeding import seeded_noise

TRAINING_STEPS = 1000
"""Two epochs of MNIST, to 98.9 % of its test examples."""
BATCH_SIZE = 128
LEARNING_RATE = 3e-3
FEATURE_COUNT = 128

Tracker = Callable[[Iterable], Iterable]
"""Yields the items of an iterable, and may show progress."""


class Classifier(nn.Module):
    """A small classifier: convolutional for images, else a multilayer perceptron.

    Input channels and features are standardized by batch statistics.

    Args:
        shape: Shape of one example.
        classes: Number of classes.

    >>> Classifier((1, 28, 28), 10)(torch.rand(5, 1, 28, 28)).shape
    torch.Size([5, 10])
    """

    def __init__(self, shape: tuple[int, ...], classes: int):
        super().__init__()
        is_image = len(shape) == 3
        batch_norm = nn.BatchNorm2d if is_image else nn.BatchNorm1d
        encoder = ConvEncoder if is_image else MLPEncoder
        self.layers = nn.Sequential(
            batch_norm(shape[0], affine=False),
            encoder(shape, classes, hidden=(FEATURE_COUNT,)),
            nn.BatchNorm1d(FEATURE_COUNT, eps=1e-3, affine=False),
            nn.Linear(FEATURE_COUNT, classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Logits [B, classes] of examples [B, *shape]."""
        return self.layers(x)

    def features(self, x: Tensor) -> Tensor:
        """The input of the last layer [B, 128], of mean 0 and variance 1 over training examples."""
        return self.layers[:-1](x)


def train_classifier(
    inputs: ModelInputs, classes: int, *, seed: int = 0, tracker: Tracker = iter
) -> Classifier:
    """Train a classifier by 1,000 steps of Adam on the cross-entropy.

    The learning rate decays linearly to 0. Equal seeds give equal classifiers.

    Args:
        inputs: Labeled examples.
        classes: Number of classes.
        seed: Seed of the initialization and of the order.
        tracker: Shows progress over the steps.

    Returns:
        The classifier, in evaluation mode.

    >>> inputs = ModelInputs(images, run.transform, y=np.arange(60) % 3)
    >>> train_classifier(inputs, 3).training
    False
    """
    with seeded_noise(seed):
        classifier = Classifier(inputs.x.shape[1:], classes)
    optimizer = torch.optim.Adam(classifier.parameters(), LEARNING_RATE)
    schedule = LinearLR(optimizer, 1.0, 0.0, TRAINING_STEPS)
    order = np.random.default_rng(seed).permutation(len(inputs))
    batches = np.resize(order, (TRAINING_STEPS, BATCH_SIZE))  # the same order in every epoch
    for positions in tracker(batches):
        x, y = _labeled_batch(inputs, positions, classifier)
        optimizer.zero_grad()
        F.cross_entropy(classifier(x), y).backward()
        optimizer.step()
        schedule.step()
    return classifier.eval()


@torch.no_grad()
def classify_correctly(classifier: Classifier, inputs: ModelInputs) -> tuple[Tensor, Tensor]:
    """Whether a classifier predicts the class of each example.

    Args:
        classifier: The classifier.
        inputs: N labeled examples.

    Returns:
        Whether the prediction is correct, bool [N], and the class numbers [N].

    >>> inputs = ModelInputs(images, run.transform, y=np.arange(60) % 3)
    >>> is_correct, y = classify_correctly(Classifier((1, 8, 8), 3).eval(), inputs)
    >>> is_correct.shape, y[:4].tolist()
    (torch.Size([60]), [0, 1, 2, 0])
    """
    is_correct = []
    labels = []
    for start in range(0, len(inputs), MAX_BATCH_EXAMPLES):
        positions = np.arange(start, min(start + MAX_BATCH_EXAMPLES, len(inputs)))
        x, y = _labeled_batch(inputs, positions, classifier)
        is_correct.append(classifier(x).argmax(-1) == y)
        labels.append(y)
    return torch.cat(is_correct), torch.cat(labels)


@torch.no_grad()
def generated_class_accuracy(
    model: VAE, classifier: Classifier, samples: int, *, seed: int = 0, tracker: Tracker = iter
) -> Tensor:
    """Whether a classifier recognizes the class of each sample of a conditional model.

    A sample is the mean of p(x|z, y) at z ~ p(z|y).

    Args:
        model: A conditional model.
        classifier: The classifier.
        samples: Samples per class.
        seed: Seed of the noise.
        tracker: Shows progress over the classes.

    Returns:
        bool [classes, samples].

    >>> model = vaekit.build("mlp", (images, np.arange(60) % 3), conditional=True)
    >>> classifier = Classifier((1, 8, 8), 3).eval()
    >>> generated_class_accuracy(model, classifier, 5).shape
    torch.Size([3, 5])
    """
    is_recognized = []
    for label in tracker(range(model.classes)):
        with seeded_noise(seed, label), eval_mode(model):
            predictions = [
                classifier(_samples_of_class(model, label, count).float()).argmax(-1)
                for count in _batch_sizes(samples)
            ]
        is_recognized.append(torch.cat(predictions) == label)
    return torch.stack(is_recognized)


def _batch_sizes(count: int) -> list[int]:
    starts = range(0, count, MAX_BATCH_EXAMPLES)
    return [min(MAX_BATCH_EXAMPLES, count - start) for start in starts]


def _samples_of_class(model: VAE, label: int, count: int) -> Tensor:
    y = torch.full((count,), label, device=next(model.parameters()).device)
    return sample_means(model, count, y)


def _labeled_batch(
    inputs: ModelInputs, positions: np.ndarray, classifier: Classifier
) -> tuple[Tensor, Tensor]:
    x, y = inputs.select(positions)
    assert y is not None, "a classifier needs labels"  # callers have checked
    return to_model(x, classifier, inputs.transform), y
