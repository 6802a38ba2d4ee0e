"""Hostile files of codes, weights and configurations, and models that cannot fit into memory."""

import zipfile
from pathlib import Path

import pytest

from hostile import inputs
from hostile.limited import run_limited, snapshot
from hostile.outcomes import MB, faults

pytestmark = pytest.mark.process

SETUP = """
from pathlib import Path
import numpy as np
import torch
import vaekit.cli
from vaekit.config import build_model, load_config_file
from vaekit.evaluation.inception import load_inception
from vaekit.inference.output import load_codes
base = {"latent_dim": 2, "data": {"shape": [1, 28, 28]}, "likelihood": "bernoulli",
        "prior": "standard-normal"}
build_model(load_config_file("mlp", base))
"""


def special_inputs(folder: Path) -> dict[str, str]:
    """What is no regular file, in the place of each kind of file."""
    readers = {
        "npy": "load_codes(Path({!r}))",
        "npz": "load_codes(Path({!r}))",
        "csv": "load_codes(Path({!r}))",
        "pth": "load_inception({!r})",
        "safetensors": "load_inception({!r})",
        "yaml": "load_config_file({!r})",
    }
    return {
        f"{kind} as {suffix}": reader.format(str(make(folder, f"{kind}.{suffix}")))
        for kind, make in inputs.SPECIAL.items()
        for suffix, reader in readers.items()
    }


def code_inputs(folder: Path) -> dict[str, str]:
    """Files of codes."""
    npz = folder / "codes.npz"
    with zipfile.ZipFile(npz, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mean.npy", inputs.npy_header((10 * MB,)) + bytes(20 * MB))
    paths = {
        "npz of zeros": npz,
        "one line of 50 MB": inputs.sparse(folder / "line.csv", 50 * MB, b"z1\n"),
        "names without end": write(folder / "names.csv", b"z1," * 2 * MB),
        "many classes": write(
            folder / "classes.csv",
            b"class,z1\n" + b"".join(b"%d,0\n" % i for i in range(200_000)),
        ),
        "201 MB": inputs.sparse(folder / "large.csv", 201 * MB, b"z1\n0\n"),
    }
    return {f"codes: {name}": f"load_codes(Path({str(p)!r}))" for name, p in paths.items()}


def weight_inputs(folder: Path) -> dict[str, str]:
    """Files of weights."""
    paths = {
        "archive of zeros": folder / "zeros.pth",
        "sparse": inputs.sparse(folder / "sparse.pth", 10**11),
        "sparse safetensors": inputs.sparse(folder / "sparse.safetensors", 10**11),
        "header of safetensors": write(
            folder / "header.safetensors", (2**40).to_bytes(8, "little") + b"{}"
        ),
        "members": inputs.npz_of_members(folder / "members.pth", 500_000),
    }
    inputs.npz_of_zeros(paths["archive of zeros"], 300 * MB)
    return {f"weights: {name}": f"load_inception({str(p)!r})" for name, p in paths.items()}


def config_inputs(folder: Path) -> dict[str, str]:
    """Configurations, and models that they ask for."""
    paths = {
        "sparse": inputs.sparse(folder / "sparse.yaml", 10**11),
        "nested": write(folder / "nested.yaml", b"a: " + b"[" * 500_000),
        "aliases": write(folder / "alias.yaml", b"a: &a [x]\nb: *a\n"),
        "zeros": write(folder / "zeros.yaml", bytes(1000)),
        "long name": Path("a" * 5000 + ".yaml"),
        "zero in the name": Path("a\0b.yaml"),
        "surrogate": Path("\ud800.yaml"),
    }
    cases = {f"configuration: {name}": f"load_config_file({str(p)!r})" for name, p in paths.items()}
    wide = {"encoder": {"hidden": [65536] * 8}}
    deep = {"decoder": {"hidden": [65536] * 8}}
    for name, options in (("encoder", wide), ("decoder", deep)):
        cases[f"model: {name}"] = f"build_model(load_config_file('mlp', base, {options}))"
    return cases


def write(path: Path, content: bytes) -> Path:
    """A file of this content."""
    path.write_bytes(content)
    return path


COMMANDS = {
    "train": ("train", "mlp", "--set", "encoder.hidden=[65536,65536,65536,65536]", "--dry-run"),
    "data": ("data", "pipe.npy"),
    "train on a pipe": ("train", "--data", "pipe.png", "--dry-run"),
    "train with a pipe": ("train", "pipe.yaml", "--dry-run"),
    "train on a long path": ("train", "--data", "a" * 5000, "--dry-run"),
    "train on a zero": ("train", "--data", "a\0b", "--dry-run"),
    "train on a surrogate": ("train", "--data", "\udcff", "--dry-run"),
    "test data on a surrogate": ("train", "--test", "\udcff.npy", "--dry-run"),
}


class Run:
    """All cases, run once, and what the folder of inputs held before and after."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.cases: dict[str, str] = {}
        for maker in (special_inputs, code_inputs, weight_inputs, config_inputs):
            self.cases |= maker(folder)
        self.before = snapshot(folder)
        self.outcomes = run_limited(
            self.cases | COMMANDS,
            setup=SETUP,
            folder=folder,
            environment={"VAEKIT_MAX_DATA_BYTES": "16M"},
        )


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    """The outcomes of all cases, of one process."""
    return Run(tmp_path_factory.mktemp("hostile"))


def test_every_file_is_refused_in_one_line_at_once_and_in_little_memory(run):
    wrong = [fault for name in run.cases for fault in faults(name, run.outcomes.get(name))]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_ends_with_one_line_and_status_2(run, name):
    outcome = run.outcomes[name]
    lines = [line for line in outcome.message.splitlines() if line.strip()]
    assert outcome.value == "2" and not outcome.out_of_memory, outcome
    assert len(lines) == 1, outcome


@pytest.mark.parametrize("part", ["encoder", "decoder"])
def test_a_model_that_cannot_fit_names_its_parameter(run, part):
    outcome = run.outcomes[f"model: {part}"]
    assert outcome.error == "ConfigError" and outcome.parameter == f"{part}.hidden"


def test_nothing_is_written(run):
    assert snapshot(run.folder) == run.before
