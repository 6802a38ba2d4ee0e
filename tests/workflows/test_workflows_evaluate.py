"""Judging a run beyond its bound: whether samples show their class, which codes are used, what a plain autoencoder has."""

import json

import numpy as np
import pytest

import vaekit
from conftest import small_images, train_small
from vaekit.cli import figures, main
from vaekit.data import Dataset, Examples
from vaekit.errors import ConfigError, DataError
from vaekit.evaluation import classifier


@pytest.fixture(autouse=True)
def _few_updates(monkeypatch):
    monkeypatch.setattr(classifier, "UPDATES", 40)


def save_halves(path, rows: int) -> str:
    """Images whose left or right half is bright, and which one it is by name."""
    y, rng = np.arange(rows) % 2, np.random.default_rng(0)
    x = rng.integers(0, 40, (rows, 1, 8, 8), dtype=np.uint8)
    for i, label in enumerate(y):
        x[i, :, :, 4 * label : 4 * label + 4] += 190
    np.savez(path, x=x, y=np.array(["[left]", "right"])[y])
    return str(path)


@pytest.fixture(scope="module")
def conditional(tmp_path_factory):
    """A conditional run on halves from a file; read-only for tests."""
    folder = tmp_path_factory.mktemp("conditional")
    data = save_halves(folder / "halves.npz", rows=200)
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
    return train_small(
        folder / "run",
        str(folder / "x.npy"),
        posterior="deterministic",
        objective="reconstruction-only",
    )


# --- The protocol ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            {},
            {
                "targets": "gray, k / 255 for k = 0 to 255",
                "likelihood": "Bernoulli, not normalised: a Bernoulli with",
            },
        ),
        (
            {"data": {"binarize": "threshold"}},
            {"targets": "ones where gray is above one half", "likelihood": "probability of"},
        ),
        (
            {"data": {"binarize": "fixed"}},
            {"targets": "ones drawn once by seed 0, with gray as their probability"},
        ),
        (
            {"data": {"binarize": "dynamic"}},
            {"targets": "ones drawn once by seed 0, with gray as their probability"},
        ),
        (
            {"likelihood": "gaussian"},
            {"likelihood": "density, not dequantised", "estimator": "one draw of z a row"},
        ),
        (
            {"likelihood": "categorical"},
            {"targets": "integers:256", "likelihood": "probability of discrete values"},
        ),
        (
            {"conditional": True},
            {
                "condition": "the class of each row",
                "weights": "of the epoch that was best on held-out",
            },
        ),
        (
            {"posterior": "deterministic", "objective": "reconstruction-only"},
            {"estimator": "reconstruction error alone"},
        ),
    ],
)
def test_every_evaluation_carries_its_protocol(tmp_path, options, expected):
    data = {"source": save_halves(tmp_path / "halves.npz", rows=40), **options.pop("data", {})}
    run = train_small(tmp_path / "run", data, training={"epochs": 1}, **options)
    protocol = vaekit.evaluate(run, samples=1)["protocol"]
    assert protocol.keys() == {"targets", "likelihood", "estimator", "condition", "weights"}
    for name, value in expected.items():
        assert protocol[name].startswith(value)


# --- Label agreement ------------------------------------------------------------------------------------------------------


def test_agreement_is_off_unless_asked_for(conditional):
    assert "generated_class_accuracy" not in vaekit.evaluate(conditional, samples=1)


def test_the_share_is_that_of_all_classes_and_the_classifier_is_judged_beside_it(conditional):
    plain, asked = (
        vaekit.evaluate(conditional, samples=1),
        vaekit.evaluate(conditional, samples=1, agreement=30),
    )
    found = asked.pop("generated_class_accuracy")
    assert asked == plain
    assert set(found["per_class"]) == {"[left]", "right"}
    assert found["samples_per_class"] == 30
    assert found["classifier_rows"] == conditional.summary["data"]["rows"]["test"]
    assert found["classifier_accuracy"] > 0.9
    shares = [of_class["share"] for of_class in found["per_class"].values()]
    assert found["share"] == pytest.approx(np.mean(shares))
    assert found["share"] > 0.9
    variance = (
        sum(share * (1 - share) / 29 for share in shares) / 4
    )  # of the mean of two means of 30 draws
    assert found["standard_error"] == pytest.approx(variance**0.5)
    accuracies = [of_class["classifier_accuracy"] for of_class in found["per_class"].values()]
    assert min(accuracies) <= found["classifier_accuracy"] <= max(accuracies)


def test_the_classifier_learns_from_the_training_rows_alone(tmp_path):
    data = small_images(rows=200, classes=2)
    liars = Examples(data.train.x[:100], 1 - data.train.y[:100])
    run = train_small(
        tmp_path / "run",
        Dataset("lies", data.train, liars, data.support, data.classes),
        conditional=True,
    )
    data = Dataset("lies", data.train, liars, data.support, data.classes)
    found = vaekit.evaluate(run, data=data, samples=1, agreement=5)["generated_class_accuracy"]
    assert found["classifier_accuracy"] < 0.2  # of the test rows, whose labels are all wrong


def test_agreement_repeats_with_its_seed(conditional):
    first, again = (
        vaekit.evaluate(conditional, samples=1, agreement=5)["generated_class_accuracy"]
        for _ in range(2)
    )
    assert first == again


