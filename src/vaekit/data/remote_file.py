"""A file on the internet, and what proves a copy of it."""

import hashlib
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from vaekit.data.file_reading import decompressed


@dataclass(frozen=True)
class RemoteFile:
    """A file that can be had from any of several addresses.

    md5: of the file, or of what it decompresses to, in hexadecimal. size: the most bytes that either has.
    """

    name: str
    md5: str
    size: int
    addresses: tuple[str, ...]


def matches_checksum(path: Path, remote: RemoteFile) -> bool:
    """Whether the file or what it decompresses to has the digest, reading no more than the bytes that it may have."""
    with path.open("rb") as file:
        if _md5(file, remote.size) == remote.md5:
            return True
        file.seek(0)
        try:
            return _md5(decompressed(file), remote.size) == remote.md5
        except (OSError, EOFError, zlib.error):
            return False


def _md5(stream: BinaryIO, limit: int) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    while limit >= 0 and (block := stream.read(2**20)):
        digest.update(block)
        limit -= len(block)
    return digest.hexdigest() if limit >= 0 else "too long"
