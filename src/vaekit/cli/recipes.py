"""The recipes by name."""

from typing import Annotated

import typer

from vaekit.cli import terminal
from vaekit.cli.options import Json

recipes_app = typer.Typer(
    help="List the recipes; `recipes show NAME` prints one as a file to change."
)


@recipes_app.callback()
def list_recipes(context: typer.Context, json: Json = False) -> None:
    """List the recipes; `recipes show NAME` prints one as a file to change."""
    from vaekit import recipes

    if context.invoked_subcommand is None:
        terminal.table(
            [{"name": name, "description": recipes.describe(name)} for name in recipes.names()],
            json,
        )


@recipes_app.command("show")
def show_recipe(name: Annotated[str, typer.Argument(help="A recipe.")]) -> None:
    """Print a recipe: a file to change and train with `vaekit train FILE`."""
    from vaekit import recipes

    print(recipes.text(name), end="")
