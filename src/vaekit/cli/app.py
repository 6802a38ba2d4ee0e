"""The commands by name: each is a function, its parameters are the options, and its docstring the help."""

from importlib import metadata
from typing import Annotated

import typer

from vaekit.cli import giving, judging, recipes, training, using

app = typer.Typer(
    help="Train variational autoencoders on your own data, judge them honestly, look at them, use them.",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(recipes.recipes_app, name="recipes", invoke_without_command=True)

COMMANDS = (
    *(training.train, training.sweep),
    *(judging.evaluate, judging.compare, judging.plot, judging.explore, judging.score),
    *(using.sample, using.reconstruct, using.encode, using.decode, using.impute),
    *(giving.export, giving.serve, giving.push, giving.pull),
    training.data,
)
for command in COMMANDS:
    app.command()(command)


def _print_version(wanted: bool) -> None:
    if wanted:
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
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    """Options of every command; `main` reads --debug itself, wherever it stands."""
    if context.invoked_subcommand is None:
        print(context.get_help())
