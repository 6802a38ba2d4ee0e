"""Options that several commands share."""

import inspect
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from vaekit.cli.parsing import one_of, parse_indices, parse_names, parse_size
from vaekit.printable import printable

if TYPE_CHECKING:
    from vaekit.config.schema import PlainOptions

RunPath = Annotated[Path, typer.Argument(metavar="RUN", help="Run folder.")]
OwnExamples = Annotated[
    str | None,
    typer.Argument(
        metavar="DATA",
        help="Other examples than the run's dataset: name or path.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def _split_option(default: str) -> Any:
    return typer.Option(
        metavar="NAME",
        parser=one_of("train", "validation", "test"),
        help=f"Part of the data: train, validation or test. Default: {default}.",
    )


RunSplit = Annotated[Any, _split_option("test")]
Split = Annotated[Any, _split_option("test, or all examples of other data")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Overwrite existing files.")]
OtherData = Annotated[
    str | None,
    typer.Option("--data", metavar="DATA", help="Other data than the run's dataset: name or path."),
]
NewLocation = Annotated[
    str | None,
    typer.Option("--data", metavar="DATA", help="New location of the run's dataset."),
]
MaxExamples = Annotated[
    int | None, typer.Option(metavar="N", help="Evaluate only the first N examples.")
]
Indices = Annotated[
    Any,
    typer.Option(
        "--index",
        metavar="N,...",
        parser=parse_indices,
        help="Indices of examples, such as 0,1,7 or 0-9; with --label, within that class.",
    ),
]
Label = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Class of a conditional run. Default: all classes in turn."),
]
License = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="License in the model card, such as mit. Default: none."),
]
Port = Annotated[int, typer.Option(metavar="N", help="Port; 0 picks a free one.")]
Seed = Annotated[int, typer.Option(metavar="N", min=0, help="Seed of the noise.")]
Support = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Values that data can take: binary, unit, integers:L, real."),
]
Size = Annotated[
    Any,
    typer.Option(metavar="HxW", parser=parse_size, help="Resize images, such as 64x64."),
]
Crop = Annotated[
    Any,
    typer.Option(metavar="HxW", parser=parse_size, help="Cut the center out of images, first."),
]
Tile = Annotated[
    Any,
    typer.Option(metavar="HxW", parser=parse_size, help="Cut images into tiles, last."),
]
Augment = Annotated[
    Any,
    typer.Option(
        metavar="NAME,...",
        parser=parse_names,
        help="Random changes of training images: flip, flip-vertical, rotate, shift.",
    ),
]
Group = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="folder: keep images of one folder in one split."),
]
SkipUnreadable = Annotated[
    bool | None,
    typer.Option(
        "--skip-unreadable", show_default=False, help="Leave out images that cannot be read."
    ),
]
Recipe = Annotated[
    str | None,
    typer.Argument(
        metavar="RECIPE",
        help="Recipe or configuration file (.yaml). Default: what suits the data.",
    ),
]


# --- Options that set a key of the configuration -------------------------------------------------


class ConfigOption(NamedTuple):
    """An option that sets a key of the configuration.

    Attributes:
        key: The key.
        annotation: Its type and its help, as typer reads them.
    """

    key: str
    annotation: Any


def _number(help: str) -> Any:
    return Annotated[int | None, typer.Option(metavar="N", help=help)]


def _text(metavar: str, help: str) -> Any:
    return Annotated[str | None, typer.Option(metavar=metavar, help=help)]


