"""An evaluation: its metrics and protocol, class accuracy, codes, and files read once."""

import json
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import vaekit
from conftest import small_images, train_small
from raising import raises
from vaekit.data import Dataset, Examples
from vaekit.errors import ConfigError, DataError
from vaekit.evaluation import ais_bound, classifier
from vaekit.runs.example_selection import select_examples

pytestmark = pytest.mark.slow

NO_SAMPLES = {"importance_samples": 1, "generated_examples": 0}


@pytest.fixture(autouse=True)
def _few_classifier_steps(monkeypatch):
    monkeypatch.setattr(classifier, "TRAINING_STEPS", 40)


def save_halves(path, count: int) -> str:
    """Images whose left or right half is bright, with the side as the class."""
    y = np.arange(count) % 2
    x = np.random.default_rng(0).integers(0, 40, (count, 1, 8, 8), dtype=np.uint8)
    for i, label in enumerate(y):
        x[i, :, :, 4 * label : 4 * label + 4] += 190
    np.savez(path, x=x, y=np.array(["[left]", "right"])[y])
    return str(path)


@pytest.fixture(scope="module")
def conditional(tmp_path_factory):
    """A conditional run on halves from a file."""
    folder = tmp_path_factory.mktemp("conditional")
    data = save_halves(folder / "halves.npz", count=200)
    options = {
        "latent_dim": 1,
        "training": {"epochs": 8},
        "decoder": {"hidden": [32]},
        "optimizer": {"lr": 0.01},
    }
    return train_small(folder / "run", data, conditional=True, **options)


@pytest.fixture(scope="module")
def deterministic(tmp_path_factory):
    folder = tmp_path_factory.mktemp("deterministic")
    np.save(folder / "x.npy", small_images().train.x)
    parts = {"posterior": "deterministic", "objective": "reconstruction-only"}
    return train_small(folder / "run", str(folder / "x.npy"), **parts)


# --- Likelihood ------------------------------------------------------------------------------


def test_the_terms_add_up_and_the_bound_is_above_the_elbo(small_run):
    evaluation = vaekit.evaluate(small_run, importance_samples=200, split="train")
    terms = evaluation.terms
    total = terms.reconstruction.value + terms.divergence.value
    assert terms.loss.value == pytest.approx(total)
    assert evaluation.importance_weighted_bound.value > -terms.loss.value
    assert evaluation.examples == small_run.summary["data"]["examples"]["train"]
    assert vaekit.evaluate(small_run, importance_samples=200, split="train") == evaluation


def test_the_summary_of_a_run_is_its_evaluation_by_its_seed(small_run, tmp_path):
    source = small_run.config.data.source
    other = train_small(tmp_path / "run", source, seed=5)
    for run, seed in ((small_run, 0), (other, 5)):
        evaluation = vaekit.evaluate(run, seed=seed, **NO_SAMPLES)
        assert evaluation.terms.to_dict() == run.summary["test"]


def test_bits_per_dimension_are_the_bound_in_bits_if_the_likelihood_is_normalized(
    tmp_path, small_run
):
    assert vaekit.evaluate(small_run, **NO_SAMPLES).bits_per_dimension.metric.value is None
    np.save(tmp_path / "x.npy", np.random.default_rng(0).random((60, 6)) > 0.5)
    run = train_small(tmp_path / "run", str(tmp_path / "x.npy"))
    evaluation = vaekit.evaluate(run, importance_samples=2)
    bits = -evaluation.importance_weighted_bound.value / 6 / np.log(2)
    assert evaluation.bits_per_dimension.metric.value == pytest.approx(bits)


def test_a_single_example_has_no_standard_error(small_run):
    evaluation = vaekit.evaluate(small_run, max_examples=1, **NO_SAMPLES)
    assert evaluation.examples == 1
    assert evaluation.terms.loss.standard_error is None
    assert evaluation.importance_weighted_bound.standard_error is None


def test_the_ais_bound_has_the_requested_steps_chains_and_seed(small_run):
    evaluation = vaekit.evaluate(small_run, ais_steps=4, ais_chains=3, seed=7, **NO_SAMPLES)
    inputs = small_run.inputs(select_examples(small_run).examples)
    expected = ais_bound(small_run.model, inputs, steps=4, chains=3, seed=7)
    ais = evaluation.ais_bound
    assert (ais.steps, ais.chains) == (4, 3)
    assert ais.metric.value == pytest.approx(expected.bound.mean().item(), rel=1e-9)
    assert ais.acceptance == pytest.approx(expected.acceptance, rel=1e-6)


