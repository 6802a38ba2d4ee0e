"""What the README shows works: its commands parse, its Python runs."""

import ast
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.main import get_command

import vaekit
from conftest import small_images
from vaekit.cli.app import app
from vaekit.config import load_config_file

README = (Path(__file__).parents[1] / "README.md").read_text()
COMMANDS = [
    line.split("#")[0].strip()
    for line in re.findall(r"^    (vaekit .*)$", README, flags=re.MULTILINE)
]
BLOCKS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_readme_parses(command):
    words = shlex.split(command.split(">")[0])[1:]
    group = get_command(app)
    while words[0] in getattr(group, "commands", {}):
        group = group.commands[words.pop(0)]
        if not words:
            break
    with group.make_context("vaekit", words) as context:
        assert context.params


def test_the_options_of_the_readme_are_a_configuration():
    (block,) = (b for b in BLOCKS if "training={" in b)
    call = ast.parse(block).body[0].value  # type: ignore[attr-defined]
    given = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
    config = load_config_file(ast.literal_eval(call.args[0]), given)
    assert config.training.patience == 3
    assert config.data.resize == (64, 64)


def test_the_set_up_is_two_commands():
    assert "    pip install -c constraints.txt . && vaekit train\n" in README
    assert '    pip install -c constraints.txt -e ".[test]" && pytest -n 2\n' in README


def test_a_model_of_five_parts_and_a_loop_of_ones_own_lower_the_loss():
    parts, loop = (
        next(b for b in BLOCKS if text in b) for text in ("model = VAE(", "loss.backward()")
    )
    torch.manual_seed(0)
    images = (torch.rand(8, 1, 28, 28) > 0.5).float()
    namespace = {"vaekit": vaekit, "batches": [images]}
    exec(parts, namespace)
    before = vaekit.ELBO(samples=50)(namespace["model"], images).loss
    namespace["batches"] = [images] * 20
    exec(loop, namespace)
    assert vaekit.ELBO(samples=50)(namespace["model"], images).loss < before - 10


def test_what_is_exported_is_used_as_shown(small_run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    vaekit.export_onnx(small_run, "there")
    rows = small_images().train.x.astype(np.float32)
    for block in (b for b in BLOCKS if '"there' in b):
        namespace = {"vaekit": vaekit, "torch": torch, "images": rows}
        exec(block, namespace)
        np.testing.assert_allclose(
            np.asarray(namespace["z_mean"]), small_run.encode(rows).mean, atol=1e-4
        )
