"""From bodies of requests to validated models, and from arrays to bodies of answers.

Nothing here trusts a client: a declared size is compared with the body before anything is
allocated, types are checked before NumPy converts them, and nothing is unpickled.
"""

import io
import json
import math
import re
import sys
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

import numpy as np
from pydantic import ValidationError
from pydantic.json_schema import JsonSchemaValue

from vaekit.data.file_reading import data_errors
from vaekit.data.readers.npz import read_array
from vaekit.errors import DataError, suggest
from vaekit.server.endpoints import Endpoint
from vaekit.server.http_errors import HTTPError, invalid
from vaekit.server.images import IMAGES
from vaekit.server.schemas import MAX_LABEL_LENGTH, Request
from vaekit.server.service import Arrays

JSON = "application/json"
NPY = "application/x-npy"
NPZ = "application/x-npz"

LARGE = 2**16
"""Bytes of a body, or values of an answer, from which a thread reads or writes it."""
MAX_SHOWN = 200
INTEGER = re.compile("-?[0-9]{1,20}")

Query = Iterable[tuple[str, str]]


def read_request(
    endpoint: Endpoint,
    media: str,
    body: bytes,
    query: Query,
    read_image: Callable[[str, bytes], np.ndarray],
) -> Any:
    """The validated request, an instance of `endpoint.request`.

    Args:
        endpoint: The endpoint.
        media: Media type of the body.
        body: JSON, an array in NumPy's format, or an image.
        query: The options of a request whose body is not JSON.
        read_image: The array of an image, by its media type and content.

    Raises:
        HTTPError: 400 for a damaged body, 415 for another media type, 422 for invalid values.
    """
    if media == JSON:
        _check_value_count(endpoint, body)
        values = _read_json(body)
        _check_no_query(query)
    elif endpoint.array and media in array_media(endpoint):
        array = _read_npy(body) if media == NPY else read_image(media, body)
        values = {endpoint.array: array, **_options(endpoint, query)}
    else:
        expected = " or ".join((JSON, *array_media(endpoint)))
        raise HTTPError(
            415, f"unsupported Content-Type: got {ascii(media)[:MAX_SHOWN]}, expected {expected}."
        )
    return _validate(endpoint, values)


def array_media(endpoint: Endpoint) -> tuple[str, ...]:
    """The media types of bodies of an endpoint that are an array."""
    images = IMAGES if endpoint.takes_images else ()
    return (NPY, *images) if endpoint.array else ()


def response_media(endpoint: Endpoint, media: str, accept: str) -> str:
    """The media type of the answer: the first known one in `accept`, by default like the body.

    The answer to an image is JSON.
    """
    for item in accept.split(","):
        name = item.partition(";")[0].strip().lower()
        if name in (JSON, NPY, NPZ):
            return name
    if media == JSON or media in IMAGES:
        return JSON
    return NPY if len(endpoint.answer.model_fields) == 1 else NPZ


def write_response(arrays: Arrays, media: str) -> bytes:
    """Arrays by name as JSON or .npz, or the first as .npy; HTTPError unless they are finite."""
    for name, array in arrays.items():
        _check_finite(name, array)
    if media == JSON:
        fields = (f'"{name}":{_json_numbers(array)}' for name, array in arrays.items())
        return f"{{{','.join(fields)}}}".encode()
    file = io.BytesIO()
    if media == NPZ:
        np.savez(file, **arrays)  # type: ignore[arg-type] - names of our own
    else:
        np.save(file, next(iter(arrays.values())), allow_pickle=False)
    return file.getvalue()


# --- Reading -------------------------------------------------------------------------------------


def _check_value_count(endpoint: Endpoint, body: bytes) -> None:
    """Refuse far more values and lists than a request can have, before they are parsed.

    Parsing millions of them takes seconds. Names of classes may contain commas and brackets.
    """
    per_example = (2 + len(endpoint.shape)) * math.prod(endpoint.shape) + MAX_LABEL_LENGTH
    max_count = (1 + endpoint.max_examples) * per_example
    if sum(map(body.count, (b",", b"[", b"{"))) > max_count:
        raise HTTPError(
            422,
            f"the body has too many values: expected at most {endpoint.max_examples:,} examples. "
            "Send several requests.",
        )