def test_ais_needs_a_continuous_latent(deterministic):
    with raises(ConfigError, "ais_steps"):
        vaekit.evaluate(deterministic, ais_steps=2, **NO_SAMPLES)


def test_a_deterministic_posterior_has_no_bound_and_the_reason_is_written(deterministic):
    evaluation = vaekit.evaluate(deterministic)
    assert evaluation.terms.loss == evaluation.terms.reconstruction
    content = evaluation.to_dict()
    for name in ("divergence", "importance_weighted_bound", "bits_per_dimension"):
        assert content[name]["value"] is None
        assert content[name]["unavailable"]


def test_an_evaluation_is_json(small_run, deterministic):
    for run in (small_run, deterministic):
        content = vaekit.evaluate(run, importance_samples=1).to_dict()
        assert json.loads(json.dumps(content)) == content
        assert {"loss", "reconstruction", "divergence"} <= content.keys()
        assert "terms" not in content


# --- Protocol --------------------------------------------------------------------------------


def protocol_of(tmp_path, data=None, **options) -> dict[str, str]:
    tmp_path.mkdir(exist_ok=True)
    source = {"source": save_halves(tmp_path / "halves.npz", count=40), **(data or {})}
    run = train_small(tmp_path / "run", source, training={"epochs": 1}, **options)
    return vaekit.evaluate(run, **NO_SAMPLES).protocol


def test_a_protocol_has_five_fields(small_run):
    protocol = vaekit.evaluate(small_run, **NO_SAMPLES).protocol
    assert list(protocol) == ["targets", "likelihood", "estimator", "condition", "weights"]


@pytest.mark.parametrize(
    ("options", "changed"),
    [
        ({"data": {"binarize": "threshold"}}, {"targets", "likelihood"}),
        ({"data": {"binarize": "fixed"}}, {"targets", "likelihood"}),
        ({"likelihood": "gaussian"}, {"likelihood"}),
        ({"likelihood": "categorical"}, {"targets", "likelihood"}),
        ({"conditional": True}, {"condition"}),
        ({"posterior": "deterministic", "objective": "reconstruction-only"}, {"estimator"}),
        ({"latent_dim": 7, "seed": 5, "objective": {"beta": 2.0}}, set()),
    ],
)
def test_a_protocol_differs_where_metrics_are_not_comparable(tmp_path, options, changed):
    default = protocol_of(tmp_path / "default")
    other = protocol_of(tmp_path / "other", **options)
    assert {name for name in default if default[name] != other[name]} == changed


def test_dynamic_binarization_is_evaluated_as_fixed_binarization(tmp_path):
    fixed, dynamic = (
        protocol_of(tmp_path / method, data={"binarize": method}) for method in ("fixed", "dynamic")
    )
    assert fixed == dynamic


# --- Class accuracy --------------------------------------------------------------------------


def class_accuracy(run, samples: int, **options):
    options = {"class_accuracy_samples": samples, **NO_SAMPLES, **options}
    return vaekit.evaluate(run, **options).generated_class_accuracy


def test_class_accuracy_is_computed_only_if_requested(conditional):
    plain = vaekit.evaluate(conditional, **NO_SAMPLES)
    assert plain.generated_class_accuracy is None
    assert "generated_class_accuracy" not in plain.to_dict()
    requested = vaekit.evaluate(conditional, class_accuracy_samples=5, **NO_SAMPLES).to_dict()
    requested.pop("generated_class_accuracy")
    assert requested == plain.to_dict()


def test_class_accuracy_is_the_mean_over_classes_next_to_that_of_the_classifier(conditional):
    result = class_accuracy(conditional, 30)
    assert set(result.per_class) == {"[left]", "right"}
    assert result.samples_per_class == 30
    assert result.classifier_examples == conditional.summary["data"]["examples"]["test"]
    assert result.classifier_accuracy > 0.9
    accuracies = [each.accuracy for each in result.per_class.values()]
    assert result.accuracy == pytest.approx(np.mean(accuracies))
    assert result.accuracy > 0.9
    of_classifier = [each.classifier_accuracy for each in result.per_class.values()]
    assert min(of_classifier) <= result.classifier_accuracy <= max(of_classifier)


