"""Arguments of wrong types: refused in one line, not converted."""

import os

import numpy as np
import pytest
import torch

import vaekit
from conftest import QUIET, small_images
from raising import raises
from vaekit.arguments import as_path, check_seed, whole_number
from vaekit.errors import ConfigError, DataError, RequestError, VaekitError

X = torch.zeros(2, 1, 8, 8)


@pytest.mark.parametrize(
    "options",
    [
        {"training": {"batch_size": True}},
        {"training": {"epochs": "1"}},
        {"training": {"epochs": 1.0}},
        {"training": {"epochs": torch.tensor(1)}},
        {"training": {"epochs": float("nan")}},
        {"seed": -1},
        {"seed": True},
        {"seed": "0"},
        {"latent_dim": True},
        {"latent_dim": "2"},
        {"conditional": 1},
        {"conditional": "yes"},
        {"optimizer": {"kind": "adam", "lr": True}},
        {"optimizer": {"kind": "adam", "lr": "0.1"}},
        {"encoder": {"hidden": "8"}},
        {"encoder": {"hidden": [True]}},
    ],
    ids=str,
)
def test_options_of_a_training_are_not_converted(tmp_path, options):
    with raises(ConfigError):
        vaekit.train("mlp", data=small_images(), out=tmp_path / "run", console=QUIET, **options)
    assert not (tmp_path / "run").exists()


def test_numbers_and_lists_of_numpy_are_those_of_python():
    options = {"latent_dim": np.int64(3), "encoder": {"hidden": [np.int32(8)]}}
    plan = vaekit.plan_training("mlp", data=small_images(), **options)
    assert plan.latent_dim == 3


@pytest.mark.parametrize("count", [True, "3", -1, 0, 2.0, None, 10**400, [3], np.float64(2)])
def test_a_number_of_samples_is_a_whole_number(small_run, count):
    with raises(ConfigError, "count"):
        small_run.sample(count)


@pytest.mark.parametrize("seed", [True, "0", -1, 1.5, 2**64])
def test_a_seed_is_a_whole_number(small_run, seed):
    for use in (small_run.sample, lambda n, seed: vaekit.evaluate(small_run, seed=seed)):
        with raises(ConfigError, "seed"):
            use(2, seed=seed)
    with raises(ConfigError, "seed"):
        check_seed(seed)


def test_whole_numbers_of_numpy_are_those_of_python():
    number = whole_number("n", np.uint8(3), 0, 3)
    assert number == 3 and type(number) is int


PLAIN = (X.bfloat16(), X.half(), X.to(torch.float8_e4m3fn), X.clone().requires_grad_())


@pytest.mark.parametrize("x", PLAIN, ids=lambda x: str(x.dtype))
def test_tensors_of_any_floating_point_type_are_examples(small_run, x):
    expected = small_run.encode(X).mean
    np.testing.assert_array_equal(small_run.encode(x).mean, expected)
    assert vaekit.load_data(x).shape == (1, 8, 8)


OTHERS = {
    "complex": X.to(torch.complex64),
    "sparse": X.to_sparse(),
    "meta": X.to("meta"),
    "ragged": [[1, 2], [3]],
    "text": "abc",
    "bytes": b"abc",
    "number": 3,
    "mapping": {"a": 1},
    "generator": (i for i in range(3)),
    "objects": np.array([1, None], object),
    "dates": np.array(["2020-01-01"], "datetime64[D]"),
    "records": np.zeros(3, [("a", int)]),
}


@pytest.mark.parametrize("x", OTHERS.values(), ids=OTHERS.keys())
def test_other_values_are_no_examples(small_run, x):
    for use in (small_run.encode, small_run.reconstruct, small_run.score, vaekit.load_data):
        with raises(DataError):
            use(x)
    with raises(DataError):
        small_run.decode(x)
    with raises(DataError):
        small_run.impute(np.zeros((2, 8, 8), np.uint8), x)


BAD_PATHS = [3, True, b"run", ["run"], {}, "a\0b", "a" * 256, "a/" * 3000, "\ud800", "\udcff"]


@pytest.mark.parametrize("path", BAD_PATHS, ids=lambda path: ascii(path)[:12])
def test_other_values_are_no_paths(small_run, path):
    with raises(ConfigError, "path"):
        as_path("path", path)
    calls = (
        lambda: vaekit.load_run(path),
        lambda: vaekit.train("mlp", data=small_images(), out=path, console=QUIET),
        lambda: vaekit.train(path, data=small_images(), console=QUIET),
        lambda: vaekit.evaluate(small_run, features=path),
        lambda: vaekit.evaluate(path),
        lambda: vaekit.plot(small_run, data=small_images(), out=path),
        lambda: vaekit.export_onnx(small_run, path, data=small_images()),
        lambda: vaekit.compare([small_run, path]),
        lambda: vaekit.load_exported(path),
    )
    for call in calls:
        with raises(VaekitError):
            call()


