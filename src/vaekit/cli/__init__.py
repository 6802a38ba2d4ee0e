"""The command line: parse, call a workflow, print. Nothing is computed here.

torch is imported inside the commands. Exit status: 0 done, 1 the work failed, 2 the request was
wrong, 130 interrupted. A wrong request prints one line. A closed pipe fails nothing: its reader has
read enough. If the disk is full, only commands without a result in files fail.
"""

import os
import sys
from typing import NoReturn

from typer import Abort, TyperException

from vaekit.cli.signals import interruptible
from vaekit.cli.streams import lenient_streams
from vaekit.errors import Interrupted, RequestError, VaekitError, reason_of, shown
from vaekit.printable import printable
from vaekit.runtime.memory_errors import memory_errors

FAILED = 1
WRONG_REQUEST = 2
INTERRUPTED = 130

os.environ.setdefault("GOMP_SPINCOUNT", "1000")
"""How long threads of torch spin while they wait for each other. The default is so long that
training next to another busy process is slower on two cores than on one. torch reads it on import.
"""


RESULT_IN_FILES = (
    *("train", "sweep", "plot", "score", "sample", "reconstruct", "encode", "decode", "impute"),
    *("export", "push", "pull"),
)
"""Commands that have done their work even if their last lines cannot be printed."""


def main() -> NoReturn:
    """Run the command of `sys.argv` and exit."""
    os.environ["MPLBACKEND"] = "agg"  # one that a notebook exports may be missing here
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    with lenient_streams() as output:
        status = _run(arguments, debug="--debug" in sys.argv[1:])
        output.flush()
        if output.error is not None and not isinstance(output.error, BrokenPipeError):
            status = _report_lost_output(output.error, arguments, status)
    sys.exit(status)


def _run(arguments: list[str], *, debug: bool) -> int:
    """The exit status of a command, whose error has been printed."""
    try:
        with interruptible():
            status = _call(arguments)
        if status == INTERRUPTED:
            return _failed("vaekit: interrupted", INTERRUPTED)
        return status
    except (KeyboardInterrupt, Abort):
        return _failed("vaekit: interrupted", INTERRUPTED)
    except VaekitError as error:
        if debug:
            raise
        return _failed(f"vaekit: {_with_notes(error)}", _status(error))
    except TyperException as error:
        return _failed(_usage_message(error), WRONG_REQUEST)
    except Exception as error:
        if debug:
            raise
        problem = f"unexpected {reason_of(error)}"
        return _failed(f"vaekit: {problem}. Run again with --debug for the traceback.", FAILED)


def _report_lost_output(error: Exception, arguments: list[str], status: int) -> int:
    """The exit status of a command whose standard output could not be written."""
    reason = getattr(error, "strerror", None) or error
    print(f"vaekit: standard output could not be written: {reason}.", file=sys.stderr)
    command = next((argument for argument in arguments if not argument.startswith("-")), "")
    return status if command in RESULT_IN_FILES else status or FAILED


def _call(arguments: list[str]) -> int:
    from vaekit.cli.app import app

    with memory_errors():
        return app(arguments, prog_name="vaekit", standalone_mode=False) or 0


def _status(error: VaekitError) -> int:
    if isinstance(error, Interrupted):
        return INTERRUPTED
    return WRONG_REQUEST if isinstance(error, RequestError) else FAILED


def _with_notes(error: VaekitError) -> str:
    """The message with the options that the command noted: `<message> (option --seed).`"""
    message = str(error)
    for note in getattr(error, "__notes__", ()):
        message = f"{message.removesuffix('.')} ({note})."
    return message


def _usage_message(error: TyperException) -> str:
    """What is wrong with the arguments, and the help of the command that they are of."""
    context = getattr(error, "ctx", None)
    command = "vaekit" if context is None else context.command_path
    _describe_refused_value(error)
    message = " ".join(error.format_message().split()).removesuffix(".")
    end = "" if message.endswith("?") else "."
    return f"{command}: {message}{end} See '{command} --help'."


def _describe_refused_value(error: TyperException) -> None:
    """Replace pydantic's sentence about a value by one in the form of all errors."""
    if error.__cause__ is None:
        return
    from pydantic import ValidationError

    from vaekit.validated_init import expected_values

    if isinstance(error.__cause__, ValidationError):
        problems = error.__cause__.errors(include_url=False)
        error.message = f"got {shown(problems[0]['input'])}, expected {expected_values(problems)}"


def _failed(message: str, status: int) -> int:
    print(printable(message), file=sys.stderr)
    return status
