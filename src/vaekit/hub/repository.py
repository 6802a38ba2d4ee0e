"""Repositories of the Hugging Face Hub: their files, bounded downloads, one commit per upload.

Names, sizes and contents are chosen by the owner of a repository: only files with an announced,
allowed size are downloaded, and never more bytes than announced.
"""

import hashlib
import io
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vaekit.errors import ConfigError, NetworkError, OutputError, RunError, VaekitError
from vaekit.files.atomic import output_errors
from vaekit.hub.shared_folder import MAX_PLOTS, is_shared, max_bytes
from vaekit.runs import PLOTS

TIMEOUT = 20
"""Seconds to wait for the list of files."""

_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
_REVISION = re.compile(r"\w[\w./-]{0,199}", re.ASCII)
_COMMIT = re.compile("[0-9a-f]{40,64}")


@dataclass(frozen=True)
class HubRepository:
    """A repository at one commit.

    Attributes:
        name: OWNER/NAME.
        commit: Its hash.
        sizes: Bytes of the files that a shared folder has, by name.
        digests: SHA-256 of some of them, by name.
    """

    name: str
    commit: str
    sizes: Mapping[str, int]
    digests: Mapping[str, str]


def parse_name(text: str) -> tuple[str, str | None]:
    """Parse OWNER/NAME or OWNER/NAME@REVISION.

    Returns:
        OWNER/NAME, and the revision or None.

    Raises:
        ConfigError: The name is invalid.

    >>> parse_name("ada/digits@v1")
    ('ada/digits', 'v1')
    """
    name, at, revision = text.partition("@")
    if not _NAME.fullmatch(name) or (at and not _REVISION.fullmatch(revision)):
        raise ConfigError.for_value(
            "repository",
            text,
            "OWNER/NAME, or OWNER/NAME@REVISION to pull",
            problem="the name of the repository is invalid",
        )
    return name, revision or None


def find_repository(name: str, revision: str | None) -> HubRepository:
    """List the files of a repository.

    Args:
        name: OWNER/NAME.
        revision: A branch, a tag or a commit; None for the default branch.

    Returns:
        The repository at the commit of the revision.

    Raises:
        RunError: It does not exist, or a file is larger than allowed or has no announced size.
        NetworkError: The request failed.
    """
    with _hub(name) as hub:
        info = hub.HfApi().model_info(name, revision=revision, files_metadata=True, timeout=TIMEOUT)

    sizes: dict[str, int] = {}
    digests: dict[str, str] = {}
    for entry in info.siblings or ():
        limit = max_bytes(entry.rfilename)
        if limit is None:
            continue
        _check_size(name, entry.rfilename, entry.size, limit)
        sizes[entry.rfilename] = entry.size
        if entry.lfs is not None:
            digests[entry.rfilename] = entry.lfs.sha256

    plots = sum(file.startswith(PLOTS) for file in sizes)
    if plots > MAX_PLOTS:
        raise RunError(
            f"{name} has too many plots: got {plots}, expected at most {MAX_PLOTS}. "
            "Pull a repository that vaekit pushed."
        )
    if not _COMMIT.fullmatch(info.sha or ""):
        raise RunError(f"{name} has no commit. Push a run to it first.")
    return HubRepository(name, info.sha, sizes, digests)


def _check_size(repository: str, file: str, size: Any, limit: int) -> None:
    if isinstance(size, int) and 0 <= size <= limit:
        return
    raise RunError(
        f"the size of {file} in {repository} is invalid: got {size} bytes, "
        f"expected at most {limit:,}. Pull a repository that vaekit pushed."
    )


def download_file(repository: HubRepository, name: str, folder: Path) -> None:
    """Download one file of the announced size and digest.

    Args:
        repository: The repository.
        name: The file's path in it.
        folder: The target.

    Raises:
        NetworkError: The request failed, or size or digest differ from what was announced.
    """
    path = folder / name
    size = repository.sizes[name]
    with output_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)

    with _hub(repository.name) as hub, _BoundedFile(path, size) as file:
        from huggingface_hub.file_download import http_get
        from huggingface_hub.utils import build_hf_headers

        url = hub.hf_hub_url(repository.name, name, revision=repository.commit)
        headers = build_hf_headers() | {"Accept-Encoding": "identity"}
        http_get(
            url,
            file,  # type: ignore[arg-type]
            headers=headers,
            expected_size=size,
            displayed_filename=name,
        )

    digest = repository.digests.get(name)
    if digest is not None and _sha256(path) != digest:
        raise NetworkError(
            f"{name} of {repository.name} is corrupt: its SHA-256 differs from the announced one. "
            "Pull again."
        )


