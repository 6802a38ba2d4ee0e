"""Files of named datasets on the internet, their checksums, and their copies on this machine."""

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from vaekit.data.cache import cache_folder, dataset_folders
from vaekit.data.file_reading import decompressed
from vaekit.errors import DataError, NetworkError
from vaekit.files.regular import open_regular

HASH_BLOCK_BYTES = 2**20


@dataclass(frozen=True)
class RemoteFile:
    """A file that several addresses offer.

    Args:
        name: Its name.
        md5: The MD5 of the file or of its decompressed content, in hexadecimal.
        size: The most bytes that either has.
        addresses: Its addresses, in the order in which they are tried.
    """

    name: str
    md5: str
    size: int
    addresses: tuple[str, ...]

    def matches_checksum(self, path: Path) -> bool:
        """Whether a file or its decompressed content has the MD5; at most `size` bytes are read."""
        with open_regular(path) as file:
            if _md5(file, self.size) == self.md5:
                return True
            file.seek(0)
            try:
                return _md5(decompressed(file), self.size) == self.md5
            except (OSError, EOFError, zlib.error):
                return False


def _md5(stream: BinaryIO, max_bytes: int) -> str | None:
    """The MD5 of a stream; None if it is longer than allowed."""
    digest = hashlib.md5(usedforsecurity=False)
    remaining = max_bytes
    while remaining >= 0 and (block := stream.read(HASH_BLOCK_BYTES)):
        digest.update(block)
        remaining -= len(block)
    return digest.hexdigest() if remaining >= 0 else None


def find_file(name: str, remote: RemoteFile) -> Path | None:
    """The copy of a file of a named dataset on this machine, gzipped or not; nothing is read."""
    file_names = (remote.name, remote.name.removesuffix(".gz"))
    paths = (folder / file_name for folder in dataset_folders(name) for file_name in file_names)
    return next((path for path in paths if path.is_file()), None)


def is_cached(name: str, files: Sequence[RemoteFile]) -> bool:
    """Whether every file of a named dataset is on this machine."""
    return all(find_file(name, file) for file in files)


def ensure_downloaded(name: str, files: Sequence[RemoteFile]) -> list[Path]:
    """The paths of the files of a named dataset; missing ones are downloaded.

    Raises:
        NetworkError: A file cannot be downloaded.
    """
    return [find_file(name, file) or _download(name, file, files) for file in files]


def _download(name: str, file: RemoteFile, files: Sequence[RemoteFile]) -> Path:
    from vaekit.data.download import fetch  # urllib loads slowly

    folder = cache_folder(name)
    try:
        return fetch(file, folder)
    except NetworkError as error:
        file_names = ", ".join(each.name for each in files)
        raise NetworkError(
            f"{error} Put {file_names} into $VAEKIT_DATA/{name} or {folder}.", parameter="data"
        ) from None


def checksum_error(reason: object) -> DataError:
    """The error about a file on this machine whose content is another one than expected."""
    return DataError(f"{reason} Replace the file, or remove it to download it again.")
