"""A secret that requests carry in their Authorization header."""

import hmac
import os
import re

from vaekit.errors import ConfigError
from vaekit.files.regular import read_regular

VARIABLE = "VAEKIT_TOKEN"
"""The variable of the environment that may have the token."""
PATTERN = re.compile(r"[A-Za-z0-9._~+/-]{16,1000}=*")
"""As RFC 6750 defines it; 16 characters at least, as guesses are not limited."""
EXPECTED = "at least 16 letters, digits or ._~+/-"
MAX_FILE_BYTES = 2**12


class BearerToken:
    """A token that no message, log or repr shows.

    Args:
        text: The token.
        parameter: The parameter that has it, for errors.

    Raises:
        ConfigError: A token that is too short, or has other characters than RFC 6750 allows.

    >>> token = BearerToken("correct-horse-battery")
    >>> token.matches(["Bearer correct-horse-battery"]), token.matches(["Bearer wrong"])
    (True, False)
    """

    def __init__(self, text: str, parameter: str = "token"):
        if not isinstance(text, str) or not PATTERN.fullmatch(text):
            # The token itself is not shown.
            raise ConfigError(
                f"{parameter} is invalid: expected {EXPECTED}. "
                'Make one by python -c "import secrets; print(secrets.token_urlsafe())".',
                parameter=parameter,
            )
        self._secret = text.encode()

    def matches(self, values: list[str]) -> bool:
        """Whether the values of the Authorization header are this token, once.

        The time of the comparison depends on lengths alone.
        """
        if len(values) != 1:
            return False
        scheme, _, sent = values[0].partition(" ")
        same = hmac.compare_digest(sent.strip().encode(), self._secret)
        return same and scheme.lower() == "bearer"


def read_token(file: str | os.PathLike | None) -> str | None:
    """The token in a file, or else in the variable VAEKIT_TOKEN of the environment.

    Args:
        file: A file with the token in its only line.

    Returns:
        The token; None if there is neither.

    Raises:
        ConfigError: The file is unreadable, or its content or the variable is no token.
    """
    text = os.environ.get(VARIABLE) if file is None else _content(file)
    if text is not None:
        BearerToken(text, VARIABLE if file is None else "token_file")
    return text


def _content(file: str | os.PathLike) -> str:
    try:
        return read_regular(file, MAX_FILE_BYTES).decode().strip()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise ConfigError(
            f"the token in {os.fspath(file)} cannot be read: {reason.lower()}. "
            "Choose a file with the token alone.",
            parameter="token_file",
        ) from None
