"""A classifier of real examples, and how it recognizes samples whose class is known."""

import numpy as np
import pytest
import torch
from torch import nn

from conftest import small_images
from vaekit import evaluation, likelihoods, posteriors, priors
from vaekit.core.vae import VAE
from vaekit.data import Transform
from vaekit.evaluation import (
    Classifier,
    classify_correctly,
    generated_class_accuracy,
    train_classifier,
)
from vaekit.inputs import ModelInputs


@pytest.fixture(autouse=True)
def _few_steps(monkeypatch):
    monkeypatch.setattr(evaluation.classifier, "TRAINING_STEPS", 30)


def images() -> ModelInputs:
    examples = small_images(examples=90, classes=2).train
    return ModelInputs(examples.x, Transform("unit", 255.0), y=examples.y)


def clusters(scale: float = 1.0) -> ModelInputs:
    """Three clusters that do not overlap."""
    y = np.arange(90) % 3
    x = scale * (np.eye(3)[y] + np.random.default_rng(0).normal(0, 0.05, (90, 3)))
    return ModelInputs(x.astype(np.float32), Transform("real"), y=y)


class Prototypes(nn.Module):
    """A decoder of one prototype per class; with errors, of another class if z is positive."""

    def __init__(self, errors: bool = False):
        super().__init__()
        self.errors = errors

    def forward(self, z: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        is_wrong = self.errors & (z[:, :1] > 0)
        return torch.where(is_wrong, condition.roll(1, -1), condition)


class Unconditional(nn.Module):
    """An encoder that ignores the class."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Flatten()

    def forward(self, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        return self.layer(x)


def prototype_model(errors: bool = False) -> VAE:
    return VAE(
        Unconditional(),
        posteriors.DiagonalNormal(3, 1),
        priors.StandardNormal(1),
        Prototypes(errors),
        likelihoods.Gaussian((3,)),
        classes=3,
    )


@pytest.mark.parametrize(
    "inputs",
    [images(), clusters(), clusters(1e3)],
    ids=["images", "vectors", "vectors of another scale"],
)
def test_a_classifier_learns_separable_classes(inputs: ModelInputs):
    classifier = train_classifier(inputs, 3)
    is_correct, classes = classify_correctly(classifier, inputs)
    assert is_correct.double().mean() > 0.97
    assert classes.tolist() == inputs.y.tolist()
    assert not classifier.training


def test_a_classifier_is_trained_on_the_selected_examples_only():
    inputs = clusters()
    of_class_0 = ModelInputs(inputs.x, inputs.transform, np.flatnonzero(inputs.y == 0), inputs.y)
    is_correct, classes = classify_correctly(train_classifier(of_class_0, 3), inputs)
    assert is_correct[classes == 0].all()
    assert not is_correct[classes != 0].any()


def test_training_repeats_by_seed_and_leaves_the_global_generator_unchanged():
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    first, again, other = (
        train_classifier(clusters(), 3, seed=seed).state_dict() for seed in (1, 1, 2)
    )
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["layers.3.weight"], other["layers.3.weight"])


def test_the_tracker_sees_every_step_and_every_example():
    batches = []

    def tracker(steps):
        for step in steps:
            batches.append(step)
            yield step

    train_classifier(clusters(), 3, tracker=tracker)
    assert len(batches) == 30
    assert sorted({int(i) for batch in batches for i in batch}) == list(range(90))


def test_batches_follow_a_random_order_by_the_seed(monkeypatch):
    monkeypatch.setattr(evaluation.classifier, "BATCH_SIZE", 40)

    def order(seed: int) -> list[int]:
        batches = []

        def tracker(steps):
            for step in steps:
                batches.append(step)
                yield step

        train_classifier(clusters(), 3, seed=seed, tracker=tracker)
        return np.concatenate(batches)[:90].tolist()

    first, again, other = map(order, (1, 1, 2))
    assert sorted(first) == sorted(other) == list(range(90))
    assert first == again and first != other and first != sorted(first)


def test_examples_of_every_batch_are_classified():
    inputs = clusters()
    classifier = train_classifier(inputs, 3)
    order = np.argsort(np.resize(inputs.y, 1100), kind="stable") % 90
    is_correct, classes = classify_correctly(classifier, inputs.subset(order))
    assert is_correct.all() and classes.tolist() == inputs.y[order].tolist()


def test_samples_of_the_right_class_are_recognized_and_others_are_not():
    classifier = train_classifier(clusters(), 3)
    assert generated_class_accuracy(prototype_model(), classifier, 50).all()
    model = prototype_model(errors=True)
    recognized = generated_class_accuracy(model, classifier, 700)  # more than one batch
    assert recognized.shape == (3, 700)
    assert (recognized[0] != recognized[1]).any()  # the noise of classes is independent
    accuracy = recognized.double().mean()
    torch.testing.assert_close(accuracy, torch.tensor(0.5).double(), atol=0.05, rtol=0)
    assert torch.equal(recognized, generated_class_accuracy(model, classifier, 700))
    other = generated_class_accuracy(model, classifier, 700, seed=1)
    assert not torch.equal(recognized, other)


def test_a_classifier_takes_images_of_any_size_and_channels_and_vectors():
    for shape in ((1, 8, 8), (3, 32, 32), (2, 37, 21), (5,)):
        assert Classifier(shape, 4)(torch.rand(6, *shape)).shape == (6, 4)
