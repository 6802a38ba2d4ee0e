"""One writer a run folder: a lock that ends with its owner.

The file `.lock` names the owner. One on this machine is alive if its process is; of one elsewhere,
or where process start times are unknown, the file's time is renewed by a heartbeat, and three
missed heartbeats end the lock. The moment of taking it is guarded by a lock of the system.
"""

import json
import os
import secrets
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vaekit.errors import OutputError, WorkError, reason_of
from vaekit.files.atomic import output_errors
from vaekit.files.lock import MAX_WAIT_SECONDS, wait_for_lock
from vaekit.files.regular import check_regular

LOCK = ".lock"
HEARTBEAT_SECONDS = 20.0
MAX_MISSED_HEARTBEATS = 3
POLL_SECONDS = 0.5
MAX_LOCK_BYTES = 2000
FLAGS = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


class Owner(BaseModel):
    """The process that holds a lock.

    Attributes:
        token: A random name of this lock.
        host: The name of its machine.
        machine: The machine's current start and process numbering, by which process numbers are
            comparable; empty if unknown.
        process: Its process number.
        started: When it was started, in the clock of its machine; empty if unknown.
    """

    model_config = ConfigDict(strict=True, extra="forbid")

    token: str = Field(max_length=100)
    host: str = Field(max_length=300)
    machine: str = Field(max_length=300)
    process: int = Field(ge=1, le=2**32)
    started: str = Field(max_length=100)

    @classmethod
    def current(cls) -> "Owner":
        """This process, with a new token."""
        process = os.getpid()
        return cls(
            token=secrets.token_hex(8),
            host=socket.gethostname()[:300],
            machine=_machine(),
            process=process,
            started=_start_time(process),
        )

    def is_alive(self, seconds_since_heartbeat: float, heartbeat: float) -> bool:
        """Whether the process still runs, as far as this one can tell."""
        if self.started and self.machine and self.machine == _machine():
            return _start_time(self.process) == self.started
        return seconds_since_heartbeat < MAX_MISSED_HEARTBEATS * heartbeat

    def __str__(self) -> str:
        return f"process {self.process} on {self.host!r}"


class FolderLock:
    """The lock of a run folder, held by this process within a `with` block.

    Args:
        folder: The folder, which exists.
        patience: Seconds to wait for another owner to end.
        heartbeat: Seconds between two signs of life.

    Raises:
        OutputError: Another process holds the lock, or the folder cannot be written.
    """

    def __init__(
        self, folder: Path, *, patience: float = 0.0, heartbeat: float = HEARTBEAT_SECONDS
    ):
        self.folder = folder
        self.patience = patience
        self.heartbeat = heartbeat
        self._path = folder / LOCK
        self._owner = Owner.current()
        self._ended = threading.Event()

    def __enter__(self) -> "FolderLock":
        deadline = time.monotonic() + self.patience
        while (other := self._take()) is not None:
            if time.monotonic() >= deadline:
                raise OutputError(
                    f"{self.folder} is in use: {other} is writing it. "
                    "Wait until it ends, stop it, or choose another folder.",
                    parameter="out",
                )
            time.sleep(POLL_SECONDS)
        try:
            threading.Thread(target=self._beat, name="vaekit-lock", daemon=True).start()
        except RuntimeError as error:  # the system has no more threads
            self.__exit__()
            raise WorkError(
                f"cannot lock {self.folder}: {reason_of(error)}. Raise the limit of processes."
            ) from error
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        with suppress(OSError), self._guarded(FLAGS) as file:
            if _read(file) == self._owner:
                self._path.unlink()

    def check(self) -> None:
        """Raise WorkError if the lock is gone: another process took the folder, or deleted it."""
        owner = None
        with suppress(OSError):
            descriptor = os.open(self._path, FLAGS)
            try:
                owner = _read(descriptor)
            finally:
                os.close(descriptor)
        if owner != self._owner:
            cause = f"{owner} took it over" if owner else "its lock was deleted"
            raise WorkError(
                f"{self.folder} is no longer written by this process: {cause}. "
                "It stops here; train in a folder of its own."
            )

    def _take(self) -> Owner | None:
        """Take the lock; the other owner if there is one."""
        with output_errors(self._path), self._guarded(FLAGS | os.O_CREAT) as file:
            other = _read(file)
            if other is not None and other.is_alive(self._seconds_since(file), self.heartbeat):
                return other
            _write(file, self._owner)
        return None

    @contextmanager
    def _guarded(self, flags: int) -> Iterator[int]:
        """The open lock file, which one process at a time has open in this block."""
        while True:
            descriptor = os.open(self._path, flags, 0o666)
            try:
                check_regular(descriptor, self._path)
                wait_for_lock(descriptor, MAX_WAIT_SECONDS)
                if _is_same(descriptor, self._path):  # not deleted by its owner meanwhile
                    yield descriptor
                    return
            finally:
                os.close(descriptor)

    def _seconds_since(self, file: int) -> float:
        """The distance of the last heartbeat, in the clock of the file system."""
        with tempfile.TemporaryFile(dir=self.folder) as probe:
            return abs(os.fstat(probe.fileno()).st_mtime - os.fstat(file).st_mtime)

    def _beat(self) -> None:
        while not self._ended.wait(self.heartbeat):
            with suppress(OSError, WorkError):
                self.check()
                os.utime(self._path, follow_symlinks=False)


def _read(file: int) -> Owner | None:
    """The owner that a lock file names; None in a new or damaged one."""
    content = os.pread(file, MAX_LOCK_BYTES, 0)
    try:
        return Owner.model_validate_json(content)
    except ValidationError:
        return None


def _write(file: int, owner: Owner) -> None:
    content = json.dumps(owner.model_dump()).encode()
    os.ftruncate(file, 0)
    os.pwrite(file, content, 0)
    os.fsync(file)


def _is_same(descriptor: int, path: Path) -> bool:
    with suppress(OSError):
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    return False


def _machine() -> str:
    """This start of this machine, and its numbering of processes; empty where it is unknown."""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    return ""


def _start_time(process: int) -> str:
    """When a process was started, in ticks since its machine was; empty if it does not run."""
    with suppress(OSError, IndexError):
        status = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
        state, *fields = status.rpartition(")")[2].split()
        return "" if state in ("Z", "X") else fields[18]
    return ""
