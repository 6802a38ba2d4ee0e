"""Quality of samples and reconstructions: what is compared with what, and by which features."""

import numpy as np
import pytest
import torch

import vaekit
from conftest import QUIET, small_images, train_small
from raising import raises
from vaekit.errors import ConfigError, DataError
from vaekit.evaluation import (
    ClassifierFeatures,
    CodeMixture,
    classifier,
    embed,
    frechet_distance,
    nearest_distance,
    precision_recall,
    sample_quality,
)
from vaekit.evaluation.catalogue import SAMPLES
from vaekit.evaluation.features import Components
from vaekit.evaluation.sample_quality import feature_network
from vaekit.inference.encode_decode import sample_prior
from vaekit.runs.run_data import RunData
from vaekit.runtime.seeding import seeded_noise

pytestmark = pytest.mark.slow

LARGE = small_images(examples=240)


@pytest.fixture(autouse=True)
def _few_classifier_steps(monkeypatch):
    monkeypatch.setattr(classifier, "TRAINING_STEPS", 40)


def quality_of(run, **options):
    return vaekit.evaluate(run, importance_samples=1, **options).sample_quality


def save_bars(folder):
    np.savez(folder / "bars.npz", x=LARGE.train.x)
    return folder / "bars.npz"


@pytest.fixture(scope="module")
def labeled(tmp_path_factory):
    """A run on a labeled file with 24 test examples."""
    folder = tmp_path_factory.mktemp("labeled")
    x, y = LARGE.train.x, LARGE.train.y
    np.savez(folder / "bars.npz", x=x, y=np.array(LARGE.classes)[y])
    return train_small(folder / "run", str(folder / "bars.npz"), latent_dim=2)


@pytest.fixture(scope="module")
def conditional(tmp_path_factory):
    folder = tmp_path_factory.mktemp("conditional")
    return train_small(folder / "run", LARGE, latent_dim=2, conditional=True)


@pytest.fixture(scope="module")
def binary(tmp_path_factory):
    folder = tmp_path_factory.mktemp("binary")
    data = {"source": str(save_bars(folder)), "binarize": "threshold"}
    return train_small(folder / "run", data)


def images_of(inputs) -> torch.Tensor:
    return torch.from_numpy(LARGE.train.x[inputs.indices]).float() / 255


# --- Sets of examples ------------------------------------------------------------------------


def test_samples_and_training_examples_are_compared_with_test_examples(labeled):
    quality = quality_of(labeled)
    assert quality.examples == 24
    assert set(quality.sources) == {"prior", "mixture", "real_data_baseline"}
    for metrics in quality.sources.values():
        content = metrics.to_dict()
        assert set(content) == set(SAMPLES)
        assert all(metric["standard_error"] >= 0 for metric in content.values())
    assert quality.real_data_baseline.frechet.value < quality.prior.frechet.value


def test_metrics_repeat_by_seed(labeled):
    first, again, other = (quality_of(labeled, seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert first.prior.frechet != other.prior.frechet


def test_the_number_of_samples_is_bounded_by_the_request(labeled):
    assert quality_of(labeled, generated_examples=20).examples == 20


def test_there_are_as_many_samples_as_training_examples_at_most(labeled, tmp_path):
    data = {"source": labeled.config.data.source, "train_size": 21}
    assert quality_of(train_small(tmp_path / "run", data)).examples == 21


def test_too_few_examples_give_a_reason_in_place_of_metrics(labeled):
    quality = quality_of(labeled, generated_examples=19)
    assert quality.unavailable
    assert quality.sources == {}


def test_samples_are_not_compared_unless_requested_or_with_other_data(labeled, tmp_path):
    assert quality_of(labeled, generated_examples=0) is None
    np.save(tmp_path / "other.npy", np.zeros((30, 1, 8, 8), np.uint8))
    quality = quality_of(labeled, data=tmp_path / "other.npy")
    assert quality.unavailable and quality.sources == {}


def test_training_examples_are_no_baseline_of_themselves(labeled):
    assert "real_data_baseline" not in quality_of(labeled, split="train").sources


def test_a_discrete_latent_has_no_mixture(tmp_path):
    posterior = {"kind": "categorical"}
    run = train_small(tmp_path / "run", LARGE, posterior=posterior, latent_dim=4)
    assert "mixture" not in quality_of(run, data=LARGE).sources


def test_binary_values_and_tables_are_sampled_and_images_are_means(labeled, binary, tmp_path):
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(300, 4)))
    table = train_small(tmp_path / "table", str(tmp_path / "x.npy"), training={"epochs": 40})
    of_binary, of_table = quality_of(binary), quality_of(table)
    assert of_binary.values == of_table.values != quality_of(labeled).values
    assert of_table.prior.coverage.value > 0.5


