"""Encoding and decoding with every kind of latent: trained, evaluated, loaded, written to files."""

import csv
import math

import numpy as np
import pytest
import torch

import vaekit
from conftest import QUIET, small_images, tensor_bytes, train_small
from raising import raises
from vaekit import workflows
from vaekit.data import Dataset, Examples
from vaekit.errors import ConfigError, DataError
from vaekit.inference.output import load_codes, save_batches, save_codes
from vaekit.runs.example_selection import select_examples

pytestmark = pytest.mark.slow

CODEBOOK = {"kind": "vector-quantized", "codes": 4, "groups": 2}
AUTOREGRESSIVE = {"kind": "autoregressive", "width": 8, "layers": 1, "heads": 2}
CATEGORICAL = {"kind": "categorical", "classes": 3}
STRAIGHT_THROUGH = {"kind": "categorical", "classes": 3, "gradient": "straight-through"}
KINDS = {
    "deterministic": {"posterior": "deterministic", "objective": "reconstruction-only"},
    "gumbel": {"posterior": CATEGORICAL},
    "straight-through": {"posterior": STRAIGHT_THROUGH},
    "codebook": {"posterior": CODEBOOK, "prior": "uniform"},
    "codebook and prior": {"posterior": CODEBOOK, "prior": AUTOREGRESSIVE},
    "levels": {"posterior": {"kind": "finite-scalar", "levels": [3, 2]}, "prior": AUTOREGRESSIVE},
    "classes": {"prior": "class-normal", "conditional": True},
    "map": {"maps": True},
    "map of codes": {
        "posterior": CODEBOOK,
        "prior": AUTOREGRESSIVE,
        "maps": True,
        "conditional": True,
    },
    "score function": {"posterior": CATEGORICAL, "objective": {"gradient": "score-function"}},
    "no divergence": {"objective": "reconstruction-only"},
    "no reconstruction": {"objective": "divergence-only"},
}
SHORT_TRAINING = {"epochs": 1, "batch_size": 16, "device": "cpu"}
X = small_images().train.x[:6]
LABELS = ["a", "b", "c"] * 2


def options_of(kind: str) -> dict:
    options = {"latent_dim": 4, "prior_stage": {"epochs": 1}, **KINDS[kind]}
    if options.pop("maps", False):
        conv_map = {"kind": "conv-map", "channels": [3, 4]}
        options |= {"encoder": conv_map, "decoder": conv_map}
    return options


def train_short(out, data=None, **options):
    """A run of one epoch, with hidden layers of eight units unless the nets are chosen."""
    small = {part: {"hidden": [8]} for part in ("encoder", "decoder") if part not in options}
    options = {**small, **options, "training": SHORT_TRAINING}
    data = small_images() if data is None else data
    return vaekit.train("mlp", data=data, out=out, console=QUIET, **options)


@pytest.fixture(scope="module", params=KINDS)
def run(request, tmp_path_factory):
    return train_short(tmp_path_factory.mktemp("kinds") / "run", **options_of(request.param))


def labels_for(run) -> list[str] | None:
    return LABELS if run.model.classes else None


def examples_for(run) -> Examples:
    return Examples(X, np.arange(6) % 3 if run.model.classes else None)


# --- Every kind of latent --------------------------------------------------------------------


def test_a_loaded_run_is_the_run_that_was_trained(run):
    loaded = vaekit.load_run(run.path)
    weights = run.model.state_dict()
    loaded_weights = loaded.model.state_dict()
    assert weights.keys() == loaded_weights.keys()
    assert all(torch.equal(weights[name], loaded_weights[name]) for name in weights)
    assert loaded.config == run.config
    labels = labels_for(run)
    np.testing.assert_array_equal(loaded.encode(X, labels).mean, run.encode(X, labels).mean)
    np.testing.assert_array_equal(loaded.reconstruct(X, labels), run.reconstruct(X, labels))
    samples = run.sample(6, seed=3)
    np.testing.assert_array_equal(loaded.sample(6, seed=3), samples)
    assert samples.shape == X.shape and np.isfinite(samples).all()


