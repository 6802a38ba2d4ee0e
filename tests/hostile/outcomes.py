"""What every hostile input must come to: an error of the package in one line, in little memory."""

from hostile.limited import Outcome

MB = 10**6
MAX_GROWTH = 300 * MB
MAX_CPU_SECONDS = 5.0
MAX_MESSAGE_CHARACTERS = 1500
ERRORS = ("DataError", "ConfigError")


def faults(name: str, outcome: Outcome | None, *, max_growth: int = MAX_GROWTH) -> list[str]:
    """What is wrong with the end of a case."""
    if outcome is None:
        return [f"{name}: the process has ended"]
    message = outcome.message
    checks = {
        f"accepted: {outcome.value}": outcome.error is None,
        f"{outcome.error}: {message[:200]}": outcome.error not in (None, *ERRORS),
        f"no line: {message!r}": not message or "\n" in message,
        f"long: {len(message)}": len(message) > MAX_MESSAGE_CHARACTERS,
        "no parameter": outcome.error is not None and outcome.parameter is None,
        f"out of memory: {message[:200]}": outcome.out_of_memory,
        f"grew by {outcome.growth / MB:.0f} MB": outcome.growth > max_growth,
        f"took {outcome.cpu_seconds:.1f} s": outcome.cpu_seconds > MAX_CPU_SECONDS,
    }
    return [f"{name}: {fault}" for fault, is_wrong in checks.items() if is_wrong]
