"""A stream of text whose failures end no work."""

from typing import Any, TextIO


class LenientStream:
    """A stream that drops text from the first failure on, such as a full disk or a closed pipe.

    Args:
        stream: The stream.

    Attributes:
        error: The first failure; None if everything has been written.

    >>> import io
    >>> closed = io.StringIO()
    >>> closed.close()
    >>> stream = LenientStream(closed)
    >>> stream.write("lost")
    4
    >>> stream.error
    ValueError('I/O operation on closed file')
    """

    def __init__(self, stream: TextIO):
        self._stream = stream
        self.error: OSError | ValueError | None = None

    def write(self, text: str) -> int:
        """Write text, or drop it."""
        self._try(self._stream.write, text)
        return len(text)

    def flush(self) -> None:
        """Write what is in the buffer."""
        self._try(self._stream.flush)

    def isatty(self) -> bool:
        """Whether the stream is a terminal."""
        return self.error is None and self._stream.isatty()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _try(self, action: Any, *arguments: str) -> None:
        if self.error is not None:
            return
        try:
            action(*arguments)
        except (OSError, ValueError) as error:  # ValueError: the stream has been closed
            self.error = error