def test_a_table_of_one_column_has_metrics(tmp_path):
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(300, 1)))
    run = train_small(tmp_path / "run", str(tmp_path / "x.npy"), latent_dim=1)
    assert quality_of(run).prior.frechet.value >= 0


def test_sorted_files_have_the_same_baseline_as_shuffled_ones(tmp_path):
    data = small_images(examples=900).train
    orders = {
        "sorted": np.argsort(data.y, kind="stable"),
        "shuffled": np.random.default_rng(0).permutation(900),
    }
    for name, order in orders.items():
        np.save(tmp_path / f"{name}.npy", data.x[order])
        run = train_small(tmp_path / name, str(tmp_path / f"{name}.npy"))
        kernel = quality_of(run).real_data_baseline.kernel
        assert abs(kernel.value) < 5 * kernel.standard_error


def test_samples_of_a_conditional_run_have_the_classes_of_the_examples(conditional, monkeypatch):
    requested = []

    def record(sampler):
        def sample(*arguments):
            requested.append(arguments[-1])
            return sampler(*arguments)

        return sample

    monkeypatch.setattr(sample_quality, "sample_prior", record(sample_prior))
    monkeypatch.setattr(CodeMixture, "sample", record(CodeMixture.sample))
    vaekit.evaluate(conditional, importance_samples=1, data=LARGE)
    classes = LARGE.train.y[np.load(conditional.path / "split.npz")["test"]]
    of_prior, of_mixture = requested
    assert torch.equal(of_prior, of_mixture)
    assert torch.equal(of_prior.bincount(), torch.from_numpy(classes).bincount())
    assert len(set(of_prior.tolist())) == 3


# --- Metrics by recomputation ----------------------------------------------------------------


@pytest.mark.parametrize("count", [20, 24])
def test_the_baseline_compares_training_examples_with_test_examples(labeled, count):
    own = RunData.load(labeled)
    network = feature_network(own, None, count, 0)
    test = embed(network, [images_of(own.inputs("test").random(count, 0))])
    known = embed(network, [images_of(own.training_sample(count, 0))])
    baseline = quality_of(labeled, generated_examples=count).real_data_baseline
    assert baseline.frechet.value == pytest.approx(frechet_distance(known, test).value, rel=1e-3)
    nearest = nearest_distance(test, known).mean().item()
    assert baseline.nearest_training_distance.value == pytest.approx(nearest, rel=1e-3)
    expected = precision_recall(known, test)
    assert precision_recall(test, known).density.value != expected.density.value
    for name, metric in expected._asdict().items():
        actual = getattr(baseline, name)
        assert actual.value == pytest.approx(metric.value, rel=1e-6)
        assert actual.standard_error == pytest.approx(metric.standard_error, rel=1e-6)


@pytest.mark.parametrize("kind", ["labeled", "conditional", "binary"])
def test_samples_are_those_of_the_run_by_seed_and_classes(request, kind):
    run = request.getfixturevalue(kind)
    data = LARGE if kind == "conditional" else None
    own = RunData.load(run, data)
    real = own.inputs("test").random(24, 5)
    labels = None if real.labels() is None else [run.classes[number] for number in real.labels()]
    network = feature_network(own, None, 24, 5)
    test, training = (
        embed(network, [x for x, _ in inputs.batches(run.model)])
        for inputs in (real, own.training_sample(24, 5))
    )
    quality = quality_of(run, data=data, seed=5)
    of_mixture = own.fit_mixture(seed=5).sample
    for metrics, latents in ((quality.prior, None), (quality.mixture, of_mixture)):
        options = {"latents": latents, "sample_likelihood": kind == "binary"}
        raw = run.sample(24, labels, seed=5, **options)
        samples = embed(network, [torch.from_numpy(run.transform.forward(raw, np.float32))])
        expected = frechet_distance(samples, test).value
        assert metrics.frechet.value == pytest.approx(expected, rel=1e-3)
        nearest = nearest_distance(samples, training).mean().item()
        assert metrics.nearest_training_distance.value == pytest.approx(nearest, rel=1e-3)


