"""The `Run` object on raw data: units, shapes, seeds, and input that does not suit the model."""

import shutil

import numpy as np
import pytest
import torch
from PIL import Image

import vaekit
from conftest import small_images, train_small
from raising import raises
from vaekit.errors import ConfigError, DataError

X = small_images().train.x[:4]


def test_raw_examples_are_scaled_as_in_training(small_run):
    x = np.full((2, 1, 8, 8), 255, dtype=np.uint8)
    assert small_run.prepare(x).max() == 1.0
    with torch.no_grad():
        expected = small_run.model.encode(torch.ones(2, 1, 8, 8)).mean.numpy()
    np.testing.assert_array_equal(small_run.encode(x).mean, expected)
    np.testing.assert_array_equal(small_run.encode(torch.from_numpy(x)).mean, expected)


def test_one_example_and_images_of_pillow_are_examples(small_run):
    first = Image.fromarray(X[0, 0])
    expected = small_run.encode(X[:1]).mean
    for x in (X[0, 0], X[0], X[0, 0].tolist(), first, [first], first.convert("RGB")):
        np.testing.assert_array_equal(small_run.encode(x).mean, expected)
    both = [first, Image.fromarray(X[1, 0])]
    np.testing.assert_array_equal(small_run.encode(both).mean, small_run.encode(X[:2]).mean)
    with raises(DataError, "x"):
        small_run.encode(first.resize((9, 8)))


