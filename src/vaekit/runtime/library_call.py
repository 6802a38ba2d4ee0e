"""What holds within every public function that computes."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from vaekit.runtime.argument_types import check_types
from vaekit.runtime.memory_errors import memory_errors
from vaekit.runtime.torch_state import default_torch_state

P = ParamSpec("P")
R = TypeVar("R")


def library_call(function: Callable[P, R]) -> Callable[P, R]:
    """A function that checks the types of its arguments, and computes in the default torch state.

    Raises:
        ConfigError: An argument has a type that the annotation of its parameter does not allow.
        MemoryShortage: The memory of the machine or of the device is too small.

    >>> @library_call
    ... def double(count: int) -> int:
    ...     return 2 * count
    >>> double(count="3")
    Traceback (most recent call last):
    vaekit.errors.ConfigError: count is invalid: got '3', expected a whole number.
    """

    @functools.wraps(function)
    def call(*args: P.args, **options: P.kwargs) -> R:
        with memory_errors(), default_torch_state():
            check_types(function, args, options)
            return function(*args, **options)

    return call
