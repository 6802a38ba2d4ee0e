"""A run with its dataset: found again, verified, sampled and searched."""

import numpy as np
import pytest
import torch

import vaekit
from conftest import QUIET, small_images, tensor_bytes, train_small
from raising import raises
from vaekit.errors import ConfigError, DataError, RunError
from vaekit.inference.encode_decode import encode_samples
from vaekit.inference.mixture import CodeMixture
from vaekit.runs import run_data as run_data_module
from vaekit.runs.run_data import RunData
from vaekit.runtime.seeding import seeded_noise

pytestmark = pytest.mark.slow

SHORT = {"training": {"epochs": 1, "batch_size": 16, "device": "cpu"}, "console": QUIET}
LARGE = small_images(examples=240)


@pytest.fixture(scope="module")
def conditional(tmp_path_factory):
    """A conditional run on 240 images in memory."""
    folder = tmp_path_factory.mktemp("conditional")
    return train_small(folder / "run", LARGE, latent_dim=2, conditional=True)


def random_table(path, seed: int, count: int = 60) -> str:
    np.save(path, np.random.default_rng(seed).random((count, 6)))
    return str(path)


# --- The dataset and the split ---------------------------------------------------------------


def test_a_dataset_that_has_changed_is_refused(tmp_path):
    source = random_table(tmp_path / "x.npy", seed=0)
    run = vaekit.train("mlp", data=source, out=tmp_path / "run", **SHORT)
    RunData.load(run)
    random_table(tmp_path / "x.npy", seed=1)
    for use in (RunData.load, vaekit.evaluate, vaekit.plot):
        with raises(DataError, "data"):
            use(run)


def test_a_missing_dataset_is_read_from_its_new_location(tmp_path):
    source = random_table(tmp_path / "x.npy", seed=0)
    run = vaekit.train("mlp", data=source, out=tmp_path / "run", **SHORT)
    (tmp_path / "x.npy").rename(tmp_path / "moved.npy")
    with raises(DataError, "data"):
        RunData.load(run)
    moved = RunData.load(run, str(tmp_path / "moved.npy"))
    assert len(moved.examples("test")) == 6


def test_a_dataset_is_found_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    random_table("x.npy", seed=0)
    run = vaekit.train("mlp", data="x.npy", out=tmp_path / "run", **SHORT)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert len(RunData.load(run).examples("test")) == 6


def test_a_dataset_in_memory_must_be_passed(conditional):
    with raises(DataError, "data"):
        RunData.load(conditional)
    assert len(RunData.load(conditional, LARGE).examples("test")) == 24