def test_samples_are_clipped_to_the_range_of_pixels(labeled, tmp_path):
    """Means of a Gaussian likelihood can be below black and above white."""
    source = labeled.config.data.source
    run = train_small(tmp_path / "run", source, latent_dim=2, likelihood="gaussian")
    network = feature_network(RunData.load(run), None, 24, 0)
    layers = [part for part in run.model.modules() if isinstance(part, torch.nn.Linear)]
    (last,) = (layer for layer in layers if layer.out_features == 64)
    with torch.no_grad():
        last.bias -= 0.3
        with seeded_noise(0):
            z = sample_prior(run.model, 24)
        means = run.model.decode(z).mean
    assert means.min() < -0.1
    samples = embed(network, [means.clamp(0, 1)])
    test = images_of(RunData.load(run).inputs("test"))
    expected = frechet_distance(samples, embed(network, [test])).value
    assert quality_of(run).prior.frechet.value == pytest.approx(expected, rel=1e-3)


def test_reconstruction_errors_are_in_the_units_of_the_model(labeled):
    metrics = vaekit.evaluate(labeled, importance_samples=1).reconstructions
    x = LARGE.train.x[np.load(labeled.path / "split.npz")["test"]]
    mse = np.mean((labeled.reconstruct(x) / 255 - x / 255) ** 2)
    assert metrics["mse"].value == pytest.approx(mse, rel=1e-5)
    assert set(metrics) == {"mse", "psnr"}  # the images are too small for SSIM


def test_values_without_a_range_have_a_squared_error_alone(tmp_path):
    run = train_small(tmp_path / "run", np.random.default_rng(0).normal(size=(60, 1, 12, 12)))
    x = np.random.default_rng(1).normal(size=(10, 1, 12, 12))
    assert set(vaekit.evaluate(run, data=x, importance_samples=1).reconstructions) == {"mse"}


# --- Features --------------------------------------------------------------------------------


def test_features_are_those_requested_or_components_by_the_number_of_examples(labeled):
    own = RunData.load(labeled)
    assert isinstance(feature_network(own, "classifier", 24, 0), ClassifierFeatures)
    assert feature_network(own, None, 24, 0).width == 2
    assert feature_network(own, None, 10_000, 0).width == 64


def test_features_of_a_classifier_are_trained_by_the_seed(labeled):
    own = RunData.load(labeled)
    examples = own.training_sample(own.training_count, 5)
    expected = ClassifierFeatures(classifier.train_classifier(examples, 3, seed=5), "")
    x = images_of(own.inputs("test"))
    torch.testing.assert_close(feature_network(own, "classifier", 24, 5)(x), expected(x))


def test_components_are_those_of_other_training_examples_than_the_baseline(labeled):
    own = RunData.load(labeled)
    others = own.training_sample(own.training_count, 0, skip=24)
    expected = Components(images_of(others), 2)
    x = images_of(own.inputs("test"))
    torch.testing.assert_close(feature_network(own, None, 24, 0)(x), expected(x))


@pytest.mark.parametrize(
    ("name", "error"), [("inception", ConfigError), ("missing.pth", DataError)]
)
def test_unknown_features_are_refused_before_the_run_is_read(labeled, name, error):
    with raises(error, "features"):
        vaekit.evaluate(labeled.path / "not a run", features=name)


def test_few_examples_are_warned_of_and_few_for_many_features_again(labeled):
    assert len(quality_of(labeled).warnings) == 1
    assert len(quality_of(labeled, features="classifier").warnings) == 2


def test_classifier_features_need_labels(tmp_path):
    run = train_small(tmp_path / "run", str(save_bars(tmp_path)))
    with raises(ConfigError, "features"):
        quality_of(run, features="classifier")


def test_mnist_is_compared_by_the_packaged_network_if_there_are_enough_examples(tmp_path):
    data = {"source": "mnist", "train_size": 1300}
    options = {"out": tmp_path / "run", "training": {"epochs": 1}, "console": QUIET}
    run = vaekit.train("mlp", data=data, **options)
    many = quality_of(run, max_examples=1300)
    assert many.features.startswith("128 features") and many.examples == 1300
    assert many.warnings == ()
    few = quality_of(run, max_examples=60)
    assert few.features.startswith("6 principal components")
