"""Bodies of requests to checked values, arrays to bodies of answers; JSON and numpy's own formats.

Nothing here trusts a client: what a header declares is compared with the body before anything is allocated, types are looked
at before numpy sees them, and nothing is unpickled.
"""

import io
import json
import math
import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from vaekit.data.file_reading import data_errors
from vaekit.data.readers.npz import read_array
from vaekit.errors import DataError, suggest
from vaekit.server.endpoints import Endpoint, Schema
from vaekit.server.http_errors import HTTPError
from vaekit.server.service import Arrays

JSON, NPY, NPZ = "application/json", "application/x-npy", "application/x-npz"
MOST_NAME = 200  # letters of a class
MOST_DIMENSIONS = 8
LARGE = 2**16
"""Bytes of a body, and values of an answer, from which on others are let go on while it is read or written."""


def read_request(
    endpoint: Endpoint, media: str, body: bytes, query: Iterable[tuple[str, str]]
) -> dict[str, Any]:
    """What a request holds, by name: its array, its labels (None: none), and every option, checked or by default.

    media: of the body. query: the parameters of an array in numpy's format, which has no room for them.
    Raises `Refusal` with 400 for what is damaged, 415 for another media type, 422 for what may not be.
    """
    if media == JSON:
        _check_size(endpoint, body)
        given = _object(body)
        if unread := next((name for name, _ in query), None):
            raise HTTPError(
                422,
                f"{unread[:MOST_NAME]!a} stands in the query: of a JSON request all stands in its body",
            )
    elif media == NPY and endpoint.takes:
        given = {endpoint.takes[0]: _npy(body), **_parameters(endpoint, query)}
    else:
        allowed = f"{JSON} or {NPY}" if endpoint.takes else JSON
        raise HTTPError(
            415, f"a body of type {media[:100]!a} was given: the Content-Type must be {allowed}"
        )
    if unknown := next((name for name in given if name not in endpoint.allowed), None):
        raise HTTPError(
            422,
            f"{unknown[:MOST_NAME]!a} is unknown: {suggest(unknown[:MOST_NAME], endpoint.allowed)}",
        )
    return {
        **({} if endpoint.takes is None else {endpoint.takes[0]: _array(endpoint, given)}),
        endpoint.labels: _labels(endpoint, given.get(endpoint.labels)),
        **{
            name: _option(name, given.get(name, schema["default"]), schema)
            for name, schema in endpoint.options.items()
        },
    }


def response_media(endpoint: Endpoint, media: str, accept: str) -> str:
    """The media type of the answer: the first of ours that is accepted, else JSON for JSON and numpy's format for its own."""
    for one in accept.split(","):
        if (name := one.partition(";")[0].strip().lower()) in (JSON, NPY, NPZ):
            return name
    return JSON if media == JSON else NPY if len(endpoint.gives) == 1 else NPZ


def write_response(arrays: Arrays, media: str) -> bytes:
    """Arrays of finite numbers as JSON or .npz by name, or the first of them as .npy; Refusal where one is not finite."""
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            row = int(np.argmin(np.isfinite(array).reshape(len(array), -1).all(1)))
            raise HTTPError(
                422,
                f"{name} of row {row} is too large for a number: give rows more like those of training",
            )
    if media == JSON:
        return "{{{}}}".format(
            ",".join(f'"{name}":{_numbers(array)}' for name, array in arrays.items())
        ).encode()
    file = io.BytesIO()
    if media == NPZ:
        np.savez(file, **arrays)  # type: ignore[arg-type] - names of ours
    else:
        np.save(file, next(iter(arrays.values())), allow_pickle=False)
    return file.getvalue()


# --- Reading --------------------------------------------------------------------------------------------------------------


def _check_size(endpoint: Endpoint, body: bytes) -> None:
    """Refuse far more values and lists than any request has before they are made: millions of them take seconds."""
    shape = endpoint.takes[1] if endpoint.takes else ()
    of_a_row = (2 + len(shape)) * math.prod(
        shape
    ) + MOST_NAME  # a class may have commas and brackets in its name
    if sum(map(body.count, (b",", b"[", b"{"))) > (1 + endpoint.most_rows) * of_a_row:
        raise HTTPError(
            422,
            f"the body holds too many values: a request has at most {endpoint.most_rows:,} rows, send several",
        )


