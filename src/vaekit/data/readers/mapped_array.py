"""Arrays that stay in their file."""

import os
import weakref
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from vaekit.errors import DataError


class _MappedFile:
    """A mapped file, kept open until the last array that needs it is gone."""

    def __init__(self, file: BinaryIO, path: Path, end: int):
        self.descriptor = os.dup(file.fileno())
        weakref.finalize(self, os.close, self.descriptor)
        self.path = path
        self.end = end

    def check(self) -> None:
        """Raise DataError if the file ends before the array does."""
        if os.fstat(self.descriptor).st_size < self.end:
            raise DataError(
                f"{self.path} was shortened while it was in use: expected at least "
                f"{self.end:,} bytes. Restore it, and start again.",
                parameter="data",
            )


class MappedArray(np.memmap):
    """A read-only memory map whose file is checked before each part of it is read.

    Whoever reads behind the end of a file that was shortened meanwhile is ended by the system
    (SIGBUS), without an error that could be caught.
    """

    _file: _MappedFile | None = None

    @classmethod
    def of_file(
        cls, file: BinaryIO, path: Path, dtype: np.dtype, shape: tuple[int, ...], order: Any
    ) -> "MappedArray":
        """The array at the current position of an open file, whose path messages name."""
        start = file.tell()
        array = cls(file, dtype, "r", start, shape=shape, order=order)
        array._file = _MappedFile(file, path, start + array.nbytes)
        return array

    def __array_finalize__(self, source: Any) -> None:
        super().__array_finalize__(source)
        if _is_mapped(self):
            self._file = getattr(source, "_file", None)

    def __getitem__(self, index: Any) -> Any:
        if self._file is not None:
            self._file.check()
        part = super().__getitem__(index)
        is_copy = isinstance(part, MappedArray) and not _is_mapped(part)
        return part.view(np.ndarray) if is_copy else part


def _is_mapped(array: np.ndarray) -> bool:
    """Whether an array is a view of a file, not a copy."""
    return getattr(array, "_mmap", None) is not None