CONFIG_OPTIONS = {
    "data": ConfigOption(
        "data.source", _text("DATA", "Name (see `vaekit data`) or path. Default: mnist.")
    ),
    "test": ConfigOption("data.test", _text("DATA", "Path of the test examples.")),
    "support": ConfigOption("data.support", Support),
    "binarize": ConfigOption(
        "data.binarize",
        _text("NAME", "Binarize gray values: threshold, fixed (sampled once) or dynamic."),
    ),
    "crop": ConfigOption("data.crop", Crop),
    "resize": ConfigOption("data.resize", Size),
    "augment": ConfigOption("data.augment", Augment),
    "balance": ConfigOption(
        "data.balance",
        Annotated[
            bool | None,
            typer.Option(
                "--balance", show_default=False, help="Train on all classes equally often."
            ),
        ],
    ),
    "normalize": ConfigOption(
        "data.normalize",
        _text("NAME", "Normalize channels or columns: none, unit, standardize or percentile."),
    ),
    "tile": ConfigOption("data.tile", Tile),
    "group": ConfigOption("data.group", Group),
    "skip_unreadable": ConfigOption("data.skip_unreadable", SkipUnreadable),
    "train_size": ConfigOption(
        "data.train_size", _number("Train on N examples, sampled with the seed.")
    ),
    "latent_dim": ConfigOption("latent_dim", _number("Number of latent dimensions.")),
    "conditional": ConfigOption(
        "conditional",
        Annotated[
            bool | None,
            typer.Option(
                "--conditional",
                show_default=False,
                help="Condition encoder, decoder and prior on the class.",
            ),
        ],
    ),
    "epochs": ConfigOption("training.epochs", _number("Passes over the training examples.")),
    "batch_size": ConfigOption("training.batch_size", _number("Examples per step.")),
    "seed": ConfigOption(
        "seed", _number("Seed of the split, initialization, shuffling and sampling.")
    ),
    "device": ConfigOption("training.device", _text("NAME", "auto, cpu, cuda or cuda:N.")),
    "devices": ConfigOption(
        "training.devices",
        _number("Processes per machine. Default: from torchrun or SLURM, else 1."),
    ),
    "nodes": ConfigOption(
        "training.nodes", _number("Machines. Default: from torchrun or SLURM, else 1.")
    ),
    "threads": ConfigOption(
        "training.threads",
        _number("Threads of the CPU. Runs repeat to the bit with the same number."),
    ),
    "precision": ConfigOption(
        "training.precision", _text("NAME", "auto, 32-true, 64-true or bf16-mixed.")
    ),
}
"""Options by the name of their parameter, in the order of the help."""


def takes_config_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add CONFIG_OPTIONS to a command, which receives them as keyword arguments."""
    own = inspect.signature(command, eval_str=True).parameters.values()
    shared = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=option.annotation
        )
        for name, option in CONFIG_OPTIONS.items()
    ]
    arguments = [each for each in own if each.kind is each.POSITIONAL_OR_KEYWORD]
    options = [each for each in own if each.kind is each.KEYWORD_ONLY]
    signature = inspect.Signature([*arguments, *shared, *options])
    command.__signature__ = signature  # pyright: ignore[reportFunctionMemberAccess]
    return command


def config_overrides(options: Mapping[str, Any]) -> "PlainOptions":
    """The nested configuration of the options that were set.

    >>> config_overrides({"train_size": 100, "seed": 1, "epochs": None})
    {'data': {'train_size': 100}, 'seed': 1}
    """
    overrides: PlainOptions = {}
    for name, value in options.items():
        if value is None:
            continue
        section, _, key = CONFIG_OPTIONS[name].key.rpartition(".")
        target = overrides.setdefault(section, {}) if section else overrides
        target[key] = value
    return overrides


# --- Existing files ------------------------------------------------------------------------------


def check_output(path: Path, overwrite: bool) -> Path:
    """`path` if it may be written; OutputError for an existing file or a file of a run."""
    from vaekit.errors import OutputError
    from vaekit.runs import FILES

    if not path.name:
        raise OutputError.for_value("out", str(path), "the path of a file")
    if path.name in FILES and (path.parent / "config.yaml").is_file():
        raise OutputError(
            f"{path} is a file of the run in {path.parent}. Choose another file.", parameter="out"
        )
    if os.path.lexists(path) and not overwrite and not _confirm(f"{path} exists: overwrite it?"):
        raise OutputError(
            f"{path} exists. Choose another file, or overwrite it.", parameter="overwrite"
        )
    return path


def may_overwrite_run(out: Path | None) -> bool:
    """Ask whether to overwrite an existing run; False if no terminal can answer."""
    if out is None or "LOCAL_RANK" in os.environ or not (out / "config.yaml").is_file():
        return False
    return _confirm(f"{out} exists: overwrite the run in it?")


def _confirm(question: str) -> bool:
    return (
        sys.stdin is not None
        and sys.stdin.isatty()
        and typer.confirm(printable(question), err=True)
    )


def check_unused(options: Mapping[str, object], reason: str) -> None:
    """ConfigError for an option that was set and has no effect."""
    from vaekit.errors import ConfigError

    for name, value in options.items():
        if value is not None:
            raise ConfigError(f"{name} has no effect {reason}. Leave it out.", parameter=name)
