"""The JSON of the server as pydantic models, which validate requests and describe themselves.

Shapes, classes and limits depend on the run: `endpoints` narrows the fields of these classes.
"""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema
from pydantic.json_schema import JsonSchemaValue, SkipJsonSchema

from vaekit.server.arrays import check_array
from vaekit.server.limits import Limits
from vaekit.server.service import Facts

MAX_LABEL_LENGTH = 200
MAX_SEED = 2**63 - 1

Label = Annotated[
    Annotated[str, Field(max_length=MAX_LABEL_LENGTH)]
    | Annotated[int, Field(gt=-(10**MAX_LABEL_LENGTH), lt=10**MAX_LABEL_LENGTH)],
    Field(description="Name of a class; a whole number stands for its digits."),
]
Seed = Annotated[int, Field(ge=0, le=MAX_SEED, description="Seed of the noise.")]

NUMBER: JsonSchemaValue = {"type": "number"}


# --- Requests ------------------------------------------------------------------------------------


class Request(BaseModel):
    """A request: no unknown fields, no conversion of types."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, arbitrary_types_allowed=True
    )


class EncodeRequest(Request):
    """Examples and their classes."""

    x: np.ndarray
    y: SkipJsonSchema[Label | list[Label] | None] = None


class DecodeRequest(Request):
    """Latent codes and their classes."""

    z: np.ndarray
    y: SkipJsonSchema[Label | list[Label] | None] = None


class SampleRequest(Request):
    """Number, class and seed of samples."""

    count: int = 1
    label: SkipJsonSchema[Label | None] = None
    seed: Seed = 0


class ScoreRequest(EncodeRequest):
    """Examples, their classes, and the options of their scores."""

    metric: str
    samples: int
    seed: Seed = 0


def array_type(name: str, shape: tuple[int, ...], max_examples: int, value: JsonSchemaValue) -> Any:
    """The type of an array [N, *shape], validated by `check_array`; pydantic reads no value."""
    validate = partial(check_array, name=name, shape=shape, max_examples=max_examples)
    schema = array_schema(shape, value) | {"maxItems": max_examples}
    return Annotated[np.ndarray, PlainValidator(validate), WithJsonSchema(schema)]


def label_type(classes: Sequence[str]) -> Any:
    """The type of a class name: one of these, and decimal names also as numbers.

    Only the schema knows the classes: the service refuses others, with a suggestion.
    """
    decimal = [name for name in classes if name.isascii() and name.isdecimal()]
    numbers = [int(name) for name in decimal if str(int(name)) == name]
    return Annotated[Label, WithJsonSchema({"enum": [*classes, *numbers]})]


def labels_type(classes: Sequence[str], max_examples: int) -> Any:
    """The type of one class for all examples, or one per example."""
    label = label_type(classes)
    return label | Annotated[list[label], Field(min_length=1, max_length=max_examples)]


def value_schema(support: str) -> JsonSchemaValue:
    """The schema of one value of this support."""
    kind, _, levels = support.partition(":")
    known: dict[str, JsonSchemaValue] = {
        "binary": {"enum": [0, 1]},
        "unit": {"type": "number", "minimum": 0, "maximum": 1},
        "integers": {"type": "integer", "minimum": 0, "maximum": int(levels or 1) - 1},
    }
    return known.get(kind, NUMBER)


def array_schema(shape: tuple[int, ...], value: JsonSchemaValue) -> JsonSchemaValue:
    """The schema of an array [N, *shape] as nested lists."""
    for size in reversed(shape):
        value = {"type": "array", "items": value, "minItems": size, "maxItems": size}
    return {"type": "array", "items": value, "minItems": 1}


# --- Answers -------------------------------------------------------------------------------------


class Answer(BaseModel):
    """Arrays, one entry per example; `codec` writes them."""

    model_config = ConfigDict(extra="forbid")


class ModelInfo(Facts):
    """Facts about the model, and the limits of the server."""

    limits: Limits


class Health(Answer):
    """The server answers."""

    status: Literal["ok"] = "ok"


class Error(Answer):
    """An error in one line."""

    error: str
