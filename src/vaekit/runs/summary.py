"""The schema of summary.json: everything that reads a summary relies on this validation."""

import json
from collections.abc import Mapping

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveInt,
    ValidationError,
    field_validator,
)

from vaekit.errors import ConfigError, RunError
from vaekit.json_types import JsonObject
from vaekit.runs.upgrade import upgrade_summary

MAX_FINDINGS = 20
MAX_KIND_CHARACTERS = 50
MAX_TEXT_CHARACTERS = 500


class _Record(BaseModel):
    """Values of exactly these types; other keys are allowed, for people to add notes."""

    model_config = ConfigDict(extra="allow", strict=True)


class _Metric(BaseModel):
    """A metric as `Metric.to_dict` writes it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    value: float | None
    standard_error: float | None = None
    unavailable: str | None = None


class _Data(_Record):
    name: str = ""
    fingerprint: str | None = None
    examples: dict[str, NonNegativeInt] = {}
    validation: str = ""
    streamed: dict[str, NonNegativeInt] = {}


class _ParameterCount(_Record):
    trainable: NonNegativeInt = 0
    fixed: NonNegativeInt = 0


class _Finding(_Record):
    kind: str = Field(max_length=MAX_KIND_CHARACTERS)
    text: str = Field(max_length=MAX_TEXT_CHARACTERS)

    @field_validator("kind", "text")
    @classmethod
    def _is_printable(cls, text: str) -> str:
        if not text.isprintable():
            raise ValueError("expected printable text")
        return text


class _Summary(_Record):
    test: dict[str, _Metric]
    format: int = 0
    recipe: str = ""
    data: _Data = _Data()
    parameters: dict[str, _ParameterCount] = {}
    epochs: NonNegativeInt = 0
    best_epoch: PositiveInt = 1
    unit: str = ""
    validation: dict[str, float] = {}
    seed: NonNegativeInt = 0
    seconds: float = 0.0
    versions: dict[str, str] = {}
    verdict: list[_Finding] = Field([], max_length=MAX_FINDINGS)


def parse_summary(text: str, name: str) -> JsonObject:
    """The content of a summary.json, upgraded to the current format and validated.

    `test` is always there; every other key may be missing, but has the right type if it is there.

    Args:
        text: The text of the file.
        name: Its path, for messages.

    Raises:
        RunError: The text is not JSON, or a key has a wrong type.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise RunError(f"{name} is not JSON. Restore the file, or train again.") from None
    if not isinstance(content, Mapping):
        raise RunError(f"{name} is not a JSON object. Restore the file, or train again.")
    try:
        summary = upgrade_summary(content)
        _Summary.model_validate(summary)
    except ConfigError as error:
        raise RunError(f"{name} is not readable: {error}", parameter=error.parameter) from None
    except ValidationError as error:
        raise RunError(f"{name} is invalid: {_first_problem(error)}. Train again.") from None
    return summary


def _first_problem(error: ValidationError) -> str:
    """The first key that is wrong, and why, in one line."""
    first = error.errors(include_url=False, include_input=False)[0]
    key = ".".join(map(str, first["loc"]))
    message = first["msg"].splitlines()[0]
    return f"{key}: {message[0].lower()}{message[1:]}"