def test_the_classifier_learns_the_runs_own_rows_whatever_is_judged(conditional, tmp_path):
    other = save_halves(tmp_path / "other.npz", rows=20)
    there = vaekit.evaluate(conditional, samples=1, agreement=5, data=other)
    assert there["rows"] == 20
    assert (
        there["generated_class_accuracy"]
        == vaekit.evaluate(conditional, samples=1, agreement=5)["generated_class_accuracy"]
    )


def test_a_run_on_arrays_in_memory_is_given_them_again(tmp_path):
    run = train_small(tmp_path / "run", conditional=True)
    with pytest.raises(DataError, match="in memory: give them again"):
        vaekit.evaluate(run, samples=1, agreement=1)
    found = vaekit.evaluate(run, data=small_images(), samples=1, agreement=1)[
        "generated_class_accuracy"
    ]
    assert found["standard_error"] is None
    assert set(found["per_class"]) == {"a", "b", "c"}


@pytest.mark.parametrize(
    "options", [{"split": "tset"}, {"samples": 2.5}, {"samples": "5"}, {"train_size": 0.5}], ids=str
)
def test_what_cannot_be_asked_of_an_evaluation(small_run, options):
    with pytest.raises(ConfigError, match=rf"^{next(iter(options))} "):
        vaekit.evaluate(small_run, **options)


def test_agreement_that_cannot_be(conditional, small_run):
    with pytest.raises(
        ConfigError,
        match="agreement needs a conditional run, this one is not: leave it out, or train with",
    ):
        vaekit.evaluate(small_run, agreement=10)
    with pytest.raises(ConfigError, match="agreement = -1: at least 0"):
        vaekit.evaluate(conditional, agreement=-1)
    with pytest.raises(DataError, match="this run is conditional, and these rows have no labels"):
        vaekit.evaluate(conditional, agreement=1, data=small_images().train.x)


def test_people_see_the_shares_by_class_with_the_lowest_first(conditional, capsys, monkeypatch):
    monkeypatch.setattr(
        "sys.argv",
        ["vaekit", "evaluate", str(conditional.path), "--samples", "1", "--agreement", "20"],
    )
    with pytest.raises(SystemExit) as end:
        main()
    out, err = capsys.readouterr()
    assert end.value.code == 0
    assert "20 samples per class, 20 test rows" in out
    assert "[left]" in out and "right" in out
    assert err == ""


def test_many_classes_are_cut_to_the_lowest(capsys):
    shares = {
        f"class{i}": {"share": i / 100, "classifier_accuracy": None} for i in range(99, -1, -1)
    }
    agreement = {
        "share": 0.5,
        "standard_error": None,
        "classifier_accuracy": 0.75,
        "per_class": shares,
    }
    table = {"value": 1.0, "standard_error": 0.1}
    found = {
        "run": "r",
        "rows": 3,
        "split": "test",
        "data": "d",
        "seed": 0,
        "samples": 1,
        "bits_per_dimension": table | {"of": "levels"},
        "protocol": {},
        "reconstructions": {"mse": table},
    }
    found |= {"loss": table, "divergence": table}
    figures.evaluated(
        found
        | {"generated_class_accuracy": agreement | {"samples_per_class": 2, "classifier_rows": 3}},
        False,
    )
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["all", "50.0%", "-", "75.0%"] in lines
    assert [
        line[0] for line in lines if line and line[0].startswith("class") and line[0] != "class"
    ] == [f"class{i}" for i in range(20)]
    assert ["class19", "19.0%", "-"] in lines


# --- Codes ----------------------------------------------------------------------------------------------------------------


def test_a_discrete_run_says_which_codes_it_uses(tmp_path, capsys):
    np.save(tmp_path / "x.npy", small_images().train.x)
    options = {"kind": "categorical", "classes": 5}
    run = train_small(tmp_path / "run", str(tmp_path / "x.npy"), latent_dim=4, posterior=options)
    found = vaekit.evaluate(run, samples=1, split="train")
    assert (found["codes"]["positions"], found["codes"]["available"]) == (4, 20)
    assert 4 <= found["codes"]["used"] <= 20
    assert 1 <= found["codes"]["perplexity"] <= 5
    figures.evaluated(found, False)
    assert f"codes: {found['codes']['used']} of 20 used, perplexity" in capsys.readouterr().out


def test_a_continuous_run_has_no_codes(small_run):
    assert "codes" not in vaekit.evaluate(small_run, samples=1)


# --- A plain autoencoder --------------------------------------------------------------------------------------------------


def test_a_deterministic_posterior_has_no_bound_and_the_reason_is_given(deterministic):
    found = vaekit.evaluate(deterministic)
    assert found["loss"] == found["reconstruction"]
    assert (
        found["divergence"]
        is found["importance_weighted_bound"]
        is found["bits_per_dimension"]
        is None
    )
    assert found["why_no_divergence"].startswith(
        "a deterministic posterior has no finite divergence"
    )
    assert (
        found["why_no_bits_per_dimension"] == "a deterministic posterior gives no bound of log p(x)"
    )
    assert json.loads(json.dumps(found)) == found


def test_its_table_leaves_out_what_is_not_there(deterministic, capsys):
    figures.evaluated(vaekit.evaluate(deterministic), False)
    out = capsys.readouterr().out
    assert "loss (no ELBO: the posterior is deterministic)" in out
    assert "no bits per dimension: a deterministic posterior gives no bound of log p(x)" in out
    assert "importance-weighted" not in out and "divergence" not in out.replace(
        "no finite divergence", ""
    )