def upload_folder(folder: Path, name: str, *, private: bool, message: str) -> str:
    """Upload a shared folder in one commit; create the repository if it does not exist.

    Files of earlier uploads that the folder no longer has are deleted, all others are kept.

    Args:
        folder: The shared folder.
        name: OWNER/NAME.
        private: Whether the repository must be private.
        message: The message of the commit.

    Returns:
        The URL of the commit.

    Raises:
        OutputError: No permission to write, or the repository is public and `private` is true.
        NetworkError: The request failed.
    """
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    files = [path.relative_to(folder).as_posix() for path in paths]
    with _hub(name) as hub:
        api = hub.HfApi()
        api.create_repo(name, private=private or None, exist_ok=True)
        existing = api.model_info(name, timeout=TIMEOUT)
        if private and not existing.private:
            raise OutputError(
                f"{name} exists and is public. Make it private on the Hub, or choose another name.",
                parameter="private",
            )
        old = [entry.rfilename for entry in existing.siblings or ()]
        stale = [file for file in old if is_shared(file) and file not in files]
        changes = [
            hub.CommitOperationAdd(path_in_repo=file, path_or_fileobj=folder / file)
            for file in files
        ]
        changes += [hub.CommitOperationDelete(path_in_repo=file) for file in stale]
        return str(api.create_commit(name, changes, commit_message=message).commit_url)


class _BoundedFile(io.BufferedWriter):
    """A file that accepts a limited number of bytes."""

    def __init__(self, path: Path, limit: int):
        with output_errors(path):
            super().__init__(io.FileIO(path, "w"))
        self.path = path
        self.limit = limit

    def write(self, data: Any) -> int:
        if self.tell() + len(data) > self.limit:
            raise NetworkError(
                f"{self.path.name} is larger than announced: expected {self.limit:,} bytes. "
                "Nothing was kept; pull again."
            )
        with output_errors(self.path):
            return super().write(data)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _hub(name: str) -> Iterator[Any]:
    """The package huggingface_hub; its errors become ours, in one line."""
    try:
        import huggingface_hub as hub
        from huggingface_hub import errors
    except ImportError as error:
        raise ConfigError(
            f'{error.name} is not installed. Run pip install "vaekit[hub]".'
        ) from None

    # The root of the HTTP library's errors, whichever library it is.
    transport: type[Exception] = errors.HfHubHTTPError.__bases__[0]
    try:
        with _quiet():
            yield hub
    except VaekitError:
        raise
    except errors.RevisionNotFoundError as error:
        raise RunError(
            f"revision not found in {name}. Choose a branch, a tag or a commit of it.",
            parameter="repository",
        ) from error
    except errors.GatedRepoError as error:
        raise RunError(
            f"{name} is gated. Request access on its page, then log in with `hf auth login`.",
            parameter="repository",
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise _not_found(name) from error
    except (transport, OSError, ValueError, KeyError, RuntimeError) as error:
        # The last three: responses that cannot be parsed.
        raise _request_error(name, error) from error


def _not_found(name: str) -> RunError:
    return RunError(
        f"repository not found: {name} does not exist or is private. "
        "Check the name, or log in with `hf auth login`.",
        parameter="repository",
    )


def _request_error(name: str, error: Exception) -> VaekitError:
    # The cause: an error in a thread of an upload.
    responses = (getattr(cause, "response", None) for cause in (error, error.__cause__))
    status = next((r.status_code for r in responses if r is not None), None)
    if status in (401, 403):
        return OutputError(
            f"permission denied by the Hub for {name}. "
            "Log in with `hf auth login`, with a token that may write."
        )
    if status == 404:
        return _not_found(name)
    if status == 429:
        return NetworkError(
            f"too many requests to the Hub for {name} (HTTP 429). Retry in some minutes."
        )
    lines = str(error).splitlines() or [""]
    reason = f"HTTP {status}" if status else lines[0][:200] or type(error).__name__
    return NetworkError(
        f"Hugging Face Hub request failed for {name} ({reason}). Check your connection and retry."
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """No progress bar per file and no warnings about retries."""
    from huggingface_hub.utils import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
        logging,
    )

    before = logging.get_verbosity()
    bars = not are_progress_bars_disabled()
    logging.set_verbosity_error()
    disable_progress_bars()
    try:
        yield
    finally:
        logging.set_verbosity(before)
        if bars:
            enable_progress_bars()
