"""One random number in every file of a run, by which files of two runs are told apart."""

import re
import secrets
from pathlib import Path

from vaekit.errors import RunError

RUN_ID = "run_id"
"""The key, column, array or metadata that has it."""

RunId = str | None
"""32 hexadecimal digits; None for folders that were written before there were any."""


def new_run_id() -> str:
    """A new one."""
    return secrets.token_hex(16)


def as_run_id(value: object, path: Path) -> RunId:
    """What a file has for it; RunError unless that is a run id, or missing."""
    if value is None or (isinstance(value, str) and re.fullmatch("[0-9a-f]{32}", value)):
        return value
    raise RunError.for_value(
        RUN_ID, value, "32 hexadecimal digits", problem=f"{path} has no valid {RUN_ID}"
    )


def check_run_id(found: object, expected: RunId, path: Path) -> None:
    """RunError if a file belongs to another run than the configuration of its folder."""
    if as_run_id(found, path) != expected:
        raise RunError(
            f"{path} belongs to another run: got the {RUN_ID} {found or 'of an older version'}, "
            f"expected {expected or 'none'} as in config.yaml. "
            "If the run was overwritten meanwhile, try again; else restore its files.",
            parameter="run",
        )
