"""The help: complete summaries in panels, one style of metavars."""

import re
from importlib import metadata
from typing import Any

import pytest
from typer.main import get_command

from vaekit.cli.app import PANELS, app

GROUP: Any = get_command(app)
METAVARS = {
    "DATA",
    "FILE",
    "FOLDER",
    "HxW",
    "KEY=V1,V2",
    "KEY=VALUE",
    "LOW:HIGH",
    "N",
    "N,...",
    "NAME",
    "NAME,...",
    "OWNER/NAME",
    "OWNER/NAME[@REVISION]",
    "RECIPE",
    "RUN",
    "SECTION",
    "TEXT",
}
WIDTH = 80


def commands() -> dict[str, Any]:
    """Every command by its words."""
    found = dict(GROUP.commands)
    for name, command in GROUP.commands.items():
        for inner, each in getattr(command, "commands", {}).items():
            found[f"{name} {inner}"] = each
    return found


def test_panels_hold_every_command_once(cli):
    listed = [name for names in PANELS.values() for name in names]
    assert sorted(listed) == sorted(GROUP.commands)
    _, out, _ = cli("--help")
    headings = re.findall(r"^(\w+):$", out, flags=re.MULTILINE)
    assert headings == ["Options", *PANELS]
    for panel, names in PANELS.items():
        section = out.split(f"\n{panel}:\n")[1].split("\n\n")[0]
        assert re.findall(r"^  (\w+)", section, flags=re.MULTILINE) == list(names)


@pytest.mark.parametrize("name", GROUP.commands)
def test_a_summary_is_one_complete_line(cli, monkeypatch, name: str):
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    _, out, _ = cli("--help")
    (line,) = (each for each in out.splitlines() if re.match(rf"  {name} ", each))
    assert len(line) <= WIDTH
    summary = line.split(maxsplit=1)[1]
    assert summary == GROUP.commands[name].help.splitlines()[0]
    assert summary.endswith(".") and not summary.endswith("..")


@pytest.mark.parametrize("words", commands())
def test_help_describes_every_parameter(cli, words: str):
    status, out, _ = cli(*words.split(), "--help")
    assert status == 0
    assert f"Usage: vaekit {words}" in out
    assert max(map(len, out.splitlines())) <= WIDTH
    for parameter in commands()[words].params:
        assert parameter.help, parameter.name
        assert (parameter.opts[0] if parameter.param_type_name == "option" else "") in out


@pytest.mark.parametrize("words", commands())
def test_metavars_have_one_style(words: str):
    for parameter in commands()[words].params:
        if parameter.param_type_name == "argument" or not parameter.is_flag:
            assert parameter.metavar in METAVARS, parameter.name


@pytest.mark.parametrize("words", commands())
def test_options_have_one_name(words: str):
    for parameter in commands()[words].params:
        if parameter.param_type_name == "option":
            assert len(parameter.opts) == 1, parameter.opts


def test_commands_without_arguments_show_help(cli):
    for words in ((), ("config",)):
        status, out, err = cli(*words)
        assert (status, err) == (0, "")
        assert out == cli(*words, "--help")[1]


def test_version(cli):
    assert cli("--version") == (0, f"{metadata.version('vaekit')}\n", "")
