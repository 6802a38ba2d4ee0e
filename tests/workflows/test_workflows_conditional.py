"""Conditional runs: classes are asked for by name, wherever a part depends on them."""

import numpy as np
import pytest
import torch

import vaekit
from conftest import QUIET, small_images, train_small
from vaekit.errors import ConfigError, DataError
from vaekit.runs.run_data import find_examples
from vaekit.runtime.seeding import seeded_noise
from vaekit.workflows import use

NAMES = ("cat", "dog", "horse")


def named_images(folder, names=NAMES, rows=60):
    """The bars with a name for each of their classes, as a file; its path."""
    data = small_images(rows)
    np.savez(folder / "named.npz", x=data.train.x, y=np.array(names)[data.train.y])
    return str(folder / "named.npz")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("conditional")
    options = {"conditional": True, "prior": "class-normal", "latent_dim": 2}
    return train_small(folder / "run", named_images(folder), optimizer={"lr": 0.02}, **options)


X = small_images().train.x[:6]


def numbers(*classes: int) -> torch.Tensor:
    return torch.tensor(classes)


def test_the_configuration_says_so_and_the_prior_has_learned(run):
    assert run.config.conditional and run.config.data.classes == NAMES and run.model.classes == 3
    mu = run.model.prior.mu
    assert mu.shape == (3, 2) and (mu != 0).all() and (mu[0] != mu[1]).any()


def test_names_stand_for_the_numbers_of_the_classes(run):
    y, labels = numbers(0, 1, 2, 2, 1, 0), ["cat", "dog", "horse", "horse", "dog", "cat"]
    x = run.prepare(X)
    torch.testing.assert_close(
        run.encode(X, labels).mean, run.model.encode(x, y).mean, rtol=0, atol=0
    )
    torch.testing.assert_close(
        run.encode(X, np.array(labels)).mean, run.model.encode(x, y).mean, rtol=0, atol=0
    )
    one = run.model.encode(x, numbers(*[1] * 6)).mean
    torch.testing.assert_close(run.encode(X, "dog").mean, one, rtol=0, atol=0)
    np.testing.assert_array_equal(
        run.reconstruct(X, labels), 255 * run.model.reconstruct(x, y).numpy()
    )
    z = np.zeros((6, 2), np.float32)
    np.testing.assert_array_equal(
        run.decode(z, labels), 255 * run.model.decode(torch.zeros(6, 2), y).mean.numpy(force=True)
    )
    assert (run.decode(z, "cat") != run.decode(z, "dog")).any()


def test_samples_take_the_classes_in_turn_or_one(run):
    for asked, y in (
        (None, numbers(0, 1, 2, 0, 1)),
        ("horse", numbers(2, 2, 2, 2, 2)),
        (list(NAMES[:2]) * 2 + ["cat"], None),
    ):
        y = numbers(0, 1, 0, 1, 0) if y is None else y
        with seeded_noise(1):
            expected = 255 * run.model.sample(5, y).numpy()
        with seeded_noise(1):
            np.testing.assert_allclose(run.sample(5, asked), expected, rtol=1e-6)
    np.testing.assert_array_equal(
        use.sample(run, 5, label="dog", seed=2), use.sample(run, 5, label="dog", seed=2)
    )
    assert (
        use.sample(run, 5, label="dog", seed=2) != use.sample(run, 5, label="cat", seed=2)
    ).any()
    assert set(np.unique(use.sample(run, 4, draw=True))) <= {0.0, 255.0}


JOBS = {
    "encode": lambda run, y: run.encode(X, y),
    "reconstruct": lambda run, y: run.reconstruct(X, y),
    "decode": lambda run, y: run.decode(np.zeros((6, 2), np.float32), y),
    "sample": lambda run, y: run.sample(6, y),
}


@pytest.mark.parametrize("job", JOBS)
def test_a_name_that_is_no_class_is_refused_with_the_nearest(run, job):
    with pytest.raises(
        DataError, match=r"^no class 'hors': did you mean 'horse'\? Allowed: cat, dog, horse$"
    ):
        JOBS[job](run, "hors")
    with pytest.raises(DataError, match=r"^no class '7': Allowed: cat, dog, horse$"):
        JOBS[job](run, [7] * 6)
    with pytest.raises(
        DataError, match=r"^2 labels were given for 6 rows: give one for each, or one for all$"
    ):
        JOBS[job](run, ["cat", "dog"])


