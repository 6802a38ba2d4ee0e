"""What every hostile input must come to: an error of the package in one line, in little memory."""

from collections.abc import Sequence

from hostile.limited import Outcome

MB = 10**6
MAX_GROWTH = 300 * MB
MAX_MESSAGE_CHARACTERS = 1500
ERRORS = ("DataError", "ConfigError")


def faults(
    name: str,
    outcome: Outcome | None,
    *,
    max_growth: int = MAX_GROWTH,
    errors: Sequence[str] = ERRORS,
) -> list[str]:
    """What is wrong with the end of a case.

    Args:
        name: Its name.
        outcome: Its outcome; None if it ended the process.
        max_growth: Bytes that the peak of the memory may grow by.
        errors: Types of errors that are expected; errors about data name their parameter.
    """
    if outcome is None:
        return [f"{name}: the process has ended"]
    message = outcome.message
    checks = {
        f"accepted: {outcome.value}": outcome.error is None,
        f"{outcome.error}: {message[:200]}": outcome.error not in (None, *errors),
        f"no line: {message!r}": not message or "\n" in message,
        f"long: {len(message)}": len(message) > MAX_MESSAGE_CHARACTERS,
        "no parameter": outcome.error in ERRORS and errors == ERRORS and not outcome.parameter,
        f"out of memory: {message[:200]}": outcome.out_of_memory,
        f"grew by {outcome.growth / MB:.0f} MB": outcome.growth > max_growth,
    }
    return [f"{name}: {fault}" for fault, is_wrong in checks.items() if is_wrong]
