"""Behavior of commands: panels of the help, and the option that sets the parameter at fault."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from typer import TyperException
from typer.core import TyperCommand, TyperGroup

from vaekit.cli.options import CONFIG_OPTIONS
from vaekit.errors import ConfigError, VaekitError

OPTION_NAMES = {
    "labels": "label",
    "path": "out",
    **{each.key: name for name, each in CONFIG_OPTIONS.items()},
}
"""Names of options whose parameter has another name in the library."""

BRACES = str.maketrans("", "", "{}")
BRACKETS = str.maketrans("", "", "[]{}")
"""Marks of typer around the metavar of an argument, for `str.translate`."""


class Command(TyperCommand):
    """A command that adds its option to an error about a parameter."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments; every error knows its command, whose help it points to."""
        for each in args:
            if "\0" in each:  # which only a caller within Python can pass
                raise ConfigError.for_value("arguments", each, "text without NUL")
        try:
            return super().parse_args(ctx, args)
        except TyperException as error:
            if getattr(error, "ctx", None) is None:
                error.ctx = ctx  # pyright: ignore[reportAttributeAccessIssue]
            raise

    def invoke(self, ctx: Any) -> Any:
        """Run the command; an error gets the option as a note."""
        try:
            _check_paths(ctx.params)
            return super().invoke(ctx)
        except VaekitError as error:
            if error.parameter and (hint := self.option_hint(error.parameter)):
                error.add_note(hint)
            raise

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """The parts of the usage line: arguments by their metavars, optional ones in brackets."""
        return [piece.translate(BRACES) for piece in super().collect_usage_pieces(ctx)]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments by their metavars, then the options."""
        parameters: list[Any] = self.get_params(ctx)
        arguments = [
            (each.metavar, each.get_help_record(ctx)[1])
            for each in parameters
            if not _is_option(each)
        ]
        options = [each.get_help_record(ctx) for each in parameters if _is_option(each)]
        for title, lines in {"Arguments": arguments, "Options": options}.items():
            if lines:
                with formatter.section(title):
                    formatter.write_dl(lines)

    def option_hint(self, parameter: str) -> str | None:
        """The option or argument that sets a parameter of the library; None if there is none."""
        flags = {each.name: each.opts[0] for each in self.params if _is_option(each)}
        arguments = {each.name: each.metavar for each in self.params if not _is_option(each)}
        name = parameter if parameter in flags else OPTION_NAMES.get(parameter)
        if name in flags:
            return f"option {flags[name]}"
        if parameter in arguments:
            return f"argument {arguments[parameter]}".translate(BRACKETS)
        if "settings" in flags and _is_config_key(parameter):
            return f"--set {parameter}=..."
        return None


class Group(TyperGroup):
    """A group whose help lists commands in panels, with complete summaries."""

    panels: Mapping[str, Sequence[str]] = {}
    """Names of commands by panel."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the panels."""
        width = max(map(len, self.commands))
        for panel, names in (self.panels or {"Commands": tuple(self.commands)}).items():
            with formatter.section(panel):
                summaries = [(f"{name:<{width}}", _summary(self.commands[name])) for name in names]
                formatter.write_dl(summaries)


def _check_paths(values: Mapping[str, Any]) -> None:
    """ConfigError for a path that no system can open, before the command does anything."""
    from vaekit.arguments import as_path

    for name, value in values.items():
        for each in value if isinstance(value, (list, tuple)) else (value,):
            if isinstance(each, Path):
                as_path(name, each)


def _is_option(parameter: Any) -> bool:
    return parameter.param_type_name == "option"


def _is_config_key(name: str) -> bool:
    from vaekit.config import config_keys

    return any(key.name in (name, f"{name}.kind") for key in config_keys())


def _summary(command: Any) -> str:
    """The first line of the help."""
    return (command.help or "").partition("\n")[0]
