"""The examples of the documents run, on small stand-ins for what their reader has."""

import ast
import asyncio
import re
import shlex
import shutil
import subprocess
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from typer.main import get_command

import vaekit
from conftest import QUIET, small_images, train_small
from tar_fixtures import png, write_tar
from vaekit.cli.app import app
from vaekit.config import load_config_file
from vaekit.data import Dataset
from vaekit.data.named_datasets import NAMES
from vaekit.data.readers import fashion_mnist
from vaekit.web import RunningServer

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SERVE = (ROOT / "docs/serve.md").read_text(encoding="utf-8")
SCALING = (ROOT / "docs/scaling.md").read_text(encoding="utf-8")
RESULTS = (ROOT / "docs/results.md").read_text(encoding="utf-8")

URL = "http://127.0.0.1:8000"


def commands(document: str) -> list[str]:
    """The commands of vaekit in a document, without their comments."""
    found = re.findall(r"^    (?:.* && )?(vaekit .*)$", document, flags=re.MULTILINE)
    return [line.split("#")[0].strip() for line in found]


def blocks(document: str) -> list[str]:
    """The Python examples of a document."""
    return re.findall(r"```python\n(.*?)```", document, flags=re.DOTALL)


PARSED = list(dict.fromkeys(commands(README + SERVE + SCALING + RESULTS)))
BLOCKS = blocks(README) + blocks(SERVE)

NOT_RUN = {
    "vaekit push runs/photos you/photos": "needs the Hugging Face Hub; see tests/hub",
    "vaekit pull you/photos@main runs/theirs": "needs the Hugging Face Hub; see tests/hub",
    "vaekit train conv --devices 2": "two processes; see tests/training",
    "vaekit serve runs/photos --token-file token": "needs a token; see tests/server",
    "vaekit serve runs/photos --host 0.0.0.0 --tls-certificate server.crt --tls-key server.key": (
        "needs a certificate; see tests/server"
    ),
    "vaekit train conv --data 'https://host/train-{0000..4095}.tar' --train-size 1000000": (
        "needs a host with shards; see tests/data"
    ),
}
"""Commands that are only parsed, as are those of docs/results.md, which measure for long."""

RUN = [each for each in dict.fromkeys(commands(README + SERVE + SCALING)) if each not in NOT_RUN]


def block(text: str) -> str:
    """The only Python example that contains this text."""
    (found,) = (each for each in BLOCKS if text in each)
    return found


# --- Commands ------------------------------------------------------------------------------------


def test_set_up_is_two_commands():
    assert "    pip install -c constraints.txt . && vaekit train\n" in README
    assert '    pip install -c constraints.txt -e ".[test]" && pytest -n 2\n' in README


@pytest.mark.parametrize("command", PARSED)
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


def save_scans(folder: Path) -> None:
    """Two large images of each of five patients."""
    pixels = np.random.default_rng(0).integers(0, 256, size=(10, 520, 512), dtype=np.uint8)
    for i, scan in enumerate(pixels):
        name = folder / f"patient{i // 2}" / f"{i}.png"
        name.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(scan).save(name)


def named_stand_in(name: str, classes: tuple[str, ...]) -> Dataset:
    """A few images in the shape and with the classes of a named dataset."""
    data = small_images(60, NAMES[name].shape)
    train = replace(data.train, y=np.arange(60) % len(classes))
    return replace(data, name=name, train=train, classes=classes)


STAND_INS = {
    "mnist": named_stand_in("mnist", tuple("0123456789")),
    "fashion-mnist": named_stand_in("fashion-mnist", fashion_mnist.CLASSES),
}


