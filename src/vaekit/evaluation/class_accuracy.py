"""How often a classifier recognizes the class that samples of a conditional run are of."""

import math
from functools import partial

from torch import Tensor

from vaekit.evaluation.classifier import (
    classify_correctly,
    generated_class_accuracy,
    train_classifier,
)
from vaekit.evaluation.results import ClassAccuracy, GeneratedClassAccuracy
from vaekit.runs.run_data import RunData
from vaekit.runtime.terminal_progress import track


def class_accuracy(own: RunData, samples: int, seed: int) -> GeneratedClassAccuracy:
    """Train a classifier on training examples and apply it to samples and to test examples.

    Args:
        own: A conditional run with its own dataset.
        samples: Samples per class.
        seed: Seed of the training and of the samples.
    """
    model = own.run.model
    classifier = train_classifier(
        own.labeled_inputs("train"),
        model.classes,
        seed=seed,
        tracker=partial(track, description="training a classifier"),
    )
    is_correct, y = classify_correctly(classifier, own.labeled_inputs("test"))
    recognized = generated_class_accuracy(
        model, classifier, samples, seed=seed, tracker=partial(track, description="classifying")
    ).double()
    per_class = {
        name: ClassAccuracy(recognized[i].mean().item(), _mean(is_correct[y == i]))
        for i, name in enumerate(own.run.config.data.classes)
    }
    return GeneratedClassAccuracy(
        accuracy=recognized.mean().item(),
        standard_error=_stratified_error(recognized),
        classifier_accuracy=_mean(is_correct),
        classifier_examples=len(is_correct),
        samples_per_class=samples,
        per_class=per_class,
    )


def _mean(is_correct: Tensor) -> float | None:
    return is_correct.double().mean().item() if len(is_correct) else None


def _stratified_error(values: Tensor) -> float | None:
    """The standard error of the mean of values [C, N], N drawn from each of C classes."""
    if values.shape[1] < 2:
        return None
    return math.sqrt(values.var(1).mean().item() / values.numel())