@pytest.fixture(scope="module")
def untrained(tmp_path_factory):
    """A conditional run whose samples are of neither class."""
    folder = tmp_path_factory.mktemp("untrained")
    data = save_halves(folder / "halves.npz", count=200)
    options = {"latent_dim": 1, "training": {"epochs": 1}, "optimizer": {"lr": 1e-6}}
    return train_small(folder / "run", data, conditional=True, **options)


@pytest.mark.parametrize("samples", [20, 75])
def test_the_error_of_class_accuracy_is_that_of_samples_stratified_by_class(untrained, samples):
    """Of accuracies p_c of n samples each: var = 1/C^2 sum_c p_c (1 - p_c) / (n - 1)."""
    result = class_accuracy(untrained, samples)
    accuracies = np.array([each.accuracy for each in result.per_class.values()])
    assert accuracies[0] != accuracies[1]
    variance = (accuracies * (1 - accuracies) / (samples - 1)).sum() / len(accuracies) ** 2
    assert result.accuracy == pytest.approx(accuracies.mean())
    assert result.standard_error == pytest.approx(variance**0.5, rel=1e-9)


def test_one_sample_per_class_has_no_standard_error(conditional):
    assert class_accuracy(conditional, 1).standard_error is None


def test_the_classifier_is_trained_on_training_examples_only(tmp_path):
    images = small_images(examples=200, classes=2)
    mislabeled = Examples(images.train.x[:100], 1 - images.train.y[:100])
    data = Dataset("mislabeled", images.train, mislabeled, images.support, images.classes)
    run = train_small(tmp_path / "run", data, conditional=True)
    assert class_accuracy(run, 5, data=data).classifier_accuracy < 0.2


def test_each_class_has_its_own_accuracy_in_any_order_of_names(tmp_path):
    images = small_images(examples=200, classes=2)
    x, y = images.train.x[:100].copy(), images.train.y[:100]
    x[y == 1] = x[y == 0]
    data = Dataset("bars", images.train, Examples(x, y), images.support, ("zebra", "ant"))
    run = train_small(tmp_path / "run", data, conditional=True)
    accuracies = class_accuracy(run, 5, data=data).per_class
    assert accuracies["zebra"].classifier_accuracy > 0.8
    assert accuracies["ant"].classifier_accuracy < 0.2


def test_class_accuracy_repeats_by_seed(untrained):
    first, again, *others = (class_accuracy(untrained, 75, seed=seed) for seed in (0, 0, 1, 2))
    assert first == again
    assert all(other != first for other in others)


def test_the_classifier_is_trained_on_the_runs_dataset_whatever_is_evaluated(conditional, tmp_path):
    other = save_halves(tmp_path / "other.npz", count=20)
    evaluation = vaekit.evaluate(conditional, class_accuracy_samples=5, data=other, **NO_SAMPLES)
    assert evaluation.examples == 20
    assert evaluation.generated_class_accuracy == class_accuracy(conditional, 5)


def test_a_dataset_in_memory_must_be_passed(tmp_path):
    run = train_small(tmp_path / "run", conditional=True)
    with raises(DataError, "data"):
        class_accuracy(run, 1)
    assert set(class_accuracy(run, 1, data=small_images()).per_class) == {"a", "b", "c"}


def test_class_accuracy_needs_a_conditional_run_and_labels(conditional, small_run):
    with raises(ConfigError, "class_accuracy_samples"):
        class_accuracy(small_run, 10)
    with raises(DataError, "labels"):
        class_accuracy(conditional, 1, data=small_images().train.x)


# --- Options ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("split", "tset"),
        ("importance_samples", 0),
        ("importance_samples", 2.5),
        ("importance_samples", "5"),
        ("importance_samples", 1_000_001),
        ("max_examples", 0.5),
        ("max_examples", 0),
        ("ais_steps", -1),
        ("ais_chains", 0),
        ("generated_examples", -1),
        ("class_accuracy_samples", -1),
        ("features", "inception"),
    ],
)
def test_an_option_out_of_range_is_refused_by_name(conditional, name, value):
    with raises(ConfigError, name):
        vaekit.evaluate(conditional, **{name: value})


