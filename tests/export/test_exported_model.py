"""Exported models equal the run and describe themselves; invalid folders are rejected."""

import json
import os
import shutil
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

import vaekit
from conftest import small_images, train_small
from hostile.limited import run_limited
from hostile.outcomes import MB
from raising import raises
from vaekit.errors import ConfigError, DataError, DiskError, OutputError, RunError, WorkError
from vaekit.export import DECODER, ENCODER, DecoderGraph, EncoderGraph, to_onnx, to_program
from vaekit.export.onnx import check_parity

pytestmark = pytest.mark.slow

TABLE = (np.random.default_rng(0).normal(size=(60, 6)).astype(np.float32), np.arange(60) % 2)
KINDS = {
    "images": {},
    "conv with batch normalization": {
        "encoder": {"kind": "conv", "channels": [4], "batch_norm": True, "hidden": [8]},
        "decoder": {"kind": "conv", "channels": [4], "batch_norm": True},
    },
    "conditional": {"conditional": True},
    "categorical latent": {"posterior": {"kind": "categorical", "classes": 4}, "latent_dim": 3},
    "vector-quantized": {
        "posterior": {"kind": "vector-quantized", "codes": 8},
        "prior_stage": {"epochs": 2},
    },
    "finite scalar": {"posterior": "finite-scalar", "latent_dim": 4, "prior_stage": {"epochs": 2}},
    "deterministic": {"posterior": "deterministic", "objective": "reconstruction-only"},
    "gaussian": {"likelihood": {"kind": "gaussian", "scale": "learned"}},
    "levels": {"likelihood": "discretized-logistic"},
    "continuous Bernoulli": {"likelihood": "continuous-bernoulli"},
    "double precision": {"training": {"precision": "64-true"}},
    "a table": {"data": TABLE},
}


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """One run of images, exported; read-only for tests."""
    folder = tmp_path_factory.mktemp("exported")
    run = train_small(folder / "run", latent_dim=3)
    result = vaekit.export_onnx(run, folder / "out", data=small_images())
    return run, folder / "out", result


@pytest.mark.parametrize("target", ["folder", "link to nothing"])
def test_nothing_is_exported_if_not_everything_can_be(exported, tmp_path, target):
    run, *_ = exported
    if target == "folder":
        (tmp_path / ENCODER).mkdir()
    else:
        (tmp_path / ENCODER).symlink_to("nowhere")
    with raises(OutputError):
        vaekit.export_onnx(run, tmp_path, data=small_images(), overwrite=target == "folder")
    assert [path.name for path in tmp_path.iterdir()] == [ENCODER]


def test_constants_that_a_small_file_declares_are_not_computed_on_loading(exported, tmp_path):
    _, folder, _ = exported
    shutil.copytree(folder, tmp_path / "out")
    model = onnx.load(tmp_path / "out" / ENCODER)
    add_constant(model.graph, count=2**28)
    onnx.save(model, tmp_path / "out" / ENCODER)
    setup = "import onnxruntime, vaekit, vaekit.export"
    outcomes = run_limited(
        {"load": "vaekit.load_exported('out')"}, setup=setup, folder=tmp_path, growth_bytes=2**32
    )
    assert outcomes["load"].error is None
    assert outcomes["load"].growth < 300 * MB


def add_constant(graph, count: int) -> None:
    """Add the largest of so many zeros to the first output of a graph."""
    make, name = onnx.helper.make_node, graph.output[0].name
    for node in graph.node:
        node.output[:] = ["before" if each == name else each for each in node.output]
    number = onnx.numpy_helper.from_array(np.array([count], np.int64), "count")
    graph.initializer.append(number)
    graph.node.insert(0, make("ConstantOfShape", ["count"], ["zeros"]))
    graph.node.insert(1, make("ReduceMax", ["zeros"], ["zero"], keepdims=0))
    graph.node.append(make("Add", ["before", "zero"], [name]))


