"""The commands and the Python of the README work."""

import ast
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from typer.main import get_command

import vaekit
from conftest import QUIET, small_images, train_small
from vaekit.cli.app import app
from vaekit.config import load_config_file

pytestmark = pytest.mark.slow

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    line.split("#")[0].strip()
    for line in re.findall(r"^    (vaekit .*)$", README, flags=re.MULTILINE)
]
BLOCKS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)

STARTS_WORK = ("train", "sweep", "explore", "serve", "push", "pull")
"""Commands that train for minutes, wait for a browser or need a network: only parsed."""
RUNNABLE = [command for command in COMMANDS if command.split()[1] not in STARTS_WORK]


def block(text: str) -> str:
    """The only Python example that contains this text."""
    (found,) = (each for each in BLOCKS if text in each)
    return found


# --- Commands ------------------------------------------------------------------------------------


def test_set_up_is_two_commands():
    assert "    pip install -c constraints.txt . && vaekit train\n" in README
    assert '    pip install -c constraints.txt -e ".[test]" && pytest -n 2\n' in README


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_parses(command: str):
    words = shlex.split(command.split(">")[0])[1:]
    group: Any = get_command(app)
    while words and words[0] in getattr(group, "commands", {}):
        group = group.commands[words.pop(0)]
    with group.make_context("vaekit", words) as context:
        assert context.params is not None


def save_images(folder: Path, count: int) -> None:
    for i, x in enumerate(small_images(count).train.x):
        name = folder / "ab"[i % 2] / f"{i}.png"
        name.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(x[0]).save(name)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A folder with what the commands of the README read."""
    folder = tmp_path_factory.mktemp("readme")
    save_images(folder / "photos", 120)
    save_images(folder / "new", 6)
    table = np.random.default_rng(0).normal(size=(40, 5))
    np.save(folder / "table.npy", table)
    table[::3, 1] = np.nan
    np.save(folder / "gaps.npy", table)
    for name, seed in {"photos": 0, "other": 0}.items():
        train_small(folder / "runs" / name, str(folder / "photos"), latent_dim=2, seed=seed)
    train_small(folder / "runs/table", str(folder / "table.npy"), latent_dim=2)
    for path in folder.glob("runs/*/plots"):
        shutil.rmtree(path)
    return folder


@pytest.mark.parametrize("command", RUNNABLE)
def test_a_command_runs(command: str, prepared: Path, cli, tmp_path, monkeypatch):
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    words = shlex.split(command.split(">")[0])[1:]
    if words[0] == "sample" and "--count" in words:
        words[-1] = "30"
    if words[0] == "decode":
        assert cli("encode", "runs/photos", "new/", "--out", "codes.csv")[0] == 0
    before = {path for path in tmp_path.rglob("*") if path.is_file()}

    status, out, err = cli(*words)

    assert status == 0, err
    assert out
    written = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    only_prints = words[0] in ("recipes", "data", "config", "evaluate")
    assert bool(written) == (not only_prints or "--report" in words)


# --- Python --------------------------------------------------------------------------------------


class Quick:
    """vaekit, with trainings and evaluations of a second."""

    def __init__(self, folder: Path):
        self.folder = folder

    def __getattr__(self, name: str) -> Any:
        return getattr(vaekit, name)

    def train(self, model: Any, *, data: Any, training: Any = None, **options: Any) -> vaekit.Run:
        if isinstance(data, dict):
            data = {**data, "train_size": 20}
        training = {**(training or {}), "epochs": 1, "batch_size": 16}
        out = self.folder / "run"
        data = str(self.folder / "photos") if data == "mnist" else data
        return vaekit.train(
            model, data=data, out=out, training=training, console=QUIET, overwrite=True, **options
        )

    def evaluate(self, run: vaekit.Run, **options: Any) -> object:
        return vaekit.evaluate(run, max_examples=4, **options)


class MyEncoder(nn.Sequential):
    """An encoder of your own, for images of the shape of the README's photos."""

    def __init__(self):
        super().__init__(nn.Flatten(), nn.Linear(64, 8))


def test_training_and_use(prepared: Path, tmp_path, monkeypatch):
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    images = small_images(8).train.x
    source = block("codes = run.encode(images)").replace("import vaekit\n", "")
    namespace = {"vaekit": Quick(tmp_path), "images": images}
    exec(source, namespace)
    run = namespace["run"]
    assert len(namespace["codes"].mean) == len(images)
    assert namespace["samples"].shape == namespace["better"].shape == (16, 1, 8, 8)
    assert namespace["evaluation"].importance_samples == 500
    assert run.path == tmp_path / "run" and len(run.history["epoch"]) == 1


def test_options(prepared: Path, tmp_path, monkeypatch):
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    source = block('"train_size": 5000')
    call = ast.parse(source).body[0].value  # type: ignore[attr-defined]
    options = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
    config = load_config_file(ast.literal_eval(call.args[0]), options)
    assert (config.training.patience, config.data.train_size) == (3, 5000)

    namespace = {"vaekit": Quick(tmp_path)}
    exec(source, namespace)
    assert namespace["run"].model.data_shape == (1, 64, 64)  # type: ignore[attr-defined]


def test_a_module_of_ones_own(prepared: Path, tmp_path, monkeypatch):
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    namespace = {"vaekit": Quick(tmp_path), "MyEncoder": MyEncoder}
    exec(block("encoder=MyEncoder()"), namespace)
    run: Any = namespace["run"]
    assert run.model is namespace["model"]
    assert run.sample(2).shape == (2, 1, 8, 8)


def test_a_model_of_five_parts_and_a_loop_lower_the_loss():
    torch.manual_seed(0)
    images = (torch.rand(8, 1, 28, 28) > 0.5).float()
    namespace: dict[str, Any] = {"vaekit": vaekit, "batches": [images] * 20}
    exec(block("model = VAE("), namespace)
    before = vaekit.ELBO(samples=50)(namespace["model"], images).loss
    exec(block("loss.backward()"), namespace)
    assert vaekit.ELBO(samples=50)(namespace["model"], images).loss < before - 10


@pytest.mark.parametrize("text", ["onnxruntime.InferenceSession", "torch.export.load"])
def test_exported_files(text: str, small_run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    vaekit.export_onnx(small_run, "onnx")
    images = small_images().train.x.astype(np.float32)
    namespace: dict[str, Any] = {"vaekit": vaekit, "torch": torch, "images": images}
    exec(block(text), namespace)
    codes = np.asarray(namespace["z_mean"])
    np.testing.assert_allclose(codes, small_run.encode(images).mean, atol=1e-4)
