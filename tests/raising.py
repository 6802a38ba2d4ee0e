"""Assert the type of an error and the parameter that it names, not its wording."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from vaekit.errors import VaekitError


@contextmanager
def raises(
    kind: type[VaekitError], parameter: str | None = None
) -> Iterator[pytest.ExceptionInfo[VaekitError]]:
    """The block raises an error of this kind, in one line, about this parameter."""
    with pytest.raises(kind) as caught:
        yield caught
    message = str(caught.value)
    assert message and "\n" not in message, message
    assert message.endswith("."), message
    if parameter is not None:
        assert caught.value.parameter == parameter, message