GATE_KINDS = {"images", "conditional", "a table"}
"""Kinds that are exported in every run of the tests; the others nightly."""


def kinds():
    for kind in KINDS:
        yield pytest.param(kind, marks=[] if kind in GATE_KINDS else [pytest.mark.nightly])


@pytest.fixture(scope="module")
def conditional(tmp_path_factory) -> Path:
    """A conditional run with two latent dimensions, exported; read-only for tests."""
    folder = tmp_path_factory.mktemp("conditional")
    run = train_small(folder / "run", conditional=True)
    vaekit.export_onnx(run, folder / "out", data=small_images())
    return folder / "out"


@pytest.mark.parametrize("kind", list(kinds()))
def test_the_exported_model_equals_the_run(kind, tmp_path):
    options = dict(KINDS[kind])
    data = options.pop("data", None)
    # The classes are in no alphabetical order.
    given = replace(small_images(), classes=("c", "a", "b")) if data is None else data
    run = train_small(tmp_path / "run", given, **options)
    weights = {name: weight.clone() for name, weight in run.model.state_dict().items()}
    result = vaekit.export_onnx(run, tmp_path / "out", data=given)
    after = run.model.state_dict()
    assert all(torch.equal(after[name], weight) for name, weight in weights.items())
    assert max(result.largest_difference.values()) < 1e-4
    taken, x = (
        vaekit.load_exported(tmp_path / "out"),
        (small_images().train.x if data is None else data[0])[:7],
    )
    labels = ["a", "b", "c", "a", "b", "c", "a"] if run.model.classes else None
    codes = run.encode(x, labels)
    mean, other = taken.encode(x, labels)
    np.testing.assert_allclose(mean, codes.mean, atol=1e-4)
    np.testing.assert_allclose(
        other, codes.stddev if run.model.codebook is None else codes.indices, atol=1e-4
    )
    wanted = run.decode(codes.mean, labels)
    np.testing.assert_allclose(
        taken.decode(mean, labels), wanted, atol=1e-3 * max(1.0, np.abs(wanted).max())
    )


def test_any_batch_size_is_accepted(exported):
    _, folder, _ = exported
    taken = vaekit.load_exported(folder)
    z = np.random.default_rng(0).normal(size=(9, 3))
    one_by_one = np.concatenate([taken.decode(row[None]) for row in z])
    np.testing.assert_allclose(taken.decode(z), one_by_one, atol=1e-3)


def test_files_describe_themselves(exported):
    _, folder, _ = exported
    taken = vaekit.load_exported(folder)
    assert (
        taken.shape == (1, 8, 8)
        and str(taken.support) == "integers:256"
        and taken.latent_dim == 3
        and taken.classes == ()
    )
    assert repr(taken) == "ExportedModel(1x8x8, integers:256, latent_dim=3)"
    model = onnx.load(folder / ENCODER)
    onnx.checker.check_model(model)
    (facts,) = [json.loads(entry.value) for entry in model.metadata_props if entry.key == "vaekit"]
    assert facts["version"] == vaekit.__version__ and facts["recipe"] == "mlp"
    assert [i.name for i in model.graph.input] == ["x"] and [
        o.name for o in model.graph.output
    ] == ["z_mean", "z_stddev"]
    for value in (*model.graph.input, *model.graph.output):
        assert value.type.tensor_type.shape.dim[0].dim_param == "batch"


def test_files_contain_only_their_own_weights_and_no_paths(small_run, tmp_path):
    vaekit.export_onnx(small_run, tmp_path)
    sides = {ENCODER: ("encoder", "posterior"), DECODER: ("decoder", "likelihood")}
    for name, parts in sides.items():
        weights = {
            tuple(p.shape) for part in parts for p in getattr(small_run.model, part).parameters()
        }
        assert {
            tuple(w.dims) for w in onnx.load(tmp_path / name).graph.initializer if len(w.dims) == 2
        } <= weights
        program = torch.export.load((tmp_path / name).with_suffix(".pt2"))
        assert (
            sum(p.numel() for p in program.parameters())
            == small_run.model.count_parameters()[parts[0]].total
        )
    for path in tmp_path.iterdir():
        content = [path.read_bytes()]
        if path.suffix == ".pt2":
            with zipfile.ZipFile(path) as archive:
                content = [archive.read(name) for name in archive.namelist()]
        for place in (
            small_run.path.parent,
            *(Path(module.__file__).parents[1] for module in (vaekit, torch)),
        ):
            assert not any(bytes(place) in part for part in content), (path, place)


