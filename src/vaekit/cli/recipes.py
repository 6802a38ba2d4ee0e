"""`vaekit recipes`."""

from typing import Annotated

import typer

from vaekit.cli import output
from vaekit.cli.command import Command, Group
from vaekit.cli.options import Json

recipes_app = typer.Typer(cls=Group, invoke_without_command=True)


@recipes_app.callback()
def list_recipes(context: typer.Context, json: Json = False) -> None:
    """List the recipes; `vaekit recipes show NAME` prints one."""
    from vaekit import recipes

    if context.invoked_subcommand is not None:
        return
    descriptions = {name: recipes.describe(name) for name in recipes.names()}
    if json:
        listed = [{"name": name, "description": text} for name, text in descriptions.items()]
        output.print_json({"recipes": listed})
    else:
        output.print_table(("name", "description"), list(descriptions.items()))


@recipes_app.command("show", cls=Command)
def show_recipe(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Recipe.")],
) -> None:
    """Print a recipe, as a file to edit and train with `vaekit train FILE`."""
    from vaekit import recipes

    print(recipes.text(name), end="")
