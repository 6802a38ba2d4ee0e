"""Writing files whole or not at all."""

import errno
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from vaekit.errors import OutputError


@contextmanager
def whole_file(path: str | os.PathLike) -> Iterator[Path]:
    """A temporary path beside `path`, renamed onto it when the block ends well and removed when it does not.

    Raises OutputError where the place cannot be written, or is full; what was at `path` is then still there.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}{path.suffix}")
    try:
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: str | os.PathLike) -> Iterator[Path]:
    """A temporary folder beside `path`, renamed onto it when the block ends well and removed when it does not.

    What is at `path` is replaced whole: ask before whether it may be. Raises OutputError where the place cannot be written, or
    is the current folder.
    """
    path = Path(path).resolve()
    if Path.cwd().is_relative_to(path):
        raise OutputError(f"{path} is the current folder: choose another one, or go elsewhere first")
    temporary, old = (path.with_name(f".{path.name}.{os.getpid()}{suffix}") for suffix in ("", ".old"))
    try:
        with writing(path):
            temporary.mkdir(parents=True)
        yield temporary
        with writing(path):
            if path.exists():
                path.rename(old)
            temporary.rename(path)
    finally:
        if old.exists() and not path.exists():
            old.rename(path)
        for folder in (temporary, old):
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def writing(path: str | os.PathLike) -> Iterator[None]:
    """Tell a failure to write `path` as OutputError."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise OutputError(f"no space left to write {path}: free some, or choose another place with --out") from None
        if error.errno in (errno.EEXIST, errno.ENOTDIR):
            raise OutputError(f"cannot write {path}: {Path(path).parent} is not a folder") from None
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from None


def write_together(contents: Mapping[Path, bytes]) -> None:
    """Several files, all of them whole, or what was there before; none gets its name before all are written."""
    with ExitStack() as stack:
        for path, content in contents.items():
            stack.enter_context(whole_file(path)).write_bytes(content)


def write_whole(path: str | os.PathLike, content: bytes | memoryview | str) -> None:
    """`content` as the whole of the file at `path`, or what was there before."""
    with whole_file(path) as temporary:
        temporary.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