def test_the_torch_program_equals_the_run(exported):
    run, folder, _ = exported
    z = torch.randn(5, 3)
    (x,) = torch.export.load(folder / "decoder.pt2").module()(z)
    np.testing.assert_allclose(x.numpy(), run.decode(z), atol=1e-3)


def test_a_file_that_differs_from_the_model_is_rejected(exported, tmp_path, monkeypatch):
    run, _, _ = exported
    graph = DecoderGraph(run.model, run.transform)
    content = to_onnx(graph, to_program(graph), {})
    assert check_parity(content, graph, (torch.zeros(2, 3),)) < 1e-5
    other = DecoderGraph(train_small(tmp_path / "other", latent_dim=3, seed=1).model, run.transform)
    with raises(WorkError):
        check_parity(content, other, (torch.zeros(2, 3),))


def test_files_are_overwritten_only_on_request(exported):
    run, folder, _ = exported
    before = (folder / DECODER).read_bytes()
    with raises(OutputError):
        vaekit.export_onnx(run, folder, data=small_images())
    assert (folder / DECODER).read_bytes() == before
    vaekit.export_onnx(run, folder, data=small_images(), overwrite=True)


def test_a_missing_package_is_an_error(exported, monkeypatch):
    run, _, _ = exported
    graph = EncoderGraph(run.model, run.transform)
    program = to_program(graph)
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with raises(ConfigError):
        to_onnx(graph, program, {})


def test_a_part_that_cannot_be_traced_is_an_error(exported):
    class Odd(torch.nn.Module):
        def forward(self, z):
            return z.new_zeros(len(z), 1, 8, 8) + float(z.sum())

    run, _, _ = exported
    graph = DecoderGraph(
        vaekit.build("mlp", small_images(), latent_dim=3, decoder=Odd()), run.transform
    )
    with raises(WorkError):
        to_program(graph)


def test_folders_without_an_export_are_rejected(exported, tmp_path):
    _, folder, _ = exported
    with raises(RunError):
        vaekit.load_exported(tmp_path)
    (tmp_path / ENCODER).write_bytes(b"no model")
    with raises(RunError):
        vaekit.load_exported(tmp_path)
    model = onnx.load(folder / ENCODER)
    del model.metadata_props[:]
    onnx.save(model, tmp_path / ENCODER)
    (tmp_path / DECODER).write_bytes((folder / DECODER).read_bytes())
    with raises(RunError):
        vaekit.load_exported(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"format": 3},
        {"shape": "abc"},
        {"shape": [0]},
        {"latent_dim": "x"},
        {"classes": 3},
        {"classes": ["a"]},
        "[" * 100_000,
        {"support": None},
        {"support": "integers:x"},
        {"shape": [1, 8, 9]},
        {"shape": [True, 8, 8]},
        {"latent_dim": 5, "shape": [1, 4, 16]},
        {"classes": ["a", "b"]},
        {"model": 3},
    ],
)
def test_invalid_metadata_is_rejected(exported, tmp_path, change):
    _, folder, _ = exported
    for name in (ENCODER, DECODER):
        model = onnx.load(folder / name)
        (entry,) = (entry for entry in model.metadata_props if entry.key == "vaekit")
        entry.value = (
            json.dumps(json.loads(entry.value) | change) if isinstance(change, dict) else change
        )
        onnx.save(model, tmp_path / name)
    with raises(RunError):
        vaekit.load_exported(tmp_path)


