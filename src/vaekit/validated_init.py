"""Arguments checked where an object is made by hand, as the configuration checks them where it is made from a file."""

import functools
from collections.abc import Callable
from typing import Any

from pydantic import ConfigDict, ValidationError, validate_call

from vaekit.errors import ConfigError


def validated_init(init: Callable[..., None]) -> Any:
    """A constructor that raises ConfigError, in one line, for an argument that is not what its annotation allows.

    >>> class Ball:
    ...     @checked
    ...     def __init__(self, *, radius: float): ...
    >>> Ball(radius="red")
    Traceback (most recent call last):
    vaekit.errors.ConfigError: Ball: radius = 'red': input should be a valid number, unable to parse string as a number
    """
    validated = validate_call(config=ConfigDict(allow_inf_nan=False))(init)

    @functools.wraps(init)
    def make(self: Any, /, *args: Any, **options: Any) -> None:
        try:
            validated(self, *args, **options)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            key, given, said = ".".join(map(str, first["loc"])), repr(first["input"]), first["msg"]
            raise ConfigError(
                f"{type(self).__name__}: {key} = {given[:80]}: {said[0].lower()}{said[1:]}"
            ) from None

    return make
