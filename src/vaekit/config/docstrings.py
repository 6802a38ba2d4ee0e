"""The meanings of arguments, read from the Args section of Google-style docstrings."""

import inspect
import re

SECTION = re.compile(r"^[A-Z]\w+:$")
ARGUMENT = re.compile(r"^    (\w+): (\S.*)$")
CONTINUATION = re.compile(r"^     +(\S.*)$")


def argument_meanings(owner: object) -> dict[str, str]:
    """The meaning of each argument, by name, without its full stop.

    >>> def bake(*, minutes: int):
    ...     '''Bake a cake.
    ...
    ...     Args:
    ...         minutes: Time in the oven;
    ...             more is darker.
    ...     '''
    >>> argument_meanings(bake)
    {'minutes': 'Time in the oven; more is darker'}
    """
    meanings: dict[str, str] = {}
    name = None
    for line in _args_section(inspect.getdoc(owner) or ""):
        if argument := ARGUMENT.match(line):
            name, meaning = argument.groups()
            meanings[name] = meaning
        elif name and (continuation := CONTINUATION.match(line)):
            meanings[name] += f" {continuation[1]}"
    return {name: meaning.rstrip(".") for name, meaning in meanings.items()}


def _args_section(docstring: str) -> list[str]:
    """The lines after `Args:` up to the next section."""
    lines: list[str] = []
    inside = False
    for line in docstring.splitlines():
        if SECTION.match(line):
            inside = line == "Args:"
        elif inside and line and not line.startswith(" "):
            inside = False
        elif inside:
            lines.append(line)
    return lines