def _read_json(body: bytes) -> dict[str, Any]:
    numbers: dict[str, Any] = {}
    if len(body) >= LARGE:
        numbers = {"parse_int": _parse_int, "parse_float": _parse_float}
    try:
        values = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant, **numbers)
    except UnicodeDecodeError:
        raise HTTPError(400, "the body is not UTF-8. Send JSON in UTF-8.") from None
    except RecursionError:
        raise HTTPError(400, "the body is nested too deeply. Send lists of numbers.") from None
    except json.JSONDecodeError as error:
        raise HTTPError(400, f"the body is not JSON: {str(error)[:MAX_SHOWN]}.") from None
    except ValueError:  # int() refuses text of many digits, whose conversion is slow
        max_digits = sys.get_int_max_str_digits()
        raise HTTPError(
            400, f"a number has too many digits: expected at most {max_digits:,}."
        ) from None
    if not isinstance(values, dict):
        raise HTTPError(400, 'the body is not a JSON object, such as {"count": 1}.')
    return values


def _parse_int(text: str) -> int:
    """A function in Python: while C code parses numbers, no other thread can run."""
    return int(text)


def _parse_float(text: str) -> float:
    """A function in Python, likewise."""
    return float(text)


def _refuse_constant(name: str) -> NoReturn:
    raise HTTPError(400, f"the body is not JSON: got {name}, expected a finite number.")


def _read_npy(body: bytes) -> np.ndarray:
    try:
        with data_errors("the body"):
            return read_array(io.BytesIO(body), len(body))
    except DataError as error:
        reason = str(error)[: 2 * MAX_SHOWN].rstrip(".")
        raise HTTPError(400, f"{reason}. Send an array as numpy.save writes it.") from None


def _check_no_query(query: Query) -> None:
    for name, _ in query:
        raise HTTPError(
            422,
            f"unexpected query parameter: got {_shown(name)}, expected all fields of a JSON "
            "request in its body.",
        )


def _options(endpoint: Endpoint, query: Query) -> dict[str, Any]:
    """Options in the query: whole numbers as int, labels as a list if there are several."""
    options: dict[str, Any] = {}
    labels: list[str] = []
    for name, text in query:
        if name == endpoint.labels:
            labels.append(text)
        elif name in options:
            raise HTTPError(422, f"{_shown(name)} is repeated in the query. Send it once.")
        else:
            options[name] = int(text) if INTEGER.fullmatch(text) else text
    if labels:
        options[endpoint.labels] = labels if len(labels) > 1 else labels[0]
    return options


def _validate(endpoint: Endpoint, values: dict[str, Any]) -> Request:
    try:
        return endpoint.request.model_validate(values)
    except ValidationError as error:
        raise _invalid_field(endpoint, error) from None


def _invalid_field(endpoint: Endpoint, error: ValidationError) -> HTTPError:
    """422 for the first invalid field."""
    first = error.errors(include_url=False, include_context=False)[0]
    if not first["loc"]:
        return HTTPError(422, "the name of a field is not text. Send names in UTF-8.")
    name = str(first["loc"][0])
    if name not in endpoint.fields:
        fix = suggest(name[:MAX_SHOWN], endpoint.fields)
        return HTTPError(422, f"unknown field: got {_shown(name)}. {fix}.")
    allowed = _allowed(endpoint.fields[name])
    if first["type"] == "missing":
        return HTTPError(422, f"{name} is missing: expected {allowed}.")
    return invalid(name, _shown(first["input"]), allowed)


def _allowed(schema: JsonSchemaValue) -> str:
    """The values that a schema allows, in words."""
    if "enum" in schema:
        return f"one of {', '.join(schema['enum'])}"
    if schema.get("type") == "integer":
        return f"a whole number from {schema['minimum']} to {schema['maximum']}"
    description = schema["description"].rstrip(".")
    return description[0].lower() + description[1:]


def _shown(value: Any) -> str:
    return ascii(value)[:MAX_SHOWN]


# --- Writing -------------------------------------------------------------------------------------


def _check_finite(name: str, array: np.ndarray) -> None:
    finite = np.isfinite(array)
    if not finite.all():
        example = int(np.argmin(finite.reshape(len(array), -1).all(1)))
        raise HTTPError(
            422,
            f"{name} of example {example} is not finite. "
            "Send examples that resemble the training data.",
        )


def _json_numbers(array: np.ndarray) -> str:
    """Nested lists in a third of the time of `json`; every digit of the precision."""
    if array.dtype.kind in "iu":
        template = "%d"
    else:
        template = "%.9g" if array.dtype == np.float32 else "%.17g"
    for size in reversed(array.shape[1:]):
        template = f"[{','.join([template] * size)}]"
    # Example by example, so that other threads can run in between.
    return f"[{','.join(template % tuple(example.ravel().tolist()) for example in array)}]"
