"""Every option of every command reaches its workflow, under the right parameter."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.main import get_command

import vaekit.config
import vaekit.data
import vaekit.recipes
import vaekit.workflows
from vaekit.cli.app import app
from vaekit.runs import Run
from vaekit.server import Limits

GROUP = get_command(app)

ARGUMENTS = {
    "compare": ("RUN", "RUN"),
    "decode": ("RUN", "codes.npz"),
    "decode --z": ("RUN",),
    "impute": ("RUN", "gaps.npy"),
    "export": ("RUN", "page.html"),
    "export --hub": ("RUN",),
    "export --license": ("RUN", "--hub", "shared"),
    "push": ("RUN", "owner/name"),
    "pull": ("owner/name",),
    "data": ("digits",),
    "train": (),
    "sweep": (),
}
"""Arguments of commands, or next to an option; by default a run."""

WORKFLOWS = {
    "train --resume": "resume",
    "export": "export_page",
    "export --hub": "export_hub",
    "export --license": "export_hub",
    "data": "load",
}
"""Names of the functions that commands call, if not the name of the command."""

TEXTS: dict[str, tuple[tuple[str, ...], Any]] = {
    "N": (("7",), 7),
    "NAME": (("name",), "name"),
    "TEXT": (("text",), "text"),
    "DATA": (("some/data",), "some/data"),
    "FILE": (("file.svg",), Path("file.svg")),
    "FOLDER": (("folder",), Path("folder")),
    "RUN": (("other",), Path("other")),
    "HxW": (("12x10",), (12, 10)),
    "NAME,...": (("flip, shift",), ["flip", "shift"]),
    "N,...": (("3,5-6",), [3, 5, 6]),
    "LOW:HIGH": (("-1.5:2",), (-1.5, 2.0)),
    "KEY=VALUE": (("objective.beta=7",), {"beta": 7}),
    "KEY=V1,V2": (("objective.beta=7,8",), {"objective.beta": ["7", "8"]}),
}
"""Text and value of an option by its metavar."""

NAMES: dict[str, tuple[tuple[str, ...], Any]] = {
    "--group": (("folder",), "folder"),
    "--metric": (("density",), "density"),
    "--projection": (("pca",), "pca"),
    "--split": (("validation",), "validation"),
    "--z": (("3,5.5",), [[3.0, 5.5]]),
}
"""Text and value of options that do not accept every text."""

PARAMETERS = {
    "train --resume": "path",
    "train --data": "data.source",
    "train --set": "objective",
    "sweep --data": "data.source",
    "sweep --set": "grid",
    "serve --max-batch-examples": "limits.max_batch_examples",
    "export --hub": "out",
}
"""Parameters that options set, if they have another name than the option."""

CONFIG_KEYS = {
    "--test": "data.test",
    "--support": "data.support",
    "--binarize": "data.binarize",
    "--crop": "data.crop",
    "--resize": "data.resize",
    "--normalize": "data.normalize",
    "--augment": "data.augment",
    "--balance": "data.balance",
    "--tile": "data.tile",
    "--group": "data.group",
    "--skip-unreadable": "data.skip_unreadable",
    "--train-size": "data.train_size",
    "--epochs": "training.epochs",
    "--batch-size": "training.batch_size",
    "--device": "training.device",
    "--devices": "training.devices",
    "--nodes": "training.nodes",
    "--threads": "training.threads",
    "--precision": "training.precision",
}
"""Parameters that options of train and sweep set, likewise."""

HANDLED_BY_COMMAND = {
    *("json", "help", "report", "browser", "dry_run"),
    *("token_file", "access_log"),
}
"""Options about files and output, tested in the other files of this folder."""
OVERWRITTEN_BY_WORKFLOW = {"train", "export", "pull"}


class Called(Exception):  # noqa: N818 - not an error
    """A workflow was called, with these arguments by name."""

    def __init__(self, workflow: str, arguments: dict[str, Any]):
        super().__init__()
        self.workflow = workflow
        self.arguments = arguments


def options() -> Iterator[tuple[str, Any]]:
    for command in GROUP.commands.values():  # pyright: ignore[reportAttributeAccessIssue]
        for parameter in command.params:
            handled = parameter.name in HANDLED_BY_COMMAND
            if parameter.name == "overwrite":
                handled = command.name not in OVERWRITTEN_BY_WORKFLOW
            if parameter.param_type_name == "option" and not handled:
                yield command.name, parameter


OPTIONS = list(options())


def flattened(arguments: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Arguments with the fields of dataclasses, and the keys of data and training, in one level."""
    for name, value in arguments.items():
        if name == "limits" and value is None:
            value = Limits()
        if isinstance(value, Run):
            value = value.path
        if is_dataclass(value) and not isinstance(value, type):
            value = {field.name: getattr(value, field.name) for field in fields(value)}
            yield from flattened(value, f"{prefix}{name}.")
        elif name in ("data", "training") and isinstance(value, dict):
            yield from flattened(value, f"{name}.")
        else:
            yield f"{prefix}{name}", value.tolist() if isinstance(value, np.ndarray) else value


def call(command: str, *arguments: str) -> tuple[str, dict[str, Any]]:
    """Run a command: the workflow that it called, and its arguments."""
    with pytest.raises(Called) as called:
        GROUP(args=[command, *arguments], prog_name="vaekit", standalone_mode=False)
    return called.value.workflow, dict(flattened(called.value.arguments))


def recorder(function: Callable[..., Any]) -> Callable[..., Any]:
    signature = inspect.signature(function)

    def record(*args: Any, **kwargs: Any) -> None:
        arguments = signature.bind(*args, **kwargs).arguments
        for name, parameter in signature.parameters.items():
            if parameter.kind is parameter.VAR_KEYWORD:
                arguments |= arguments.pop(name, {})
        arguments.pop("ready", None)
        raise Called(function.__name__, arguments)

    return record


@pytest.fixture
def recorded(monkeypatch, small_run, tmp_path):
    """All workflows record their arguments instead of running; RUN is a small run."""
    monkeypatch.chdir(tmp_path)
    for name in vaekit.workflows.__all__:
        monkeypatch.setattr(vaekit.workflows, name, recorder(getattr(vaekit.workflows, name)))
    monkeypatch.setattr(vaekit.data, "load", recorder(vaekit.data.load))
    return str(small_run.path)


def test_there_are_options():
    assert len(OPTIONS) > 80


@pytest.mark.parametrize(
    ("command", "option"), OPTIONS, ids=[f"{name} {option.opts[0]}" for name, option in OPTIONS]
)
def test_an_option_reaches_its_workflow(recorded, command: str, option: Any):
    flag = option.opts[0]
    texts, value = (), True
    if not option.is_flag:
        texts, value = NAMES.get(flag) or TEXTS[option.metavar]
    name = PARAMETERS.get(f"{command} {flag}", option.name)
    if command in ("train", "sweep"):
        name = CONFIG_KEYS.get(flag, name)

    usual = arguments_of(command, recorded)
    required = arguments_of(f"{command} {flag}", recorded) or usual
    default_workflow, default = call(command, *usual)
    workflow, arguments = call(command, *required, flag, *texts)

    assert workflow == WORKFLOWS.get(f"{command} {flag}", WORKFLOWS.get(command, command))
    assert arguments[name] == value
    assert default.get(name) != value
    if workflow == default_workflow:
        changed = {each for each in arguments if arguments[each] != default.get(each)}
        assert changed == {name}


def arguments_of(key: str, run: str) -> list[str]:
    arguments = ARGUMENTS.get(key, () if " " in key else ("RUN",))
    return [run if argument == "RUN" else argument for argument in arguments]