def _object(body: bytes) -> dict[str, Any]:
    numbers: dict[str, Any] = (
        {} if len(body) < LARGE else {"parse_int": _whole, "parse_float": _real}
    )
    try:
        given = json.loads(body.decode("utf-8"), parse_constant=_no_number, **numbers)
    except UnicodeDecodeError:
        raise HTTPError(400, "the body is not UTF-8") from None
    except RecursionError:
        raise HTTPError(400, "the body is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise HTTPError(400, f"the body is not JSON: {str(error)[:MOST_NAME]}") from None
    except ValueError:  # of int, which is slow for many digits and so refuses them
        most = sys.get_int_max_str_digits()
        raise HTTPError(
            400,
            f"a whole number of more than {most:,} digits was given: give numbers of at most so many",
        ) from None
    if not isinstance(given, dict):
        raise HTTPError(400, 'the body must be a JSON object, such as {"count": 1}')
    return given


def _whole(text: str) -> int:
    """A function of Python, like the next: where numbers are made by C alone, no other thread has its turn until the end."""
    return int(text)


def _real(text: str) -> float:
    return float(text)


def _no_number(name: str) -> None:
    raise HTTPError(400, f"the body is not JSON: {name} is no number of it")


def _npy(body: bytes) -> np.ndarray:
    try:
        with data_errors("the body"):
            return read_array(io.BytesIO(body), len(body))
    except DataError as error:
        raise HTTPError(
            400, f"{str(error)[: 2 * MOST_NAME]}: give an array as numpy.save writes it"
        ) from None


def _parameters(endpoint: Endpoint, query: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Options in the query: whole numbers as such, labels as a list where there are several."""
    found: dict[str, Any] = {}
    for name, text in query:
        if name == endpoint.labels:
            found.setdefault(name, []).append(text)
        elif name in found:
            raise HTTPError(422, f"{name[:MOST_NAME]!a} was given twice in the query")
        else:
            whole = endpoint.options.get(name, {}).get("type") == "integer" and re.fullmatch(
                "-?[0-9]{1,20}", text
            )
            found[name] = int(text) if whole else text
    if len(labels := found.get(endpoint.labels, ())) == 1:
        found[endpoint.labels] = labels[0]
    return found


def _array(endpoint: Endpoint, given: Mapping[str, Any]) -> np.ndarray:
    """The request's array, of numbers and not too many rows; that it suits the model is for the service to say."""
    assert endpoint.takes is not None
    name, shape = endpoint.takes
    wanted = f"give rows [N, {', '.join(map(str, shape))}]"
    if name not in given:
        raise HTTPError(422, f"{name!r} is missing: {wanted}")
    value = given[name]
    if (isinstance(value, list) or getattr(value, "ndim", 0)) and len(
        value
    ) > endpoint.most_rows:  # before they are looked at
        raise HTTPError(
            422,
            f"{len(value):,} rows were given, at most {endpoint.most_rows:,} in a request: send several",
        )
    array = value if isinstance(value, np.ndarray) else _from_lists(name, value)
    if not array.ndim or not array.size:
        raise HTTPError(
            422, f"{name!r} is {'empty' if array.ndim else 'a single number'}: {wanted}"
        )
    return array


def _from_lists(name: str, value: Any) -> np.ndarray:
    """Nested lists of numbers as float64; types first, as numpy would make strings of all where one is."""
    kinds = _kinds(value, MOST_DIMENSIONS)
    if odd := kinds - {int, float}:
        known = {str: "text", bool: "true or false", type(None): "null", dict: "an object"}
        kind = known.get(odd.pop(), "lists in lists in lists")
        raise HTTPError(422, f"{name!r} holds {kind}: give rows of numbers, lists in a list")
    try:
        return np.asarray(value, np.float64)
    except (ValueError, OverflowError):
        raise HTTPError(
            422, f"{name!r} has rows of different lengths, or numbers beyond all measure"
        ) from None


def _kinds(value: Any, depth: int) -> set[type]:
    """The types of what is in lists, at most so deep."""
    if not isinstance(value, list) or not depth:
        return {type(value)}
    kinds = set(map(type, value))
    if list in kinds:
        kinds.discard(list)
        kinds.update(*(_kinds(inner, depth - 1) for inner in value))
    return kinds


def _labels(endpoint: Endpoint, value: Any) -> Any:
    """Labels as they came, one or, with an array, a list; whether they are classes is for the service to say."""
    several = isinstance(value, list) and endpoint.takes is not None
    labels = value if several else [] if value is None else [value]
    if len(labels) > endpoint.most_rows or (several and not labels):
        raise HTTPError(422, f"{len(labels):,} labels were given: one for each row, or one for all")
    for label in labels:
        if (
            not isinstance(label, str | int)
            or isinstance(label, bool)
            or len(str(label)) > MOST_NAME
        ):
            raise HTTPError(
                422,
                f"{endpoint.labels!r} must hold {'names of classes' if endpoint.takes else 'the name of a class'}",
            )
    return value


def _option(name: str, value: Any, schema: Schema) -> Any:
    """An option that its schema allows."""
    shown = ascii(value)[:MOST_NAME]
    if "enum" in schema:
        if value not in schema["enum"]:
            raise HTTPError(
                422, f"{name} = {shown}: {suggest(str(value)[:MOST_NAME], schema['enum'])}"
            )
    elif type(value) is not int or not schema["minimum"] <= value <= schema["maximum"]:
        raise HTTPError(
            422, f"{name} = {shown}: a whole number from {schema['minimum']} to {schema['maximum']}"
        )
    return value


# --- Writing --------------------------------------------------------------------------------------------------------------


def _numbers(array: np.ndarray) -> str:
    """Nested lists, each number in as many digits as its precision has; a third of the time that json takes."""
    text = "%d" if array.dtype.kind in "iu" else "%.9g" if array.dtype == np.float32 else "%.17g"
    for size in reversed(array.shape[1:]):
        text = f"[{','.join([text] * size)}]"
    return f"[{','.join(text % tuple(row.ravel().tolist()) for row in array)}]"  # row by row: others have their turn between