def test_a_memory_map_is_not_loaded(tmp_path):
    x = np.random.default_rng(0).random((400, 50, 50)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    run = vaekit.train("mlp", data=str(tmp_path / "x.npy"), out=tmp_path / "run", **SHORT)
    in_memory = vaekit.train("mlp", data=x, out=tmp_path / "again", **SHORT)
    data = RunData.load(run)
    inputs = data.inputs("train")
    assert np.shares_memory(inputs.x, data.dataset.train.x)
    assert len(inputs) == 324
    weights = [tensor_bytes(each.path / "model.safetensors") for each in (run, in_memory)]
    assert weights[0] == weights[1]


def test_a_missing_or_damaged_split_or_that_of_another_run_is_refused(tmp_path):
    source = random_table(tmp_path / "x.npy", seed=0)
    run = vaekit.train("mlp", data=source, out=tmp_path / "run", **SHORT)
    other_source = random_table(tmp_path / "y.npy", seed=0, count=50)
    other = vaekit.train("mlp", data=other_source, out=tmp_path / "other", **SHORT)
    for content in ((other.path / "split.npz").read_bytes(), b"junk", None):
        (run.path / "split.npz").unlink()
        if content is not None:
            (run.path / "split.npz").write_bytes(content)
        with raises(RunError):
            RunData.load(run)


# --- Samples of training examples ------------------------------------------------------------


def test_a_training_sample_consists_of_different_training_examples(conditional):
    data = RunData.load(conditional, LARGE)
    sample = data.training_sample(50, 0)
    train = np.load(conditional.path / "split.npz")["train"]
    assert len(sample) == 50 == len(set(sample.indices))
    assert np.isin(sample.indices, train).all()
    np.testing.assert_array_equal(sample.labels(), LARGE.train.y[sample.indices])
    assert not np.array_equal(sample.indices, data.training_sample(50, 1).indices)


def test_skipped_examples_are_the_beginning_of_the_order_if_enough_remain(conditional):
    data = RunData.load(conditional, LARGE)
    count = data.training_count
    order = data.training_sample(count, 0).indices
    np.testing.assert_array_equal(data.training_sample(20, 0, skip=30).indices, order[30:50])
    too_many = count // 2 + 1
    np.testing.assert_array_equal(data.training_sample(20, 0, skip=too_many).indices, order[:20])


def test_inputs_have_labels_only_for_a_conditional_model(conditional, small_run):
    assert RunData.load(conditional, LARGE).inputs("test").labels() is not None
    data = RunData.load(small_run)
    assert data.inputs("test").labels() is None
    assert data.labeled_inputs("test").labels() is not None


# --- Mixtures --------------------------------------------------------------------------------


def test_the_samples_of_a_mixture_are_decoded_by_the_run(small_run):
    mixture = vaekit.fit_mixture(small_run, components=2)
    assert small_run.sample(5, latents=mixture.sample).shape == (5, 1, 8, 8)


def test_the_mixture_of_a_conditional_run_has_weights_per_class(conditional):
    mixture = vaekit.fit_mixture(conditional, data=LARGE)
    assert mixture.weights.shape[0] == 3
    torch.testing.assert_close(mixture.weights.sum(1), torch.ones(3, dtype=torch.float64))
    assert conditional.sample(6, latents=mixture.sample).shape == (6, 1, 8, 8)


def test_a_mixture_is_fitted_with_the_class_of_each_code(conditional, monkeypatch):
    seen = {}
    encode = run_data_module.encode_samples
    fit = run_data_module.CodeMixture

    def record_examples(model, inputs, **options):
        seen["x"] = inputs.x[inputs.indices]
        return encode(model, inputs, **options)

    def record_labels(codes, y, **options):
        seen["y"] = y
        return fit(codes, y, **options)

    monkeypatch.setattr(run_data_module, "encode_samples", record_examples)
    monkeypatch.setattr(run_data_module, "CodeMixture", record_labels)
    vaekit.fit_mixture(conditional, data=LARGE)
    labels = {x.tobytes(): y for x, y in zip(LARGE.train.x, LARGE.train.y, strict=True)}
    assert [labels[x.tobytes()] for x in seen["x"]] == seen["y"].tolist()
    assert len(seen["y"]) > 100


def test_a_mixture_is_that_of_codes_by_its_seed_and_its_number_of_components(conditional):
    mixture = vaekit.fit_mixture(conditional, data=LARGE, components=3, seed=4)
    inputs = RunData.load(conditional, LARGE).training_sample(1000, 4)
    codes = encode_samples(conditional.model, inputs, seed=4)
    expected = CodeMixture(codes, inputs.labels(), classes=3, components=3, seed=4)
    assert mixture.weights.shape == (3, 3)
    torch.testing.assert_close(mixture.weights, expected.weights)
    with seeded_noise(0):
        samples = mixture.sample(50, torch.arange(50) % 3)
    with seeded_noise(0):
        torch.testing.assert_close(samples, expected.sample(50, torch.arange(50) % 3))


def test_a_discrete_run_has_no_mixture(tmp_path):
    posterior = {"kind": "categorical"}
    run = train_small(tmp_path / "run", LARGE, posterior=posterior, latent_dim=4)
    with raises(ConfigError, "mixture"):
        vaekit.fit_mixture(run, data=LARGE)


# --- Nearest training examples ---------------------------------------------------------------


def test_the_nearest_training_example_of_a_training_example_is_itself(small_run):
    data = RunData.load(small_run)
    sample = data.training_sample(7, 0)
    x = next(sample.batches(small_run.model)).x
    nearest, distances = data.nearest_training_examples(x)
    np.testing.assert_array_equal(nearest, data.dataset.train.x[sample.indices])
    assert distances.max() < 1e-2


def test_the_nearest_training_example_is_found_in_every_batch(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2000, 5)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    run = train_small(tmp_path / "run", str(tmp_path / "x.npy"), training={"epochs": 1})
    train = x[np.load(run.path / "split.npz")["train"]]
    queries = rng.normal(size=(300, 5)).astype(np.float32)
    nearest, distances = RunData.load(run).nearest_training_examples(torch.from_numpy(queries))
    between = np.linalg.norm(queries[:, None] - train, axis=2)
    np.testing.assert_array_equal(nearest, train[between.argmin(1)])
    np.testing.assert_allclose(distances, between.min(1), atol=1e-3)
