"""Types of arguments, checked by the annotations of their parameters."""

import dataclasses
import functools
import inspect
import operator
from collections.abc import Callable, Mapping, Sequence
from types import UnionType
from typing import Any

from pydantic import ConfigDict, InstanceOf, TypeAdapter, ValidationError

from vaekit.errors import ConfigError
from vaekit.validated_init import expected_values, python_values

CONFIG = ConfigDict(strict=True, arbitrary_types_allowed=True)
CHECKED_BY_VALUE = ("Any", "object", "ndarray", "Tensor", "TextIO")
"""Annotations with these words stand for data, which are checked where they are read."""


def check_types(
    function: Callable[..., Any], args: Sequence[Any], options: Mapping[str, Any]
) -> None:
    """Check the arguments of a function by the annotations of its parameters.

    Args:
        function: A function or a class.
        args: Arguments by position.
        options: Arguments by name.

    Raises:
        ConfigError: An argument has another type.

    >>> def double(count: int) -> int:
    ...     return 2 * count
    >>> check_types(double, (), {"count": "3"})
    Traceback (most recent call last):
    vaekit.errors.ConfigError: count is invalid: got '3', expected a whole number.
    """
    types = _types(function)
    for name, value in (dict(zip(types, args, strict=False)) | dict(options)).items():
        adapter = types.get(name)
        if adapter is not None:
            _check_type(name, value, adapter)


def _check_type(name: str, value: Any, adapter: TypeAdapter) -> None:
    try:
        adapter.validate_python(python_values(value))
    except ValidationError as error:
        errors = error.errors(include_url=False)
        is_unknown_word = isinstance(value, str) and any(
            each["type"] == "literal_error" for each in errors
        )
        if not is_unknown_word:  # the function itself says which words there are
            raise ConfigError.for_value(name, value, expected_values(errors)) from None


@functools.cache
def _types(function: Callable[..., Any]) -> dict[str, TypeAdapter | None]:
    """By name of each parameter what checks its type; None for what is checked by its value."""
    parameters = inspect.signature(function).parameters.values()
    return {each.name: _adapter(each) for each in parameters if each.kind != each.VAR_KEYWORD}


def _adapter(parameter: inspect.Parameter) -> TypeAdapter | None:
    annotation: Any = parameter.annotation
    words = str(annotation)
    if annotation is parameter.empty or any(word in words for word in CHECKED_BY_VALUE):
        return None
    if dataclasses.is_dataclass(annotation):
        return TypeAdapter(_member(annotation))
    if isinstance(annotation, UnionType):
        annotation = functools.reduce(operator.or_, map(_member, annotation.__args__))
    return TypeAdapter(annotation, config=CONFIG)


def _member(annotation: Any) -> Any:
    """A member of a union; of a dataclass only its objects, not mappings of its fields."""
    return InstanceOf[annotation] if dataclasses.is_dataclass(annotation) else annotation
