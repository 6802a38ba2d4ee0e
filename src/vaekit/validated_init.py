"""Constructor arguments checked against their annotations, and the words for what is expected."""

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from pydantic import ConfigDict, ValidationError, validate_call

from vaekit.errors import ConfigError

EXPECTED = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "dict_type": "a mapping of keys to values",
    "finite_number": "a finite number",
    "float_parsing": "a number",
    "float_type": "a number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number with fewer digits",
    "int_type": "a whole number",
    "literal_error": "{expected}",
    "greater_than": "a number greater than {gt}",
    "greater_than_equal": "a number of at least {ge}",
    "less_than": "a number less than {lt}",
    "less_than_equal": "a number of at most {le}",
    "mapping_type": "a mapping of keys to values",
    "missing": "a value",
    "model_attributes_type": "a mapping of keys to values",
    "model_type": "a mapping of keys to values",
    "string_pattern_mismatch": "letters, digits, '_', '.' and '-' only",
    "string_too_long": "at most {max_length} characters",
    "string_type": "text",
    "string_unicode": "text",
    "too_long": "at most {max_length} items",
    "too_short": "at least {min_length} items",
    "tuple_type": "a list, such as [32, 64]",
    "value_error": "{error}",
}
"""What is expected instead, by the type of a pydantic error."""

CLASSES = {
    "Mapping": "a mapping of keys to values",
    "PathLike": "a path",
    "Run": "a run",
    "Sequence": "a list",
}
"""What is expected instead of an object of a class, if the name of the class does not say it."""


def expected_value(error: Mapping[str, Any]) -> str:
    """The allowed values, in words, of one of a ValidationError's `errors()`."""
    if error["type"] == "is_instance_of":
        name = error["ctx"]["class"]
        return CLASSES.get(name, f"an object of the class {name}")
    words = EXPECTED.get(error["type"])
    if words is None:
        message = error["msg"].splitlines()[0].removeprefix("Input should be ")
        return message[0].lower() + message[1:]
    return words.format_map(error.get("ctx", {}))


def expected_values(errors: Iterable[Mapping[str, Any]]) -> str:
    """The allowed values of one value that failed the checks of several types."""
    return " or ".join(dict.fromkeys(map(expected_value, errors)))


def python_values(value: Any) -> Any:
    """NumPy numbers as Python's and lists as tuples, at any depth: what strict checks expect.

    >>> python_values({"hidden": [np.int64(8)], "epochs": "1"})
    {'hidden': (8,), 'epochs': '1'}
    """
    try:
        return _python_values(value)
    except RecursionError:
        raise ConfigError(
            "a value is nested too deeply: expected lists and mappings of plain values. Unnest it."
        ) from None


def _python_values(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return {key: _python_values(each) for key, each in value.items()}
    if type(value) in (list, tuple):
        return tuple(map(_python_values, value))
    return value


def validated_init(init: Callable[..., None]) -> Any:
    """A constructor that raises ConfigError if its annotations do not allow an argument.

    Nothing is converted: True is no number, and "1" neither.

    The configuration checks the same annotations when an object is made from a file.

    >>> class Ball:
    ...     @validated_init
    ...     def __init__(self, *, radius: float): ...
    >>> Ball(radius="red")
    Traceback (most recent call last):
    vaekit.errors.ConfigError: radius is invalid: got 'red', expected a number.
    """
    validated = validate_call(config=ConfigDict(strict=True, allow_inf_nan=False))(init)

    @functools.wraps(init)
    def make(self: Any, /, *args: Any, **options: Any) -> None:
        try:
            validated(self, *map(python_values, args), **python_values(options))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            parameter = ".".join(map(str, first["loc"]))
            raise ConfigError.for_value(parameter, first["input"], expected_value(first)) from None

    return make
