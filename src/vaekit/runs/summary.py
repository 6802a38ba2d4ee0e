"""The schema of summary.json: everything that reads a summary relies on this validation."""

import json
from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from vaekit.arguments import MAX_SEED
from vaekit.errors import ConfigError, RunError
from vaekit.json_types import JsonObject
from vaekit.runs.upgrade import upgrade_summary

MAX_FINDINGS = 20
MAX_KIND_CHARACTERS = 50
MAX_TEXT_CHARACTERS = 500


Count = Annotated[int, Field(ge=0, le=2**53)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Text = Annotated[str, Field(max_length=MAX_TEXT_CHARACTERS)]


class _Record(BaseModel):
    """Values of exactly these types; other keys are allowed, for people to add notes."""

    model_config = ConfigDict(extra="allow", strict=True)


class _Metric(BaseModel):
    """A metric as `Metric.to_dict` writes it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    value: Number | None
    standard_error: Number | None = None
    unavailable: Text | None = None


class _Test(BaseModel):
    """The metrics of the test split, and no others."""

    model_config = ConfigDict(extra="forbid", strict=True)

    loss: _Metric
    reconstruction: _Metric
    divergence: _Metric


class _Data(_Record):
    name: Text = ""
    fingerprint: Text | None = None
    examples: dict[Text, Count] = {}
    validation: Text = ""
    streamed: dict[Text, Count] = {}


class _ParameterCount(_Record):
    trainable: Count = 0
    fixed: Count = 0


class _Finding(_Record):
    kind: str = Field(max_length=MAX_KIND_CHARACTERS)
    text: Text

    @field_validator("kind", "text")
    @classmethod
    def _is_printable(cls, text: str) -> str:
        if not text.isprintable():
            raise ValueError("expected printable text")
        return text


class _Summary(_Record):
    test: _Test
    epochs: Count
    best_epoch: Annotated[int, Field(ge=1)]
    seconds: Number
    format: Count = 0
    run_id: Text | None = None
    recipe: Text = ""
    data: _Data = _Data()
    parameters: dict[Text, _ParameterCount] = {}
    unit: Text = ""
    validation: dict[Text, Number] = {}
    seed: Annotated[int, Field(ge=0, le=MAX_SEED)] = 0
    threads: Count = 0
    versions: dict[Text, Text] = {}
    verdict: list[_Finding] = Field([], max_length=MAX_FINDINGS)

    @model_validator(mode="after")
    def _best_epoch_exists(self) -> Self:
        if self.best_epoch > self.epochs:
            raise ValueError(f"best_epoch is {self.best_epoch}, but epochs is {self.epochs}")
        return self


def parse_summary(text: str, name: str) -> JsonObject:
    """The content of a summary.json, upgraded to the current format and validated.

    `test`, `epochs`, `best_epoch` and `seconds` are always there; every other key may be missing,
    but has the right type if it is there.

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
    key = ".".join(map(str, first["loc"]))[:MAX_KIND_CHARACTERS]
    message = first["msg"].splitlines()[0]
    return f"{key}: {message[0].lower()}{message[1:]}".removeprefix(": ")
