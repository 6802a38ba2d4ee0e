"""The errors of the package as types: `except VaekitError` catches all of them.

    VaekitError
    ├── RequestError            the request was wrong; the command line ends with status 2
    │   ├── ConfigError         a recipe, key, value or part is unknown, invalid or incompatible
    │   ├── DataError           data are unreadable, or incompatible with the model
    │   ├── RunError            a run folder is incomplete, too new, or hostile
    │   ├── OutputError         an output path exists, or is not writable
    │   └── DeviceError         a device is missing
    └── WorkError               the request was right, the work failed; status 1
        ├── DiskError           a disk is full or fails, or the system has no more files to open
        ├── MemoryShortage      the memory of the machine or of the device is too small
        ├── NetworkError        a server cannot be reached, or does not do its part
        ├── NonFiniteError      NaN or infinity in a term of the loss or in its gradient
        └── Interrupted         stopped by a signal, after a checkpoint; status 130

Every message is one line, `<what is wrong>: got <value>, expected <allowed>. <fix>.` for a wrong
value and `<what failed>. <fix>.` otherwise. Names and values in it may be of others, such as keys
of a file: characters that a terminal obeys are escaped, and a long line is shortened.
"""

import difflib
import errno
from collections.abc import Iterable
from typing import Self

from vaekit.printable import printable

MAX_SHOWN_CHARACTERS = 80
MAX_REASON_CHARACTERS = 500
MAX_LISTED_NAMES = 50
MAX_COMPARED_NAMES = 1000
MAX_COMPARED_CHARACTERS = 100

MACHINE_ERRORS = frozenset(
    getattr(errno, name)
    for name in ("ENOSPC", "EDQUOT", "EIO", "EMFILE", "ENFILE", "EFBIG", "ENOMEM")
    if hasattr(errno, name)
)
"""Numbers of system errors that are the machine's fault, and no fault of a path."""


class VaekitError(Exception):
    """The root of all errors.

    Args:
        message: One line: `<what is wrong>: got <value>, expected <allowed>. <fix>.`
        parameter: The name of the parameter at fault, such as `latent_dim` or `data.train_size`;
            the command line adds the option that sets it.

    >>> print(VaekitError("unknown class: got a\\nb"))
    unknown class: got a\\nb
    """

    def __init__(self, message: str, *, parameter: str | None = None):
        super().__init__(printable(message))
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

    @classmethod
    def unknown(cls, kind: str, got: object, allowed: Iterable[str], *, parameter: str) -> Self:
        """An error about a name that is none of those allowed.

        Args:
            kind: What the name would name.
            got: The name; long ones are shortened.
            allowed: The allowed names, of which the nearest is suggested.
            parameter: The name of the parameter at fault.

        >>> print(ConfigError.unknown("recipe", "cnv", ["conv", "mlp"], parameter="recipe"))
        unknown recipe: got 'cnv'. Did you mean 'conv'? Allowed: conv, mlp.
        """
        fix = suggest(got if isinstance(got, str) else "", allowed)
        return cls(f"unknown {kind}: got {shown(got)}. {fix}.", parameter=parameter)


class RequestError(VaekitError, ValueError):
    """The request was wrong."""


class ConfigError(RequestError):
    """A recipe, key, value or part is unknown, invalid or incompatible with the others."""


class DataError(RequestError):
    """Data are unreadable, or incompatible with the model."""


class RunError(RequestError):
    """A run folder is incomplete, from a newer format, or hostile."""


class OutputError(RequestError):
    """An output path exists, or is not writable."""


class DeviceError(RequestError):
    """A device is missing."""


class WorkError(VaekitError, RuntimeError):
    """The request was right, the work failed."""


class DiskError(WorkError):
    """A disk is full or fails, or the system has no more files to open."""


class MemoryShortage(WorkError):  # noqa: N818 - the field's MemoryError is Python's
    """The memory of the machine or of the device is too small."""


class NetworkError(WorkError):
    """A server cannot be reached, or does not do its part."""


class NonFiniteError(WorkError):
    """A term of the loss or its gradient is NaN or infinite."""


class Interrupted(WorkError):  # noqa: N818 - a signal stopped the work, nothing is wrong
    """A signal stopped the work, after a checkpoint."""


def suggest(name: str, allowed: Iterable[str]) -> str:
    """The fix for an unknown name, without its full stop: the nearest allowed name, and all names.

    Only the beginning of a long name is compared, and only the first of very many names are
    compared and listed.

    >>> suggest("cnv", ["conv", "mlp"])
    "Did you mean 'conv'? Allowed: conv, mlp"
    >>> suggest("zzz", ["conv", "mlp"])
    'Allowed: conv, mlp'
    """
    names = sorted(allowed)
    compared = [each for each in names[:MAX_COMPARED_NAMES] if len(each) <= MAX_COMPARED_CHARACTERS]
    nearest = difflib.get_close_matches(name[:MAX_COMPARED_CHARACTERS], compared, n=1)
    question = f"Did you mean {nearest[0]!r}? " if nearest else ""
    more = len(names) - MAX_LISTED_NAMES
    end = f", and {more:,} more" if more > 0 else ""
    return f"{question}Allowed: {', '.join(names[:MAX_LISTED_NAMES])}{end}"


def reason_of(error: BaseException) -> str:
    """The type and the first line of an error, without its full stop.

    >>> reason_of(MemoryError("no memory."))
    'MemoryError: no memory'
    """
    name = type(error).__name__
    lines = str(error).strip().splitlines()
    return printable(f"{name}: {lines[0].rstrip('. ')}" if lines else name, MAX_REASON_CHARACTERS)


def shown(value: object) -> str:
    """A value as messages show it: its repr on one line, shortened.

    >>> shown("x" * 100)[-4:]
    'xxx…'
    """
    try:
        text = " ".join(repr(value).splitlines())
    except ValueError:  # Python refuses to print very long integers
        return "a number of thousands of digits"
    except RecursionError:
        return "a deeply nested value"
    except Exception:  # an object of others may raise anything
        return f"an object of the class {type(value).__name__}"
    if len(text) <= MAX_SHOWN_CHARACTERS:
        return text
    return text[: MAX_SHOWN_CHARACTERS - 1] + "…"


def read_error(error: OSError, source: object) -> DiskError | None:
    """The error of ours for a file that the machine fails to read; None if the file is at fault.

    >>> import errno
    >>> print(read_error(OSError(errno.EIO, "Input/output error"), "x.npy"))
    cannot read x.npy: Input/output error. Check the disk and the limits of the system.
    """
    if error.errno not in MACHINE_ERRORS or error.errno == errno.EFBIG:
        return None
    reason = error.strerror or error
    return DiskError(
        f"cannot read {source}: {reason}. Check the disk and the limits of the system."
    )