@pytest.fixture(autouse=True)
def named_datasets(monkeypatch):
    """Small stand-ins for the named datasets of the documents."""
    for name, dataset in STAND_INS.items():
        stand_in = replace(NAMES[name], read=lambda support, dataset=dataset: dataset)
        monkeypatch.setitem(NAMES, name, stand_in)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A folder with what the reader of a command has: data, and the runs of earlier commands."""
    folder = tmp_path_factory.mktemp("documents")
    save_images(folder / "photos", 120)
    save_images(folder / "new", 6)
    save_scans(folder / "scans")
    table = np.random.default_rng(0).normal(size=(40, 5))
    np.save(folder / "table.npy", table)
    table[::3, 1] = np.nan
    np.save(folder / "gaps.npy", table)
    (folder / "shards").mkdir()
    shard = {f"{i}.png": png(x) for i, x in enumerate(small_images(40).train.x)}
    for i in range(128):
        write_tar(folder / f"shards/train-{i:03}.tar", shard)
    runs = folder / "runs"
    photos = train_small(runs / "photos", str(folder / "photos"), latent_dim=2)
    for name in ("other", "plane-mnist-20260101-120000"):
        shutil.copytree(photos.path, runs / name)
    train_small(runs / "table", str(folder / "table.npy"), latent_dim=2)
    train_small(runs / "clothes", STAND_INS["fashion-mnist"], conditional=True)
    np.savetxt(folder / "codes.csv", np.zeros((3, 2)), delimiter=",", header="z1,z2", comments="")
    return folder


def shortened(words: list[str]) -> list[str]:
    """The words of a command that trains or samples little."""
    if "--count" in words:
        words[words.index("--count") + 1] = "30"
    if words[0] in ("train", "sweep") and "--resume" not in words:
        words += ["--set", "training.max_steps=2"]
        if "vq" in words:
            words += ["--set", "prior_stage.max_steps=2"]
    return words


def remove(path: Path) -> None:
    """Remove what a command is about to write."""
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)


def serve_for_a_moment(make_app, host, port, *, ready, **options) -> None:
    """Serve an app, ask for its first answer, and end."""
    with RunningServer(make_app, host, 0) as server:
        ready(server.url)
        assert httpx.get(server.url).status_code in (200, 404)


@pytest.mark.parametrize("command", RUN)
def test_a_command_runs(command: str, prepared: Path, cli, tmp_path, monkeypatch):
    for verb in ("explore", "serve"):
        module = import_module(f"vaekit.workflows.{verb}")
        monkeypatch.setattr(module, "serve_app", serve_for_a_moment)
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    words = shortened(shlex.split(command.split(">")[0])[1:])
    words = [name for word in words for name in sorted(map(str, Path().glob(word))) or [word]]
    if "--out" in words:
        remove(Path(words[words.index("--out") + 1]))
    if "--resume" in words:
        (tmp_path / "runs/photos/summary.json").unlink()
    before = {path for path in tmp_path.rglob("*") if path.is_file()}

    status, out, err = cli(*words)

    assert status == 0, err
    assert out
    written = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    only_prints = words[0] in ("recipes", "data", "config", "evaluate", "explore", "serve")
    writes = "--dry-run" not in words and (not only_prints or "--report" in words)
    assert bool(written) == writes


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


def test_in_a_notebook(prepared: Path, tmp_path, monkeypatch):
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    source = block("explorer = vaekit.explore(run)").replace("serve(run)", "serve(run, port=0)")
    uses, ends = source.split("explorer.stop()")
    namespace: dict[str, Any] = {"vaekit": vaekit}

    async def cell() -> None:
        exec(uses, namespace)

    asyncio.run(cell())
    for name in ("explorer", "server"):
        assert httpx.get(namespace[name].url).status_code in (200, 404)
    exec("explorer.stop()" + ends, namespace)
    assert not namespace["explorer"].is_running and not namespace["server"].is_running


# --- The server ----------------------------------------------------------------------------------

CURL = [
    line.replace("\\\n", " ")
    for line in re.findall(r"^    (curl (?:.*\\\n)*.*)$", SERVE, flags=re.MULTILINE)
]


@pytest.fixture
def server(prepared: Path, request):
    """A server of a run."""
    with vaekit.serve(prepared / "runs" / request.param, port=0, background=True) as server:
        yield server


@pytest.mark.parametrize("server", ["photos", "table"], indirect=True)
def test_requests_by_curl(server, tmp_path):
    model = httpx.get(f"{server.url}/v1/model").json()
    np.save(tmp_path / "examples.npy", np.ones((8, *model["shape"])))
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed (Debian: apt-get install curl)")
    Image.new("RGB", model["shape"][:0:-1] or (8, 8)).save(tmp_path / "photo.png")
    Image.new("RGB", model["shape"][:0:-1] or (8, 8)).save(tmp_path / "photo.jpg")
    takes_images = len(model["shape"]) == 3
    for command in CURL:
        if "photo." in command and not takes_images:
            continue
        words = shlex.split(command.replace(URL, server.url), comments=True)
        done = subprocess.run(
            [*words, "--fail-with-body", "--silent"], cwd=tmp_path, capture_output=True, check=False
        )
        assert done.returncode == 0, (command, done.stdout[:500])
    assert np.load(tmp_path / "codes.npy").shape == (8, model["latent_dim"])
    assert np.load(tmp_path / "decoded.npy").shape == (8, *model["shape"])
    assert np.load(tmp_path / "scores.npy").shape == (8,)


@pytest.mark.parametrize("server", ["photos", "clothes", "table"], indirect=True)
def test_requests_by_python(server):
    namespace: dict[str, Any] = {}
    exec(block('model["latent_dim"]').replace(URL, server.url), namespace)
    model = namespace["model"]
    assert np.shape(namespace["x"]) == (2, *model["shape"])
    if not model["classes"]:
        namespace["images"] = np.ones((3, *model["shape"]))
        exec(block("io.BytesIO(answer.content)").replace(URL, server.url), namespace)
        assert namespace["mean"].shape == (3, model["latent_dim"])


def test_every_python_example_is_run():
    source = Path(__file__).read_text(encoding="utf-8")
    used = re.findall(r'block\(("[^"]*"|\'[^\']*\')\)', source)
    texts = [ast.literal_eval(text) for text in used]
    texts += ["onnxruntime.InferenceSession", "torch.export.load"]
    assert [each for each in BLOCKS if not any(text in each for text in texts)] == []
