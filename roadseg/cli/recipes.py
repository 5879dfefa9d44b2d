"""`roadseg recipes`: list the recipes of the package, or print one."""

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from roadseg.cli.console import Debug, Json, Reporter


def recipes(
    name: Annotated[str | None, typer.Argument(metavar="[RECIPE]", help="Recipe to print; default: list all.")] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """List the recipes that `roadseg run` and `roadseg adapt --recipe` take by name, or print one.

    [bold]Example:[/bold] roadseg recipes multi_level
    """
    from roadseg.training.recipe_files import RecipeFile, find_recipe, packaged_recipes

    reporter = Reporter(as_json=as_json)
    if name is not None:
        shown = RecipeFile(find_recipe(name))
        reporter.result(escape(shown.text.rstrip()), {"name": shown.name, "path": str(shown.path), "text": shown.text})
        return
    table = Table("recipe", "purpose", box=None)
    listed = packaged_recipes()
    for recipe in listed:
        table.add_row(recipe.name, recipe.purpose)
    reporter.result(table, [{"name": one.name, "purpose": one.purpose, "path": str(one.path)} for one in listed])
