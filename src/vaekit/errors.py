"""What can go wrong, as types: catch `VaekitError` and nothing of ours escapes.

    VaekitError
    ├── RequestError            the request was wrong; the command line ends with status 2
    │   ├── ConfigError         a recipe, key, value or part that does not exist or does not fit
    │   ├── DataError           data that cannot be read, or does not suit the model
    │   ├── RunError            a run folder that is incomplete, from a newer format, or hostile
    │   ├── OutputError         a place that exists, cannot be written, or is full
    │   └── DeviceError         a device that is not there
    └── WorkError               the request was right, the work failed; status 1
        ├── NonFiniteError      NaN or infinity in a term of the loss or in its gradient
        └── Interrupted         stopped by a signal, after a checkpoint

Every message is one line: what was given, what is allowed, the remedy.
"""

import difflib
from collections.abc import Iterable
from typing import Self

MAX_SHOWN = 80


class VaekitError(Exception):
    """The root of the tree.

    Args:
        message: One line: `<what is wrong>: got <value>, expected <allowed>. <fix>.`
        parameter: The name of the parameter at fault, such as `latent_dim` or `data.train_size`;
            the command line adds the option that sets it.
    """

    def __init__(self, message: str, *, parameter: str | None = None):
        super().__init__(message)
        self.parameter = parameter

    @classmethod
    def for_value(
        cls, parameter: str, got: object, expected: str, *, problem: str = "", fix: str = ""
    ) -> Self:
        """An error about the value of a parameter, in the form that all errors have.

        Args:
            parameter: Its name.
            got: The value; long ones are shortened.
            expected: The allowed values, in words.
            problem: What is wrong; default `<parameter> is invalid`.
            fix: What to do, as a sentence without its full stop.

        >>> print(ConfigError.for_value("samples", 0, "a whole number of at least 1"))
        samples is invalid: got 0, expected a whole number of at least 1.
        """
        message = f"{problem or f'{parameter} is invalid'}: got {shown(got)}, expected {expected}."
        return cls(f"{message} {fix}." if fix else message, parameter=parameter)


class RequestError(VaekitError, ValueError):
    """The request was wrong."""


class ConfigError(RequestError):
    """A recipe, key, value or part that does not exist or does not fit."""


class DataError(RequestError):
    """Data that cannot be read, or does not suit the model."""


class RunError(RequestError):
    """A run folder that is incomplete, from a newer format, or hostile."""


class OutputError(RequestError):
    """A place that exists, cannot be written, or is full."""


class DeviceError(RequestError):
    """A device that is not there."""


class WorkError(VaekitError, RuntimeError):
    """The request was right, the work failed."""


class NonFiniteError(WorkError):
    """NaN or infinity in a term of the loss or in its gradient."""


class Interrupted(WorkError):  # noqa: N818 - not an error of anybody
    """Stopped by a signal, after a checkpoint."""


def suggest(given: str, allowed: Iterable[str]) -> str:
    """The end of a message about an unknown name: the nearest allowed one, and all of them.

    >>> suggest("cnv", ["conv", "mlp"])
    "did you mean 'conv'? Allowed: conv, mlp"
    """
    allowed = sorted(allowed)
    near = difflib.get_close_matches(given, allowed, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{hint}Allowed: {', '.join(allowed)}"


def shown(value: object) -> str:
    """A value as messages show it: its repr, shortened.

    >>> shown("x" * 100)[-4:]
    'xxx…'
    """
    text = "a number of thousands of digits" if _is_endless(value) else repr(value)
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"


def _is_endless(value: object) -> bool:
    return isinstance(value, int) and value.bit_length() > 1000  # Python refuses to print it
