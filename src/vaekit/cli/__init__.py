"""The command line: parse, call a workflow, print. Nothing here computes; torch is imported inside commands.

Exit status: 0 done, 1 the work failed, 2 the request was wrong, 130 interrupted. A wrong request is one line.
"""

import os
import sys
from typing import NoReturn

from typer import Abort, TyperException

from vaekit.errors import Interrupted, RequestError, VaekitError

INTERRUPTED = 130

os.environ.setdefault("GOMP_SPINCOUNT", "1000")
"""How long torch's threads wait for each other before they sleep: by default so long that beside another busy process a
training on two cores gets slower than on one. Read when torch is imported, which no command has done yet."""


def main() -> NoReturn:
    """The entry point of `vaekit`."""
    from vaekit.cli.app import app

    debug = "--debug" in sys.argv[1:]
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    try:
        status = app(arguments, prog_name="vaekit", standalone_mode=False) or 0
        sys.exit(status) if status != INTERRUPTED else _end("interrupted", INTERRUPTED)
    except BrokenPipeError:
        os.dup2(
            os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno()
        )  # the reader has gone: nothing more to say
        sys.exit(1)
    except (KeyboardInterrupt, Abort):
        _end("interrupted", INTERRUPTED)
    except VaekitError as error:
        if debug:
            raise
        _end(
            str(error),
            INTERRUPTED
            if isinstance(error, Interrupted)
            else 2
            if isinstance(error, RequestError)
            else 1,
        )
    except TyperException as error:
        _end(f"{error.format_message()} (see vaekit --help)", 2)
    except Exception as error:
        if debug:
            raise
        first = (str(error).splitlines() or [""])[0]
        _end(f"failed unexpectedly, {type(error).__name__}: {first} (--debug shows where)", 1)


def _end(message: str, status: int) -> NoReturn:
    print(f"vaekit: {message}", file=sys.stderr)
    sys.exit(status)