def test_a_missing_runtime_is_not_a_corrupt_file(exported, monkeypatch):
    _, folder, _ = exported
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with raises(ConfigError):
        vaekit.load_exported(folder)


def test_an_encoder_and_a_decoder_of_different_models_are_rejected(exported, conditional, tmp_path):
    _, folder, _ = exported
    (tmp_path / ENCODER).write_bytes((folder / ENCODER).read_bytes())
    (tmp_path / DECODER).write_bytes((conditional / DECODER).read_bytes())
    with raises(RunError):
        vaekit.load_exported(tmp_path)


def test_invalid_examples_codes_and_labels_are_rejected(exported, conditional):
    _, folder, _ = exported
    with raises(DataError):
        vaekit.load_exported(folder).encode(np.zeros((2, 5)))
    taken = vaekit.load_exported(conditional)
    with raises(DataError):
        taken.decode(np.zeros((2, 2)))
    with raises(DataError):
        taken.decode(np.zeros((2, 2)), "q")


def test_inputs_are_checked_as_those_of_a_run(exported, tmp_path):
    run, folder, _ = exported
    taken, rows = vaekit.load_exported(folder), small_images().train.x[:3]
    for given in (rows[:, 0], rows.transpose(0, 2, 3, 1)):
        np.testing.assert_allclose(taken.encode(given)[0], run.encode(given).mean, atol=1e-5)
    wrong = [
        rows + 300.0,
        rows - 3.0,
        rows * np.nan,
        rows.astype(complex),
        rows.astype(str),
        np.zeros((0, 1, 8, 8)),
        None,
    ]
    for given in wrong:
        with pytest.raises(DataError):
            taken.encode(given)
    for given in (np.full((1, 3), np.nan), np.full((1, 3), 1e39), np.zeros(3), "z"):
        with pytest.raises(DataError):
            taken.decode(given)
    with raises(DataError):
        taken.encode(rows, "a")


def test_an_encoder_and_a_decoder_of_different_trainings_are_rejected(exported, tmp_path):
    _, folder, _ = exported
    vaekit.export_onnx(
        train_small(tmp_path / "run", latent_dim=3, seed=1), tmp_path / "out", data=small_images()
    )
    (tmp_path / "out" / DECODER).write_bytes((folder / DECODER).read_bytes())
    with raises(RunError):
        vaekit.load_exported(tmp_path / "out")


def test_files_are_overwritten_together_or_not_at_all(exported, monkeypatch):
    run, folder, _ = exported
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    sync = os.fsync
    synced = []

    def full(descriptor):
        synced.append(descriptor)
        if len(synced) == 2:
            raise OSError(28, "No space left on device")
        return sync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    other = replace(run, model=vaekit.build("mlp", small_images(), latent_dim=3))
    with raises(DiskError):
        vaekit.export_onnx(other, folder, data=small_images(), overwrite=True)
    assert len(synced) == 2
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_external_weights_are_not_read(exported, tmp_path, monkeypatch):
    _, folder, _ = exported
    monkeypatch.chdir(tmp_path)
    for name in (ENCODER, DECODER):
        model = onnx.load(folder / name)
        onnx.save(
            model,
            tmp_path / name,
            save_as_external_data=True,
            location=f"{name}.bin",
            size_threshold=0,
        )
    with raises(RunError):
        vaekit.load_exported(tmp_path)


def test_the_command_writes_all_files(cli, small_run):
    status, out, err = cli("export", small_run.path, "there", "--json")
    assert status == 0, err
    assert json.loads(out)["files"] == [
        "there/encoder.onnx",
        "there/encoder.pt2",
        "there/decoder.onnx",
        "there/decoder.pt2",
    ]
    assert err == ""
    status, out, err = cli("export", small_run.path, "there")
    assert status == 2 and "there/encoder.onnx" in err
    status, out, err = cli("export", small_run.path, "there", "--overwrite")
    assert status == 0 and "encoder.onnx" in out
