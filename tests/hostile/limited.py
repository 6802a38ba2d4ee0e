"""Run many calls in one process of limited memory and processor time, and report each of them.

As a script it reads cases from standard input and prints their outcomes, both as JSON.
"""

import contextlib
import io
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

GROWTH_BYTES = 2**30
"""Address space that the cases may take beyond what the imports have taken."""
CPU_SECONDS = 60
STACK = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
"""Threads take address space for their stacks and heaps."""


class Outcome(NamedTuple):
    """How a case has ended.

    Attributes:
        value: The value of an expression, as text; the exit status of a command.
        error: The name of the type of an exception, or None.
        message: Its message, or what a command has printed to standard error.
        parameter: The parameter that it names.
        out_of_memory: Whether the memory of the process was at its end.
        growth: Bytes that the peak of the memory grew by.
        cpu_seconds: Processor time.
        seconds: Time, with waiting.
    """

    value: str = ""
    error: str | None = None
    message: str = ""
    parameter: str | None = None
    out_of_memory: bool = False
    growth: int = 0
    cpu_seconds: float = 0.0
    seconds: float = 0.0


def run_limited(
    cases: Mapping[str, str | Sequence[str]],
    *,
    setup: str = "",
    folder: Path,
    environment: Mapping[str, str] | None = None,
    growth_bytes: int = GROWTH_BYTES,
    cpu_seconds: int = CPU_SECONDS,
) -> dict[str, Outcome]:
    """Run cases in turn in one process, in an empty working folder.

    Args:
        cases: By name an expression of Python, or the arguments of a command `vaekit`.
        setup: Statements before the limits count: imports, a small run.
        folder: The working folder.
        environment: Additional variables.
        growth_bytes: Address space beyond that of the setup.
        cpu_seconds: Processor time of all cases.

    Returns:
        The outcome of each case; a case that ended the process, and those after it, are missing.
    """
    request = {
        "cases": {
            name: case if isinstance(case, str) else list(case) for name, case in cases.items()
        },
        "setup": setup,
        "growth_bytes": growth_bytes,
        "cpu_seconds": cpu_seconds,
    }
    done = subprocess.run(
        [sys.executable, __file__],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, **STACK, "NO_COLOR": "1", **(environment or {})},
        timeout=240,
        check=False,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    outcomes = {name: Outcome(**values) for name, values in lines}
    if not outcomes:
        raise AssertionError(f"the process ended with {done.returncode}: {done.stderr[-2000:]}")
    return outcomes


def snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    """Sizes and times of change of everything in a folder, by relative path."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        found[str(path.relative_to(folder))] = (status.st_size, status.st_mtime_ns)
    return found


# --- In the process ------------------------------------------------------------------------------


def main() -> None:
    """Run the cases of the request."""
    request = json.load(sys.stdin)
    names: dict[str, Any] = {}
    exec(request["setup"], names)
    limit(resource.RLIMIT_AS, memory("VmSize") + request["growth_bytes"])
    limit(resource.RLIMIT_CPU, int(time.process_time()) + request["cpu_seconds"])
    report = os.fdopen(os.dup(1), "w")
    for name, case in request["cases"].items():
        print(json.dumps([name, run_case(case, names)._asdict()]), file=report, flush=True)


def limit(kind: int, value: int) -> None:
    """Set a limit of this process."""
    resource.setrlimit(kind, (value, resource.getrlimit(kind)[1]))


def memory(name: str) -> int:
    """Bytes by a name of /proc/self/status: VmSize, VmRSS, VmHWM (the peak of VmRSS)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise LookupError(name)


def run_case(case: str | list[str], names: dict[str, Any]) -> Outcome:
    """Run one case, with the peak of memory reset before it."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    before, start, begin = memory("VmRSS"), time.process_time(), time.perf_counter()
    outcome = evaluate(case, names) if isinstance(case, str) else command(case)
    growth = max(0, memory("VmHWM") - before)
    return outcome._replace(
        growth=growth,
        cpu_seconds=time.process_time() - start,
        seconds=time.perf_counter() - begin,
    )


def evaluate(case: str, names: dict[str, Any]) -> Outcome:
    """The value of an expression, or its exception."""
    try:
        return Outcome(value=repr(eval(case, names))[:200])
    except Exception as error:
        chain = [error, error.__cause__, error.__context__]
        out_of_memory = any(isinstance(each, MemoryError) for each in chain)
        parameter = getattr(error, "parameter", None)
        return Outcome("", type(error).__name__, str(error), parameter, out_of_memory)


def command(arguments: list[str]) -> Outcome:
    """The exit status of a command and what it prints to standard error."""
    from vaekit.cli import main as vaekit

    output, errors = io.StringIO(), io.StringIO()
    sys.argv = ["vaekit", *arguments]
    status: object = 0
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        try:
            vaekit()
        except SystemExit as end:
            status = end.code or 0
        except BaseException as error:
            return Outcome("", type(error).__name__, str(error))
    text = errors.getvalue()
    return Outcome(value=str(status), message=text, out_of_memory="MemoryError" in text)


if __name__ == "__main__":
    main()