def test_codes_are_vectors_that_decode_to_the_reconstructions(run):
    labels = labels_for(run)
    codes = run.encode(examples_for(run))
    size = run.model.latent_shape.numel()
    assert codes.mean.shape == codes.stddev.shape == (6, size)
    decoded = run.decode(codes.mean, labels)
    np.testing.assert_allclose(decoded, run.reconstruct(X, labels), rtol=1e-5, atol=1e-4)
    maps = codes.mean.reshape(6, *run.model.latent_shape)
    np.testing.assert_array_equal(run.decode(maps, labels), decoded)


def test_indices_of_discrete_codes_are_entries_of_the_codebook(run):
    codes = run.encode(examples_for(run))
    codebook = run.model.codebook
    assert (codes.indices is None) == (codebook is None)
    if codebook is not None:
        assert codes.indices.shape == (6, codebook.positions)
        z = codebook.embed(torch.tensor(codes.indices)).flatten(1)
        np.testing.assert_allclose(z.numpy(force=True), codes.mean, atol=1e-6)


def test_files_of_codes_have_their_indices(run, tmp_path):
    codes = run.encode(examples_for(run))
    for name in ("codes.npz", "codes.csv"):
        save_codes(tmp_path / name, codes)
        np.testing.assert_allclose(load_codes(tmp_path / name)[0], codes.mean, rtol=1e-6)
    expected = [] if codes.indices is None else codes.indices[0].tolist()
    with np.load(tmp_path / "codes.npz") as file:
        assert ("index" in file) == (codes.indices is not None)
        if expected:
            np.testing.assert_array_equal(file["index"], codes.indices)
    first = next(csv.DictReader((tmp_path / "codes.csv").read_text().splitlines()))
    assert [int(value) for name, value in first.items() if name.startswith("index")] == expected


def test_an_evaluation_agrees_with_the_summary(run):
    evaluation = vaekit.evaluate(run, data=small_images(), importance_samples=2)
    assert evaluation.terms.to_dict() == run.summary["test"]
    terms = evaluation.terms
    if run.config.part("posterior").kind == "deterministic":
        assert terms.divergence.value is None and terms.divergence.unavailable
        assert evaluation.importance_weighted_bound.value is None
        assert terms.loss == terms.reconstruction
    else:
        assert math.isfinite(evaluation.importance_weighted_bound.value)
        total = terms.reconstruction.value + terms.divergence.value
        assert terms.loss.value == pytest.approx(total)


def test_every_kind_is_plotted(run, tmp_path):
    paths = vaekit.plot(run, data=small_images(), out=tmp_path)
    assert {"latent", "reconstructions", "samples", "curves"} <= {path.stem for path in paths}


def test_a_codebook_is_learned_and_saved(tmp_path):
    run = train_short(tmp_path / "run", **options_of("codebook"))
    untrained = vaekit.build(
        "mlp", small_images(), latent_dim=4, posterior=CODEBOOK, prior="uniform"
    ).state_dict()
    loaded = vaekit.load_run(run.path).model.state_dict()
    for name in ("posterior.latent.vectors", "posterior.usage", "posterior.totals"):
        assert not torch.equal(loaded[name], untrained[name])


def test_the_recorded_configuration_of_a_map_repeats_the_run(tmp_path):
    data = small_images()
    np.savez(tmp_path / "bars.npz", x=data.train.x, y=np.array(data.classes)[data.train.y])
    run = train_short(tmp_path / "run", str(tmp_path / "bars.npz"), **options_of("map of codes"))
    again = vaekit.train(str(run.path / "config.yaml"), out=tmp_path / "again", console=QUIET)
    weights = [tensor_bytes(each.path / "model.safetensors") for each in (run, again)]
    assert weights[0] == weights[1]


def test_equal_seeds_give_equal_codebooks(tmp_path):
    options = {**options_of("codebook and prior"), "training": {"epochs": 1}}
    runs = [
        train_small(tmp_path / str(i), seed=seed, **options) for i, seed in enumerate((1, 1, 2))
    ]
    first, again, other = (tensor_bytes(run.path / "model.safetensors") for run in runs)
    assert first == again != other