def test_images_of_pillow_are_resized_as_in_training(tmp_path):
    np.save(tmp_path / "x.npy", small_images().train.x)
    data = {"source": str(tmp_path / "x.npy"), "resize": (6, 6)}
    run = train_small(tmp_path / "run", data=data)
    image = Image.fromarray(X[0, 0])
    pixels = np.asarray(image.resize((6, 6), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(run.encode(image).mean, run.encode(pixels).mean)


def test_samples_and_reconstructions_are_in_raw_units(small_run):
    samples = small_run.sample(5)
    assert samples.shape == (5, 1, 8, 8)
    assert 1.0 < samples.max() <= 255.0
    assert small_run.reconstruct(np.zeros((2, 1, 8, 8), dtype=np.uint8)).max() > 1.0


def test_samples_without_a_seed_follow_the_global_generator(small_run):
    torch.manual_seed(5)
    first = small_run.sample(5)
    second = small_run.sample(5)
    torch.manual_seed(5)
    expected = 255 * small_run.model.sample(5).numpy(force=True)
    np.testing.assert_allclose(first, expected, rtol=1e-6)
    assert not np.array_equal(first, second)


def test_sampled_values_without_a_seed_follow_the_global_generator(small_run):
    options = {"latents": lambda count, y: torch.zeros(count, 3), "sample_likelihood": True}
    torch.manual_seed(5)
    first, second = (small_run.sample(5, **options) for _ in range(2))
    torch.manual_seed(5)
    np.testing.assert_array_equal(first, small_run.sample(5, **options))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("sample_likelihood", [False, True])
def test_samples_repeat_by_seed(small_run, sample_likelihood):
    first, again, other = (
        small_run.sample(5, seed=seed, sample_likelihood=sample_likelihood) for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_sampled_values_are_those_of_the_likelihood_and_not_means(small_run):
    values = np.unique(small_run.sample(5, seed=0, sample_likelihood=True))
    assert set(values) == {0.0, 255.0}
    assert len(np.unique(small_run.sample(5, seed=0))) > 2


def test_latent_codes_of_samples_are_those_of_the_sampler(small_run):
    z = torch.randn(5, 3)
    samples = small_run.sample(5, latents=lambda count, y: z[:count])
    np.testing.assert_array_equal(samples, small_run.decode(z))


def test_streams_give_the_batches_of_the_whole(small_run):
    x = small_images(examples=1200).train.x
    codes = small_run.encode(x)
    batches = list(small_run.iter_encode(x))
    assert len(batches) > 1
    np.testing.assert_array_equal(np.concatenate([each.mean for each in batches]), codes.mean)
    decoded = np.concatenate(list(small_run.iter_decode(codes.mean)))
    np.testing.assert_array_equal(decoded, small_run.decode(codes.mean))
    np.testing.assert_allclose(decoded, small_run.reconstruct(x), rtol=1e-5)
    samples = np.concatenate(list(small_run.iter_sample(1200, seed=2)))
    np.testing.assert_array_equal(samples, small_run.sample(1200, seed=2))


def test_gray_images_may_lack_their_channel(small_run):
    codes = small_run.encode(X[:, 0])
    np.testing.assert_array_equal(codes.mean, small_run.encode(X).mean)


def test_a_run_in_double_precision_is_loaded_in_it(tmp_path):
    run = train_small(tmp_path / "run", training={"precision": "64-true"})
    loaded = vaekit.load_run(run.path)
    assert next(loaded.model.parameters()).dtype == torch.float64
    np.testing.assert_array_equal(loaded.encode(X).mean, run.encode(X).mean)


# --- Input that does not suit the model ------------------------------------------------------


@pytest.mark.parametrize(
    "x",
    [
        np.zeros((2, 1, 8, 9), np.uint8),
        np.full((2, 1, 8, 8), 300),
        np.full((2, 1, 8, 8), np.nan),
        np.full((2, 1, 8, 8), 0.5),
        np.full((2, 1, 8, 8), "x"),
        np.zeros((0, 1, 8, 8), np.uint8),
    ],
    ids=["shape", "range", "NaN", "fractions", "text", "empty"],
)
def test_examples_that_do_not_suit_the_model_are_refused(small_run, x):
    for use in (small_run.encode, small_run.reconstruct, small_run.score, small_run.prepare):
        with raises(DataError):
            use(x)


def test_examples_of_another_shape_or_with_labels_passed_twice_are_refused(small_run):
    examples = small_images().train
    assert len(small_run.encode(examples).mean) == len(examples)
    with raises(DataError, "labels"):
        small_run.encode(examples, "a")
    with raises(DataError, "x"):
        small_run.encode(small_images(shape=(1, 8, 9)).train)


@pytest.mark.parametrize(
    "z",
    [
        np.zeros((2, 4)),
        np.zeros(3),
        np.zeros((0, 3)),
        np.full((2, 3), np.nan),
        np.full((2, 3), np.inf),
        np.full((2, 3), 1e60),
        np.full((2, 3), "a"),
    ],
    ids=["size", "one code", "empty", "NaN", "infinity", "overflow", "text"],
)
def test_latent_codes_that_do_not_suit_the_model_are_refused(small_run, z):
    with raises(DataError):
        small_run.decode(z)


@pytest.mark.parametrize("count", [0, -1, 1_000_001, 2.5])
def test_a_count_out_of_range_is_refused(small_run, count):
    with raises(ConfigError, "count"):
        small_run.sample(count)


# --- Imputation ------------------------------------------------------------------------------


def test_imputation_keeps_observed_values_and_repeats_by_seed(small_run):
    missing = np.zeros(X.shape, bool)
    missing[..., :4] = True
    first, again, other = (
        small_run.impute(X, missing, iterations=4, proposals=3, seed=seed) for seed in (1, 1, 2)
    )
    assert (first[~missing] == X[~missing]).all()
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_imputation_depends_on_the_number_of_proposals(small_run):
    missing = np.zeros(X.shape, bool)
    missing[..., :4] = True
    few, more = (small_run.impute(X, missing, iterations=4, proposals=n) for n in (1, 3))
    assert not np.array_equal(few, more)


def test_equal_examples_of_different_batches_are_imputed_with_different_noise(
    small_run, monkeypatch
):
    monkeypatch.setattr("vaekit.inputs.model_inputs.MAX_BATCH_EXAMPLES", 2)
    missing = np.ones(X.shape, bool)
    imputed = small_run.impute(X[[0, 0, 0, 0]], missing, iterations=4, proposals=3)
    assert (imputed[:2] != imputed[2:]).any()


@pytest.mark.parametrize("batch_size", [500, 1])
def test_imputation_ignores_the_values_at_missing_places(small_run, monkeypatch, batch_size):
    monkeypatch.setattr("vaekit.inputs.model_inputs.MAX_BATCH_EXAMPLES", batch_size)
    missing = np.zeros(X.shape, bool)
    for i in range(len(X)):
        missing[i, ..., 2 * i : 2 * i + 2] = True
    imputed = [
        small_run.impute(np.where(missing, np.uint8(fill), X), missing, iterations=4)
        for fill in (0, 255)
    ]
    np.testing.assert_array_equal(*imputed)


@pytest.mark.parametrize("missing", [np.ones((4, 1, 4, 4), bool), np.ones((4, 1, 8, 8))])
def test_a_mask_of_another_shape_or_type_is_refused(small_run, missing):
    with raises(DataError, "missing"):
        small_run.impute(X, missing)


@pytest.mark.parametrize("name", ["iterations", "proposals"])
def test_imputation_needs_positive_numbers(small_run, name):
    with raises(ConfigError, name):
        small_run.impute(X, np.ones(X.shape, bool), **{name: 0})


@pytest.mark.slow
def test_relative_paths_stay_valid_in_another_working_directory(small_run, tmp_path, monkeypatch):
    shutil.copytree(small_run.path, tmp_path / "here/run")
    shutil.copy(small_run.config.data.source, tmp_path / "here/bars.npz")
    config = small_run.config.changed({"data": {"source": "bars.npz"}})
    vaekit.runs.save_config(tmp_path / "here/run", config, small_run.run_id)
    monkeypatch.chdir(tmp_path / "here")
    run = vaekit.load_run("run")
    monkeypatch.chdir(tmp_path)

    options = {"importance_samples": 1, "generated_examples": 0}
    moved = vaekit.evaluate(run, **options)
    assert moved.terms == vaekit.evaluate(small_run, **options).terms
    plots = tmp_path / "here/run/plots"
    assert vaekit.plot(run, ["nearest", "curves"]) == [plots / "nearest.png", plots / "curves.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["here"]
    assert len(vaekit.compare([run, small_run.path]).runs) == 2