def test_no_run_is_no_run():
    with raises(RequestError):
        vaekit.load_run(None)  # type: ignore[arg-type]


def test_other_options_of_scores_are_refused(small_run):
    for options in ({"metric": 3}, {"samples": True}, {"samples": 0}):
        with raises(ConfigError, next(iter(options))):
            small_run.score(X, **options)


# --- Types by annotation -----------------------------------------------------------------------


class Broken(os.PathLike):
    """An object that can be neither shown nor opened."""

    def __repr__(self):
        raise RuntimeError

    def __fspath__(self):
        raise RuntimeError


LOOP: list = []
LOOP.append(LOOP)
ARRAY = np.zeros(3)
CODES = torch.zeros(2, 3)
CALLS = {
    "load_run": lambda run: vaekit.load_run(run.path, model=True),
    "load_run broken": lambda run: vaekit.load_run(Broken()),
    "load_data broken": lambda run: vaekit.load_data(Broken()),
    "load_data support": lambda run: vaekit.load_data(ARRAY, support=5),
    "load_data skip": lambda run: vaekit.load_data(ARRAY, skip_unreadable="no"),
    "export_hub": lambda run: vaekit.export_hub(None, "shared"),
    "export_hub license": lambda run: vaekit.export_hub(run, "shared", license=1),
    "export_hub overwrite": lambda run: vaekit.export_hub(run, "shared", overwrite="x"),
    "export_page": lambda run: vaekit.export_page(run, None),
    "export_page path": lambda run: vaekit.export_page(run, "a\udcff"),
    "export_onnx": lambda run: vaekit.export_onnx(run, 5),
    "push": lambda run: vaekit.push(run, None),
    "pull": lambda run: vaekit.pull(None),
    "plot": lambda run: vaekit.plot(run, None),
    "plot names": lambda run: vaekit.plot(run, [1]),
    "plot format": lambda run: vaekit.plot(run, "curves", format=1),
    "plot across": lambda run: vaekit.plot(run, "grid", across="1"),
    "plot seed": lambda run: vaekit.plot(run, seed=ARRAY),
    "compare": lambda run: vaekit.compare(None),
    "sweep": lambda run: vaekit.sweep("mlp", None, out="sweep"),
    "sweep values": lambda run: vaekit.sweep("mlp", {"objective.beta": 1.0}, out="sweep"),
    "sweep seeds": lambda run: vaekit.sweep("mlp", {"seed": ["1"]}, out="sweep", seeds="3"),
    "serve": lambda run: vaekit.serve(run, port=True),
    "serve host": lambda run: vaekit.serve(run, host=None),
    "evaluate": lambda run: vaekit.evaluate(run, split=ARRAY),
    "train key": lambda run: vaekit.train("mlp", data=small_images(), **{"a\udcff": 1}),
    "train seed": lambda run: vaekit.train("mlp", data=small_images(), seed=LOOP),
    "train part": lambda run: vaekit.train("mlp", data=small_images(), encoder=LOOP),
    "train out": lambda run: vaekit.train("mlp", data=small_images(), out=Broken()),
    "train overwrite": lambda run: vaekit.train("mlp", data=small_images(), overwrite=ARRAY),
    "decode meta": lambda run: run.decode(CODES.to("meta")),
    "decode sparse": lambda run: run.decode(CODES.to_sparse()),
    "decode complex": lambda run: run.decode(CODES + 5j),
    "sample": lambda run: run.sample(2, sample_likelihood="no"),
    "sample latents": lambda run: run.sample(2, latents=1),
    "sample latents shape": lambda run: run.sample(2, latents=lambda *_: torch.zeros(3, 7)),
    "sample latents count": lambda run: run.sample(2, latents=lambda *_: torch.zeros(1, 3)),
    "score": lambda run: run.score(X, samples=10**400),
    "impute": lambda run: run.impute(X, np.zeros(X.shape, bool), iterations=10**400),
}


NAMELESS = ("train key", "train seed", "train part")
"""Errors about a key that cannot be printed, and about values nested without end."""


@pytest.mark.parametrize("name", CALLS)
def test_every_function_refuses_other_types(small_run, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with raises(RequestError) as caught:
        CALLS[name](small_run)
    assert (caught.value.parameter is None) == (name in NAMELESS)
    assert not list(tmp_path.iterdir())