INCOMPATIBLE = {
    "bound of a plain autoencoder": {"posterior": "deterministic"},
    "divergence of a plain autoencoder": {
        "posterior": "deterministic",
        "objective": "divergence-only",
    },
    "divergence of a codebook": {"posterior": CODEBOOK, "objective": "divergence-only"},
    "score function of a codebook": {
        "posterior": CODEBOOK,
        "objective": {"gradient": "score-function"},
    },
    "sampled divergence of relaxed codes": {
        "posterior": "categorical",
        "objective": {"divergence": "monte-carlo"},
    },
    "continuous prior of discrete codes": {"posterior": CODEBOOK, "prior": "standard-normal"},
    "discrete prior of continuous codes": {"prior": "autoregressive"},
    "prior per class without classes": {"prior": "class-normal"},
    "decoder of a map without an encoder": {"decoder": "conv-map"},
}


@pytest.mark.parametrize("options", INCOMPATIBLE.values(), ids=INCOMPATIBLE)
def test_incompatible_parts_are_refused_before_anything_is_written(tmp_path, options):
    with raises(ConfigError):
        train_short(tmp_path / "run", latent_dim=4, **options)
    assert list(tmp_path.iterdir()) == []


# --- Verbs and files -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["codes.npz", "codes.npy", "codes.csv"])
def test_encoded_files_are_decoded(small_run, tmp_path, name):
    encoded = workflows.encode(small_run, tmp_path / name, split="train")
    assert (encoded.examples, encoded.part) == (49, "train")
    expected = small_run.encode(select_examples(small_run, "train").examples).mean
    np.testing.assert_allclose(load_codes(encoded.path)[0], expected, rtol=1e-6)
    decoded = workflows.decode(small_run, encoded.path, out=tmp_path / "decoded.npy")
    assert decoded.examples == 49
    images = np.load(decoded.path)
    np.testing.assert_allclose(images, small_run.decode(expected), rtol=1e-5, atol=1e-4)


def test_a_table_of_codes_names_examples_and_classes(small_run, tmp_path):
    workflows.encode(small_run, tmp_path / "codes.csv")
    examples = select_examples(small_run).examples
    header, *lines = csv.reader((tmp_path / "codes.csv").read_text().splitlines())
    assert header[:2] == ["example", "class"]
    assert header[2:] == ["z1", "z2", "z3", "stddev1", "stddev2", "stddev3"]
    assert [line[0] for line in lines] == [str(i) for i in range(len(examples))]
    names = [small_run.config.data.classes[number] for number in examples.y]
    assert [line[1] for line in lines] == names
    assert load_codes(tmp_path / "codes.csv")[1] == names


def test_class_names_in_any_order_are_those_of_the_examples(tmp_path):
    bars = small_images()
    data = Dataset("bars", bars.train, None, bars.support, ("c", "a", "b"))
    run = train_short(tmp_path / "run", data)
    workflows.encode(run, tmp_path / "codes.csv", data=data)
    names = [data.classes[number] for number in bars.train.y]
    assert load_codes(tmp_path / "codes.csv")[1] == names


def test_a_table_of_a_spreadsheet_is_read(tmp_path):
    (tmp_path / "codes.csv").write_text("z2,z1\n3,4\n", encoding="utf-8-sig")
    codes, classes = load_codes(tmp_path / "codes.csv")
    assert codes.tolist() == [[4.0, 3.0]] and classes is None


def test_batches_are_written_one_after_the_other(tmp_path):
    x = np.arange(35.0).reshape(7, 5)
    path = save_batches(tmp_path / "x.npy", iter([x[:3], x[3:6], x[6:]]), 7)
    np.testing.assert_array_equal(np.load(path), x)


