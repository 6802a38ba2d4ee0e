"""The commands of `vaekit`: each is a function, its parameters are the options, and its docstring
is the help."""

from collections.abc import Callable
from importlib import metadata
from typing import Annotated

import typer

from vaekit.cli.command import Command, Group
from vaekit.cli.compare import compare
from vaekit.cli.config import config_app
from vaekit.cli.data import data
from vaekit.cli.decode import decode
from vaekit.cli.encode import encode
from vaekit.cli.evaluate import evaluate
from vaekit.cli.explore import explore
from vaekit.cli.export import export
from vaekit.cli.impute import impute
from vaekit.cli.plot import plot
from vaekit.cli.pull import pull
from vaekit.cli.push import push
from vaekit.cli.recipes import recipes_app
from vaekit.cli.reconstruct import reconstruct
from vaekit.cli.sample import sample
from vaekit.cli.score import score
from vaekit.cli.serve import serve
from vaekit.cli.sweep import sweep
from vaekit.cli.train import train

PANELS: dict[str, dict[str, Callable[..., None] | typer.Typer]] = {
    "Train": {
        "train": train,
        "sweep": sweep,
        "recipes": recipes_app,
        "data": data,
        "config": config_app,
    },
    "Evaluate": {"evaluate": evaluate, "compare": compare, "score": score},
    "Visualize": {"plot": plot, "explore": explore},
    "Use": {
        "sample": sample,
        "reconstruct": reconstruct,
        "encode": encode,
        "decode": decode,
        "impute": impute,
    },
    "Share": {"export": export, "serve": serve, "push": push, "pull": pull},
}
"""Commands by panel of the help and by name."""


class Vaekit(Group):
    """The group of all commands."""

    panels = {panel: tuple(commands) for panel, commands in PANELS.items()}  # noqa: RUF012


app = typer.Typer(
    cls=Vaekit,
    help="Train, evaluate, explore and use variational autoencoders on your own data.",
    epilog=(
        "Exit status: 0 done, 1 the work failed, 2 the request was wrong, 130 interrupted. "
        "A second Ctrl-C ends a command at once."
    ),
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for commands in PANELS.values():
    for name, command in commands.items():
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name, cls=Command)(command)


def _print_version(requested: bool) -> None:
    if requested:
        print(metadata.version("vaekit"))
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
) -> None:
    """Options of every command; `main` reads --debug, wherever it stands."""
    if context.invoked_subcommand is None:
        print(context.get_help())