@pytest.mark.parametrize(
    ("data", "name"),
    [(None, "run's source"), ("file", "path"), ("array", "data in memory")],
)
def test_an_evaluation_names_its_data(small_run, tmp_path, data, name):
    np.save(tmp_path / "x.npy", small_images().train.x)
    sources = {None: None, "file": tmp_path / "x.npy", "array": small_images().train.x}
    evaluation = vaekit.evaluate(small_run, data=sources[data], **NO_SAMPLES)
    names = {"run's source": small_run.config.data.source, "path": str(tmp_path / "x.npy")}
    assert evaluation.data == names.get(name, name)


# --- Codes -----------------------------------------------------------------------------------


def test_a_discrete_run_has_code_usage(tmp_path):
    np.save(tmp_path / "x.npy", small_images().train.x)
    posterior = {"kind": "categorical", "classes": 5}
    run = train_small(tmp_path / "run", str(tmp_path / "x.npy"), latent_dim=4, posterior=posterior)
    codes = vaekit.evaluate(run, split="train", **NO_SAMPLES).codes
    assert (codes.positions, codes.available) == (4, 20)
    assert 4 <= codes.used <= 20
    assert 1 <= codes.perplexity <= 5


def test_a_discrete_run_of_few_codes_has_an_exact_likelihood_above_its_bound(tmp_path):
    np.save(tmp_path / "x.npy", small_images().train.x)
    posterior = {"kind": "categorical", "classes": 3}
    run = train_small(tmp_path / "run", str(tmp_path / "x.npy"), latent_dim=2, posterior=posterior)
    evaluation = vaekit.evaluate(run, importance_samples=50, generated_examples=0)
    assert evaluation.exact_log_likelihood.value > evaluation.importance_weighted_bound.value - 0.1


def test_a_continuous_run_has_neither_codes_nor_an_exact_likelihood(small_run):
    evaluation = vaekit.evaluate(small_run, **NO_SAMPLES)
    assert evaluation.codes is None and evaluation.exact_log_likelihood is None
    assert not {"codes", "exact_log_likelihood"} & evaluation.to_dict().keys()


# --- Files -----------------------------------------------------------------------------------

OPENED: Counter[str] = Counter()
AUDITED: set[Path] = set()


def count_opens(event: str, arguments: tuple) -> None:
    """Count opened files in the audited folders, whichever function opens them."""
    if event == "open" and AUDITED and isinstance(arguments[0], str):
        path = Path(arguments[0])
        if path.parent in AUDITED:
            OPENED[path.name] += 1


sys.addaudithook(count_opens)  # hooks cannot be removed: this one looks at audited folders only


@pytest.fixture
def opened(conditional):
    """How often each file of the conditional run has been opened in the test."""
    AUDITED.add(conditional.path)
    OPENED.clear()
    yield OPENED
    AUDITED.clear()


def test_an_evaluation_reads_every_file_of_the_run_once(conditional, opened):
    evaluation = vaekit.evaluate(
        conditional.path, importance_samples=2, ais_steps=2, class_accuracy_samples=5
    )
    assert evaluation.sample_quality.prior is not None
    assert evaluation.latent.probes is not None
    assert (opened["split.npz"], opened["summary.json"], opened["config.yaml"]) == (1, 1, 1)


def test_a_score_relative_to_the_dataset_reads_the_split_once(conditional, opened, tmp_path):
    vaekit.workflows.score(conditional.path, tmp_path / "s.csv", metric="density")
    assert (opened["split.npz"], opened["summary.json"]) == (1, 1)


def test_plots_read_the_split_once(conditional, opened, tmp_path):
    vaekit.plot(conditional.path, ["latent", "losses", "nearest"], out=tmp_path / "plots")
    assert (opened["split.npz"], opened["summary.json"]) == (1, 1)


def test_a_comparison_reads_each_split_once(conditional, opened, tmp_path):
    other = train_small(tmp_path / "other", conditional.config.data.source, latent_dim=2)
    AUDITED.add(other.path)
    OPENED.clear()
    vaekit.compare([conditional.path, other.path], out=tmp_path / "plot.png")
    assert (opened["split.npz"], opened["summary.json"]) == (2, 2)
