"""Writing files whole or not at all."""

import errno
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from vaekit.errors import OutputError


@contextmanager
def atomic_write(path: str | os.PathLike) -> Iterator[Path]:
    """A temporary path beside `path`, renamed onto it when the block ends well and removed when it does not.

    Raises OutputError where the place cannot be written, or is full; what was at `path` is then still there.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}{path.suffix}")
    try:
        with output_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: str | os.PathLike) -> Iterator[Path]:
    """A temporary folder beside `path`, renamed onto it when the block ends well and removed when it does not.

    What is at `path` is replaced whole: ask before whether it may be. Raises OutputError where the place cannot be written, or
    is the current folder.
    """
    path = Path(path).resolve()
    if Path.cwd().is_relative_to(path):
        raise OutputError(
            f"{path} is the current folder: choose another one, or go elsewhere first"
        )
    temporary, old = (
        path.with_name(f".{path.name}.{os.getpid()}{suffix}") for suffix in ("", ".old")
    )
    try:
        with output_errors(path):
            temporary.mkdir(parents=True)
        yield temporary
        with output_errors(path):
            if path.exists():
                path.rename(old)
            temporary.rename(path)
    finally:
        if old.exists() and not path.exists():
            old.rename(path)
        for folder in (temporary, old):
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def output_errors(path: str | os.PathLike) -> Iterator[None]:
    """Tell a failure to write `path` as OutputError."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise OutputError(
                f"no space left to write {path}: free some, or choose another place with --out"
            ) from None
        if error.errno in (errno.EEXIST, errno.ENOTDIR):
            raise OutputError(f"cannot write {path}: {Path(path).parent} is not a folder") from None
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from None


def atomic_write_many(contents: Mapping[Path, bytes]) -> None:
    """Several files, all of them whole, or what was there before; none gets its name before all are written."""
    with ExitStack() as stack:
        for path, content in contents.items():
            stack.enter_context(atomic_write(path)).write_bytes(content)


def atomic_write_bytes(path: str | os.PathLike, content: bytes | memoryview | str) -> None:
    """`content` as the whole of the file at `path`, or what was there before."""
    with atomic_write(path) as temporary:
        temporary.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