@pytest.mark.parametrize("job", ["encode", "reconstruct", "decode"])
def test_labels_must_be_given_where_there_are_rows(run, job):
    with pytest.raises(
        DataError, match=r"^this model is conditional: give labels, out of cat, dog, horse$"
    ):
        JOBS[job](run, None)


@pytest.mark.parametrize("job", ["encode", "reconstruct", "sample"])
def test_labels_for_a_run_without_classes_are_refused(small_run, job):
    with pytest.raises(
        DataError, match=r"^labels were given, this model is not conditional: leave them out$"
    ):
        JOBS[job](small_run, "a")


def test_jobs_on_rows_use_their_own_labels(run):
    rows, _ = find_examples(run)
    codes = use.encode(run, rows)
    labels = [NAMES[y] for y in rows.y]
    np.testing.assert_allclose(codes.mean, run.encode(rows.x, labels).mean, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        use.reconstruct(run, indices=[0, 1]).decoded, run.reconstruct(rows.x, labels)[:2], rtol=1e-5
    )
    np.testing.assert_allclose(
        use.decode(run, codes.mean, labels), run.reconstruct(rows.x, labels), rtol=1e-5, atol=1e-4
    )
    assert vaekit.evaluate(run, samples=3)["rows"] == len(rows)


def test_the_loss_depends_on_the_labels(run):
    data = small_images()
    losses = []
    for shift in (0, 1):
        rows = vaekit.data.Examples(data.train.x, (data.train.y + shift) % 3)
        named = vaekit.data.Dataset("named", rows, None, data.support, NAMES)
        losses.append(vaekit.evaluate(run, data=named, samples=1)["loss"]["value"])
    assert losses[0] != losses[1]


def test_labels_of_other_data_are_read_by_name(run, tmp_path):
    turned = named_images(tmp_path, names=("horse", "cat", "dog"))
    rows, _ = find_examples(run, data=turned)
    data = small_images()
    assert [NAMES[y] for y in rows.y] == [("horse", "cat", "dog")[y] for y in data.train.y]


@pytest.mark.parametrize("names", [None, ("cat", "dog", "cow")], ids=["none", "others"])
def test_rows_without_labels_of_the_runs_classes_are_refused(run, tmp_path, names):
    data = small_images()
    arrays = {} if names is None else {"y": np.array(names)[data.train.y]}
    np.savez(tmp_path / "other.npz", x=data.train.x, **arrays)
    with pytest.raises(
        DataError, match=r"^this run is conditional, and these rows have no labels of its classes: "
    ):
        vaekit.evaluate(run, data=tmp_path / "other.npz", samples=1)


def test_data_without_labels_are_refused_before_anything_is_written(tmp_path):
    with pytest.raises(
        DataError,
        match=r"^a conditional model needs labels, .* has none: label them, or leave out --conditional$",
    ):
        train_small(tmp_path / "run", small_images().train.x, conditional=True)
    assert list(tmp_path.iterdir()) == []


def test_a_model_for_other_classes_is_refused_before_anything_is_written(tmp_path):
    model = vaekit.build("mlp", small_images(classes=3), conditional=True)
    with pytest.raises(DataError, match=r"^the model is conditional on 3 classes, 'bars' has 4$"):
        vaekit.train(model, data=small_images(classes=4), out=tmp_path / "run", console=QUIET)
    assert list(tmp_path.iterdir()) == []


def test_a_conditional_model_of_ones_own_is_trained_as_one(tmp_path):
    model = vaekit.build("mlp", small_images(), conditional=True, latent_dim=2)
    training = {"epochs": 1, "batch_size": 16, "device": "cpu"}
    run = vaekit.train(
        model, data=small_images(), out=tmp_path / "run", training=training, console=QUIET
    )
    assert run.config.conditional
    assert vaekit.load_run(run.path).sample(4, "a").shape == (4, 1, 8, 8)
    with pytest.raises(ConfigError, match="cannot be set for a model that is already built"):
        vaekit.train(
            model, data=small_images(), conditional=False, out=tmp_path / "other", console=QUIET
        )


def test_equal_seeds_give_equal_conditional_runs(tmp_path):
    options = {"conditional": True, "prior": "class-normal", "seed": 3}
    for name in "ab":
        train_small(tmp_path / name, **options)
    assert (tmp_path / "a/model.safetensors").read_bytes() == (
        tmp_path / "b/model.safetensors"
    ).read_bytes()
