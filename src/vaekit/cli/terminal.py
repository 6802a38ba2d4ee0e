"""How commands print: tables and lines for people, one JSON object for programs."""

import json
import sys
from typing import Any

from rich.console import Console
from rich.table import Table


def table(rows: list[dict[str, Any]], as_json: bool) -> None:
    """Rows with the same keys."""
    if as_json:
        return as_object({"rows": rows})
    shown = Table(box=None, pad_edge=False)
    for column in rows[0]:
        shown.add_column(column, overflow="fold")
    for row in rows:
        shown.add_row(*("" if value is None else str(value) for value in row.values()))
    return console().print(shown)


def written(facts: dict[str, Any], as_json: bool) -> None:
    """Facts by name, one a line."""
    if as_json:
        return as_object(facts)
    for name, value in facts.items():
        for line in value if name == "files" else [value]:
            say(
                f"{name.removesuffix('s') if name == 'files' else name:<11}{'none' if line is None or line == [] else line}"
            )
    return None


def console() -> Console:
    """The terminal in its own width; a file or a pipe has none, and gets lines as long as they need."""
    return Console() if sys.stdout.isatty() else Console(width=200)


def say(text: str) -> None:
    """One line, as it is."""
    console().print(text, markup=False, highlight=False, soft_wrap=True)


def as_object(facts: dict[str, Any]) -> None:
    print(json.dumps(facts, indent=2))


def with_error(figure: dict[str, Any], digits: int = 2) -> str:
    value, error = f"{figure['value']:.{digits}f}", figure["standard_error"]
    return value if error is None else f"{value} +- {error:.{digits}f}"
