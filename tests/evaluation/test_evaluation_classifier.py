"""Whether samples show their class: a classifier of real rows, and samples whose class is known."""

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
def _few_updates(monkeypatch):
    monkeypatch.setattr(evaluation.classifier, "UPDATES", 30)


def images() -> ModelInputs:
    rows = small_images(rows=90, classes=2).train
    return ModelInputs(rows.x, Transform("unit", 255.0), y=rows.y)


def points(scale: float = 1.0) -> ModelInputs:
    """Three clusters on a line, so far apart that none is mistaken."""
    y = np.arange(90) % 3
    x = scale * (np.eye(3)[y] + np.random.default_rng(0).normal(0, 0.05, (90, 3)))
    return ModelInputs(x.astype(np.float32), Transform("real"), y=y)


class Prototypes(nn.Module):
    """A decoder whose output is the class's corner, but that of another class in a share of the latent space."""

    def __init__(self, wrong: bool = False):
        super().__init__()
        self.wrong = wrong

    def forward(self, z: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        astray = self.wrong & (z[:, :1] > 0)
        return torch.where(astray, condition.roll(1, -1), condition)


class Ignoring(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Flatten()

    def forward(self, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        return self.layer(x)


def model(wrong: bool = False) -> VAE:
    return VAE(
        Ignoring(),
        posteriors.DiagonalNormal(3, 1),
        priors.StandardNormal(1),
        Prototypes(wrong),
        likelihoods.Gaussian((3,)),
        classes=3,
    )


@pytest.mark.parametrize(
    "inputs",
    [images(), points(), points(1e3)],
    ids=["images", "vectors", "vectors of another scale"],
)
def test_it_learns_what_can_be_told_apart(inputs: ModelInputs):
    classifier = train_classifier(inputs, 3)
    found, classes = classify_correctly(classifier, inputs)
    assert found.double().mean() > 0.97
    assert classes.tolist() == inputs.y.tolist()
    assert not classifier.training


def test_only_the_rows_at_the_indices_are_learned_from():
    inputs = points()
    first = ModelInputs(inputs.x, inputs.transform, np.flatnonzero(inputs.y == 0), inputs.y)
    found, classes = classify_correctly(train_classifier(first, 3), inputs)
    assert found[classes == 0].all()
    assert not found[classes != 0].any()


def test_it_repeats_with_its_seed_and_leaves_the_callers_noise():
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    first, again, other = (
        train_classifier(points(), 3, seed=seed).state_dict() for seed in (1, 1, 2)
    )
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["layers.3.weight"], other["layers.3.weight"])


def test_every_update_is_shown():
    seen = []

    def watch(steps):
        for step in steps:
            seen.append(step)
            yield step

    train_classifier(points(), 3, watch=watch)
    assert len(seen) == 30
    assert sorted({int(i) for step in seen for i in step}) == list(range(90))


def test_samples_of_their_class_agree_and_others_do_not():
    classifier = train_classifier(points(), 3)
    assert generated_class_accuracy(model(), classifier, 50).all()
    astray = generated_class_accuracy(model(wrong=True), classifier, 700)  # more than at once
    assert astray.shape == (3, 700)
    torch.testing.assert_close(
        astray.double().mean(), torch.tensor(0.5).double(), atol=0.05, rtol=0
    )
    assert torch.equal(astray, generated_class_accuracy(model(wrong=True), classifier, 700))
    assert not torch.equal(
        astray, generated_class_accuracy(model(wrong=True), classifier, 700, seed=1)
    )


def test_images_of_any_size_and_channels():
    for shape in ((1, 8, 8), (3, 32, 32), (2, 37, 21), (5,)):
        assert Classifier(shape, 4)(torch.rand(6, *shape)).shape == (6, 4)
