"""The instructions of the Dockerfile agree with the package, and end in a user without rights."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

import vaekit
from vaekit.cli.app import app

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8")
IGNORED = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()


def instructions() -> list[tuple[str, str]]:
    """Name and arguments of each instruction, in order."""
    lines = [line for line in TEXT.splitlines() if line and not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in joined.split("\n"))]


INSTRUCTIONS = instructions()


def arguments(name: str) -> list[str]:
    """The arguments of all instructions of a name."""
    return [rest for each, rest in INSTRUCTIONS if each == name]


def test_every_instruction_is_known():
    known = {"FROM", "ENV", "RUN", "WORKDIR", "COPY", "USER", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT"}
    assert {name for name, _ in INSTRUCTIONS} == known


def test_the_base_image_is_pinned_and_python_is_supported():
    (image,) = arguments("FROM")
    major, minor, _ = map(int, re.fullmatch(r"python:(\d+)\.(\d+)\.(\d+)-slim-\w+", image).groups())
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    oldest = re.search(r'requires-python = ">=(\d+)\.(\d+)"', project)
    assert (major, minor) >= tuple(map(int, oldest.groups()))


def test_the_server_runs_as_a_user_without_rights():
    (user,) = arguments("USER")
    number, group = map(int, user.split(":"))
    assert min(number, group) > 1000
    (creation,) = (run for run in arguments("RUN") if "useradd" in run)
    assert f"--uid {number}" in creation and f"groupadd --gid {group}" in creation
    names = [name for name, _ in INSTRUCTIONS]
    assert names.index("USER") > max(i for i, name in enumerate(names) if name in ("RUN", "COPY"))


def test_all_packages_have_the_pinned_versions():
    installs = [run for run in arguments("RUN") if "pip install" in run]
    assert len(installs) == 2
    assert all("-c constraints.txt" in run for run in installs)
    assert "torch" in installs[0].split() and "/cpu" in installs[0]
    assert '".[serve]"' in installs[1]


def test_everything_that_is_copied_exists_and_reaches_docker():
    copied = {name for rest in arguments("COPY") for name in shlex.split(rest)[:-1]}
    assert all((ROOT / name).exists() for name in copied)
    assert {line[1:] for line in IGNORED if line.startswith("!")} == copied
    assert "*" in IGNORED
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'readme = "README.md"' in project and "README.md" in copied


def test_the_entry_point_is_a_command_of_the_package():
    (entry,) = arguments("ENTRYPOINT")
    program, *words = json.loads(entry)  # no shell between Docker and the server: signals arrive
    assert program == "vaekit"
    command = get_command(app).commands[words[0]]  # pyright: ignore[reportAttributeAccessIssue]
    options = command.make_context(words[0], words[1:]).params
    assert (str(options["run"]), options["host"]) == ("/run-folder", "0.0.0.0")
    assert [str(options["port"])] == arguments("EXPOSE")


@pytest.mark.process
def test_the_health_check_asks_the_server(small_run):
    (check,) = arguments("HEALTHCHECK")
    program, flag, code = json.loads(check.partition("CMD ")[2])
    assert (program, flag) == ("python", "-c")
    assert f"'127.0.0.1', {arguments('EXPOSE')[0]}" in code
    with vaekit.serve(
        small_run, port=0, token="x" * 16, ready=lambda _: None, background=True
    ) as server:
        here = code.replace("8000", server.url.rpartition(":")[2])
        for path, status in (("/health", 0), ("/metrics", 1)):
            check = [sys.executable, "-c", here.replace("/health", path)]
            assert subprocess.run(check, check=False).returncode == status


def test_no_secret_is_in_the_image():
    assert not re.search(r"(?i)token|password|secret|ARG ", TEXT)