def test_codes_of_a_conditional_run_are_decoded_with_the_classes_of_the_file(tmp_path):
    data = small_images()
    np.savez(tmp_path / "bars.npz", x=data.train.x, y=np.array(data.classes)[data.train.y])
    run = train_small(tmp_path / "run", str(tmp_path / "bars.npz"), conditional=True)
    workflows.encode(run, tmp_path / "codes.npz")
    codes, classes = load_codes(tmp_path / "codes.npz")
    of_file, of_class = (
        np.load(
            workflows.decode(run, tmp_path / "codes.npz", out=tmp_path / name, label=label).path
        )
        for name, label in (("file.npy", None), ("class.npy", "b"))
    )
    np.testing.assert_allclose(of_file, run.decode(codes, classes), rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(of_class, run.decode(codes, "b"), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.csv", b""),
        ("text.csv", b"z1,z2,z3\na,b,c\n"),
        ("ragged.csv", b"z1,z2,z3\n1,2\n"),
        ("field.csv", b"z1\n" + b"1" * 200_000 + b"\n"),
        ("bytes.csv", b"\xff\xfe\x00"),
        ("junk.npz", b"junk"),
        ("junk.npy", b"junk"),
        ("missing.npz", None),
    ],
)
def test_files_without_codes_are_refused(tmp_path, name, content):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with raises(DataError):
        load_codes(tmp_path / name)


def test_files_of_unknown_formats_are_refused(small_run, tmp_path):
    with raises(ConfigError, "out"):
        workflows.encode(small_run, tmp_path / "codes.txt")
    with raises(ConfigError, "out"):
        workflows.decode(small_run, np.zeros((2, 3)), out=tmp_path / "images.gif")
    assert list(tmp_path.iterdir()) == []


def test_selected_reconstructions_agree_with_encode_and_decode(small_run, tmp_path):
    result, path = workflows.reconstruct(small_run, indices=[0, 2], out=tmp_path / "pairs.npy")
    codes = small_run.encode(result.originals)
    np.testing.assert_array_equal(result.codes.mean, codes.mean)
    np.testing.assert_allclose(result.decoded, small_run.decode(codes.mean), rtol=1e-6)
    np.testing.assert_array_equal(np.load(path), result.decoded)
    test = select_examples(small_run).examples
    np.testing.assert_array_equal(result.originals, test.x[[0, 2]])


def test_reconstructions_of_a_class_are_those_of_its_examples(small_run, tmp_path):
    data = small_images()
    result, _ = workflows.reconstruct(small_run, data=data, label="b", out=tmp_path / "b.png")
    assert len(result.indices) == 10
    assert (data.train.y[result.indices] == 1).all()
    np.testing.assert_array_equal(result.originals, data.train.x[result.indices])


def test_unknown_indices_and_classes_are_refused(small_run, tmp_path):
    for indices in ([6], [-1], []):
        with raises(ConfigError, "indices"):
            workflows.reconstruct(small_run, indices=indices, out=tmp_path / "a.png")
    with raises(ConfigError, "label"):
        workflows.reconstruct(small_run, label="z", out=tmp_path / "a.png")
    with raises(DataError, "label"):
        workflows.reconstruct(small_run, data=X, label="a", out=tmp_path / "a.png")


# --- Samples ---------------------------------------------------------------------------------


def test_samples_are_written_as_an_array_or_a_sheet(small_run, tmp_path):
    path = workflows.sample(small_run, 5, seed=3, out=tmp_path / "samples.npy")
    np.testing.assert_array_equal(np.load(path), small_run.sample(5, seed=3))
    assert workflows.sample(small_run, 5, out=tmp_path / "samples.png").stat().st_size > 100


def test_samples_of_a_mixture_are_those_of_the_fitted_mixture(small_run, tmp_path):
    path = workflows.sample(small_run, 5, mixture=True, seed=3, out=tmp_path / "samples.npy")
    mixture = vaekit.fit_mixture(small_run)
    expected = small_run.sample(5, seed=3, latents=mixture.sample)
    np.testing.assert_array_equal(np.load(path), expected)


def test_too_many_images_for_a_sheet_and_sheets_of_vectors_are_refused(small_run, tmp_path):
    with raises(ConfigError, "count"):
        workflows.sample(small_run, 401, out=tmp_path / "samples.png")
    assert len(np.load(workflows.sample(small_run, 401, out=tmp_path / "samples.npy"))) == 401
    table = train_small(tmp_path / "table", data=np.random.default_rng(0).random((60, 6)))
    with raises(ConfigError, "out"):
        workflows.sample(table, 4, out=tmp_path / "vectors.png")
