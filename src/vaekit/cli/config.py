"""`vaekit config`."""

from typing import Annotated

import typer

from vaekit.cli import output
from vaekit.cli.command import Command, Group
from vaekit.cli.options import Json

config_app = typer.Typer(cls=Group, invoke_without_command=True)


@config_app.callback()
def show_help(context: typer.Context) -> None:
    """`vaekit config keys` lists the keys of the configuration."""
    if context.invoked_subcommand is None:
        print(context.get_help())


@config_app.command("keys", cls=Command)
def list_keys(
    section: Annotated[
        str | None,
        typer.Argument(
            metavar="SECTION",
            help="general, data, training, prior_stage, or a family of parts, such as encoder. "
            "Default: all sections.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """List every key with its type, default and meaning.

    Set a key with --set KEY=VALUE, in a YAML file, or as an argument of vaekit.train.
    """
    from vaekit.config import config_keys

    keys = config_keys(section)
    if json:
        output.print_json({"keys": [key._asdict() for key in keys]})
        return
    columns = ("key", "part", "type", "default", "meaning")
    rows = [(key.name, key.kind, key.type, key.default, key.meaning) for key in keys]
    output.print_table(columns, rows, unbroken=("key",))
