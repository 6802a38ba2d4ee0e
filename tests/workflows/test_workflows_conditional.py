"""Conditional runs: classes are passed by name to every part that depends on them."""

import numpy as np
import pytest
import torch

import vaekit
from conftest import QUIET, small_images, tensor_bytes, train_small
from raising import raises
from vaekit import workflows
from vaekit.data import Dataset, Examples
from vaekit.errors import ConfigError, DataError
from vaekit.runs.example_selection import select_examples
from vaekit.runtime.seeding import seeded_noise

pytestmark = pytest.mark.slow

NAMES = ("cat", "dog", "horse")
X = small_images().train.x[:6]


def save_named_images(folder, names=NAMES, count=60) -> str:
    """A file of bars whose classes have names."""
    data = small_images(count)
    np.savez(folder / "named.npz", x=data.train.x, y=np.array(names)[data.train.y])
    return str(folder / "named.npz")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("conditional")
    options = {"conditional": True, "prior": "class-normal", "latent_dim": 2}
    data = save_named_images(folder)
    return train_small(folder / "run", data, optimizer={"lr": 0.02}, **options)


def class_numbers(*numbers: int) -> torch.Tensor:
    return torch.tensor(numbers)


def test_the_run_is_conditional_and_its_prior_has_learned(run):
    assert run.config.conditional
    assert run.classes == run.config.data.classes == NAMES
    assert run.model.classes == 3
    mu = run.model.prior.mu
    assert mu.shape == (3, 2)
    assert (mu != 0).all() and (mu[0] != mu[1]).any()


@torch.no_grad()
def test_names_are_the_numbers_of_the_classes(run):
    y = class_numbers(0, 1, 2, 2, 1, 0)
    labels = ["cat", "dog", "horse", "horse", "dog", "cat"]
    x = run.prepare(X)
    expected = run.model.encode(x, y).mean.numpy()
    for given in (labels, np.array(labels)):
        np.testing.assert_array_equal(run.encode(X, given).mean, expected)
    one_class = run.model.encode(x, class_numbers(*[1] * 6)).mean.numpy()
    np.testing.assert_array_equal(run.encode(X, "dog").mean, one_class)
    reconstruction = 255 * run.model.reconstruct(x, y).numpy()
    np.testing.assert_array_equal(run.reconstruct(X, labels), reconstruction)
    z = np.zeros((6, 2), np.float32)
    decoded = 255 * run.model.decode(torch.zeros(6, 2), y).mean.numpy()
    np.testing.assert_array_equal(run.decode(z, labels), decoded)
    assert (run.decode(z, "cat") != run.decode(z, "dog")).any()


@pytest.mark.parametrize(
    ("labels", "y"),
    [
        (None, (0, 1, 2, 0, 1)),
        ("horse", (2, 2, 2, 2, 2)),
        (["cat", "dog", "cat", "dog", "cat"], (0, 1, 0, 1, 0)),
    ],
)
def test_samples_have_all_classes_in_turn_one_class_or_one_each(run, labels, y):
    with seeded_noise(1):
        expected = 255 * run.model.sample(5, class_numbers(*y)).numpy(force=True)
    np.testing.assert_allclose(run.sample(5, labels, seed=1), expected, rtol=1e-6)


def test_samples_of_a_class_repeat_by_seed_and_differ_by_class(run):
    dog = run.sample(5, "dog", seed=2)
    np.testing.assert_array_equal(dog, run.sample(5, "dog", seed=2))
    assert (dog != run.sample(5, "cat", seed=2)).any()


METHODS = {
    "encode": lambda run, labels: run.encode(X, labels),
    "reconstruct": lambda run, labels: run.reconstruct(X, labels),
    "decode": lambda run, labels: run.decode(np.zeros((6, 2), np.float32), labels),
    "score": lambda run, labels: run.score(X, labels, metric="loss"),
    "sample": lambda run, labels: run.sample(6, labels),
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("labels", ["hors", [7] * 6, ["cat", "dog"]], ids=str)
def test_unknown_names_and_another_number_of_labels_are_refused(run, method, labels):
    with raises(DataError, "labels"):
        METHODS[method](run, labels)


@pytest.mark.parametrize("method", ["encode", "reconstruct", "decode", "score"])
def test_examples_and_codes_need_labels(run, method):
    with raises(DataError, "labels"):
        METHODS[method](run, None)


@pytest.mark.parametrize("method", ["encode", "reconstruct", "score", "sample"])
def test_labels_for_a_run_without_classes_are_refused(small_run, method):
    with raises(DataError, "labels"):
        METHODS[method](small_run, "a")


def test_examples_of_the_dataset_have_their_own_labels(run):
    examples = select_examples(run).examples
    labels = [NAMES[number] for number in examples.y]
    codes = run.encode(examples)
    expected = run.encode(examples.x, labels)
    np.testing.assert_allclose(codes.mean, expected.mean, rtol=1e-5, atol=1e-6)
    reconstructions = run.reconstruct(examples.x, labels)
    decoded = run.decode(codes.mean, labels)
    np.testing.assert_allclose(decoded, reconstructions, rtol=1e-5, atol=1e-4)
    evaluation = vaekit.evaluate(run, importance_samples=3, generated_examples=0)
    assert evaluation.examples == len(examples)


def test_selected_reconstructions_have_their_own_labels(run, tmp_path):
    examples = select_examples(run).examples
    labels = [NAMES[number] for number in examples.y[:2]]
    result, _ = workflows.reconstruct(run, indices=[0, 1], out=tmp_path / "pairs.npy")
    np.testing.assert_allclose(result.decoded, run.reconstruct(examples.x[:2], labels), rtol=1e-5)


def test_the_loss_depends_on_the_labels(run):
    data = small_images()
    losses = []
    for shift in (0, 1):
        examples = Examples(data.train.x, (data.train.y + shift) % 3)
        shifted = Dataset("shifted", examples, None, data.support, NAMES)
        losses.append(vaekit.evaluate(run, data=shifted, importance_samples=1).terms.loss.value)
    assert losses[0] != losses[1]


# --- Training --------------------------------------------------------------------------------


def test_data_without_labels_are_refused_before_anything_is_written(tmp_path):
    with raises(DataError, "conditional"):
        train_small(tmp_path / "run", small_images().train.x, conditional=True)
    assert list(tmp_path.iterdir()) == []


def test_a_model_of_another_number_of_classes_is_refused_before_anything_is_written(tmp_path):
    model = vaekit.build("mlp", small_images(classes=3), conditional=True)
    with raises(DataError):
        vaekit.train(model, data=small_images(classes=4), out=tmp_path / "run", console=QUIET)
    assert list(tmp_path.iterdir()) == []


def test_a_conditional_model_that_is_built_is_trained_as_one(tmp_path):
    model = vaekit.build("mlp", small_images(), conditional=True, latent_dim=2)
    options = {"training": {"epochs": 1, "batch_size": 16, "device": "cpu"}, "console": QUIET}
    run = vaekit.train(model, data=small_images(), out=tmp_path / "run", **options)
    assert run.config.conditional
    assert vaekit.load_run(run.path).sample(4, "a").shape == (4, 1, 8, 8)
    with raises(ConfigError, "conditional"):
        vaekit.train(
            model, data=small_images(), conditional=False, out=tmp_path / "other", **options
        )


def test_equal_seeds_give_equal_conditional_runs(tmp_path):
    options = {"conditional": True, "prior": "class-normal", "seed": 3}
    first, second = (train_small(tmp_path / name, **options) for name in "ab")
    weights = [tensor_bytes(run.path / "model.safetensors") for run in (first, second)]
    assert weights[0] == weights[1]
