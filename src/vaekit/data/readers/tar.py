"""The regular files of a tar archive, read forward and without trusting it.

Each file is announced by a header of 512 bytes, after which its content follows in whole blocks.
Long names and sizes are in headers of their own before it: of GNU, or the attributes of POSIX
(pax). The archive ends with a block of zeros.
"""

import io
import re
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, NamedTuple, cast

from vaekit.data.bounds import (
    MAX_BYTES_VARIABLE,
    MAX_MEMBER_BYTES,
    MAX_MEMBERS,
    MAX_TAR_HEADER_BYTES,
    max_data_bytes,
)
from vaekit.data.file_reading import BLOCK_BYTES, decompressed, read_exactly

LONG_NAME, LONG_LINK = b"L", b"K"
ATTRIBUTES, COMMON_ATTRIBUTES = b"x", b"g"
REGULAR = (b"0", b"\0", b"7")
SPARSE_ATTRIBUTE = "GNU.sparse."
RECORD = re.compile(rb"([0-9]{1,7}) ([^=]{1,1000})=")
"""The start of a record of POSIX attributes."""
MAX_EXTRA_HEADERS = 16
"""Headers that describe one file."""
KINDS = {
    b"S": "a sparse file",
    b"1": "a link",
    b"2": "a link",
    b"3": "a device",
    b"4": "a device",
    b"5": "a folder",
    b"6": "a pipe",
}


class TarFile(NamedTuple):
    """A file of an archive: its name and its content."""

    name: str
    content: bytes


def read_tar(stream: BinaryIO, is_wanted: Callable[[str], bool]) -> Iterator[TarFile]:
    """The wanted files of an archive, which may be gzipped; others are skipped.

    Call it within `data_errors`.

    Args:
        stream: The archive, a buffered stream.
        is_wanted: Whether a file is wanted, by its name.

    Raises:
        ValueError: The archive is damaged or truncated, a wanted file is no regular one (but a
            link, a device, or a sparse file, which stands for more bytes than it has), or the
            archive is too large: by its files, one file or its decompressed bytes.
    """
    with _counted(stream) as counted:
        for header in _headers(counted):
            if is_wanted(header.name):
                _check_kind(header)
                yield TarFile(header.name, read_exactly(counted, header.size))
                _skip(counted, -header.size % tarfile.BLOCKSIZE)
            else:
                _skip(counted, _padded(header.size))


def tar_names(stream: BinaryIO) -> Iterator[str]:
    """The names of the files of an archive, without reading their content."""
    with _counted(stream) as counted:
        for header in _headers(counted):
            yield header.name
            _skip(counted, _padded(header.size))


class _Header(NamedTuple):
    """The header of a file; its kind is empty for a regular one."""

    name: str
    size: int
    kind: str


class _CountedStream:
    """A stream that ends with an error after a number of bytes."""

    def __init__(self, stream: BinaryIO, limit_bytes: int):
        self.stream = stream
        self.left = limit_bytes
        self.limit_bytes = limit_bytes

    def read(self, size: int) -> bytes:
        """At most `size` bytes."""
        self.left -= size
        if self.left < 0:
            raise ValueError(
                f"it has more than {self.limit_bytes:,} bytes decompressed ({MAX_BYTES_VARIABLE})"
            )
        return self.stream.read(size)


@contextmanager
def _counted(stream: BinaryIO) -> Iterator[BinaryIO]:
    """The decompressed stream: gzip turns a small file into a thousand times as many bytes, and
    only those are counted."""
    content = decompressed(stream)
    if content is stream:
        yield stream
        return
    with content:
        yield cast(BinaryIO, _CountedStream(content, max_data_bytes()))


def _headers(stream: BinaryIO) -> Iterator[_Header]:
    """The header of each file; the stream is at its content."""
    for _ in range(MAX_MEMBERS):
        header = _next_header(stream)
        if header is None:
            return
        yield header
    raise ValueError(f"it has more than {MAX_MEMBERS:,} files")


def _next_header(stream: BinaryIO) -> _Header | None:
    """The header of the next file, with what the headers before it say of it; None at the end."""
    name, attributes = None, {}
    for _ in range(MAX_EXTRA_HEADERS):
        info = _read_block(stream)
        if info is None:
            return None
        if info.type in (LONG_NAME, LONG_LINK):
            text = _extra(stream, info.size).rstrip(b"\0").decode("utf-8", "surrogateescape")
            name = text if info.type == LONG_NAME else name
        elif info.type in (ATTRIBUTES, COMMON_ATTRIBUTES):
            found = _attributes(_extra(stream, info.size))
            attributes = found if info.type == ATTRIBUTES else attributes
        else:
            return _described(info, name, attributes)
    raise ValueError(f"more than {MAX_EXTRA_HEADERS} headers describe one file")


def _described(info: tarfile.TarInfo, name: str | None, attributes: dict[str, str]) -> _Header:
    text = attributes.get("size", "")
    size = int(text) if text.isdecimal() and len(text) < 20 else info.size
    if size < 0:
        raise ValueError("a header is damaged")
    kind = "" if info.type in REGULAR else KINDS.get(info.type, "of an unknown kind")
    if any(key.startswith(SPARSE_ATTRIBUTE) for key in attributes):
        kind = KINDS[b"S"]
    has_content = info.type in REGULAR or info.type == b"S" or info.type not in KINDS
    full_name = attributes.get("path") or name or info.name
    return _Header(full_name, size if has_content else 0, kind)


def _check_kind(header: _Header) -> None:
    if header.kind:
        raise ValueError(f"{header.name!r} in it is {header.kind}, expected regular files")
    if header.size > MAX_MEMBER_BYTES:
        raise ValueError(
            f"{header.name!r} in it has {header.size:,} bytes, expected at most "
            f"{MAX_MEMBER_BYTES:,}"
        )


def _read_block(stream: BinaryIO) -> tarfile.TarInfo | None:
    """The next header as it is stored; None for a block of zeros, which ends the archive."""
    block = stream.read(tarfile.BLOCKSIZE)
    if block == bytes(tarfile.BLOCKSIZE):
        return None
    if len(block) < tarfile.BLOCKSIZE:
        raise ValueError("it is truncated, or no tar file: its end mark is missing")
    try:
        return tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        raise ValueError("it is damaged, or no tar file") from None


def _extra(stream: BinaryIO, size: int) -> bytes:
    """The content of a header that describes the next file."""
    if not 0 <= size <= MAX_TAR_HEADER_BYTES:
        raise ValueError(f"a header has {size:,} bytes, expected at most {MAX_TAR_HEADER_BYTES:,}")
    return read_exactly(stream, _padded(size))[:size]


def _attributes(content: bytes) -> dict[str, str]:
    """The records of POSIX attributes: `<length> <key>=<value>` and a line break each."""
    attributes = {}
    content = content.rstrip(b"\0")
    start = 0
    while start < len(content):
        found = RECORD.match(content, start)
        end = start + int(found[1]) if found else 0
        if found is None or not found.end() < end <= len(content):
            raise ValueError("the attributes of a file are damaged")
        value = content[found.end() : end - 1].decode("utf-8", "surrogateescape")
        attributes[found[2].decode("utf-8", "replace")] = value
        start = end
    return attributes


def _padded(size: int) -> int:
    """A size in whole blocks."""
    return size + -size % tarfile.BLOCKSIZE


def _skip(stream: BinaryIO, size: int) -> None:
    """Go forward, without reading if the stream can."""
    if size > BLOCK_BYTES and isinstance(stream, io.BufferedReader) and stream.seekable():
        stream.seek(size - 1, io.SEEK_CUR)
        size = 1
    while size:
        block = stream.read(min(size, BLOCK_BYTES))
        if not block:
            raise ValueError("the archive is truncated")
        size -= len(block)
