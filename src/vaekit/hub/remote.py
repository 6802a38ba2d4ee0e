"""The Hugging Face Hub, by huggingface_hub: what is there, bounded downloads, one commit for an upload.

The names, sizes and content of a repository are its owner's: nothing is taken that was not announced and looked at first.
"""

import hashlib
import io
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from vaekit.atomic_io import output_errors
from vaekit.errors import ConfigError, OutputError, RunError, VaekitError, WorkError
from vaekit.hub.contents import MOST_PICTURES, is_shared, most_bytes
from vaekit.runs import PLOTS

_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
_REVISION = re.compile(r"\w[\w./-]{0,199}", re.ASCII)
SECONDS = 20
"""To wait for the list of files."""


class HubRepository(NamedTuple):
    """A repository at one commit. files: those that belong into a shared folder, with their sizes; digests: SHA-256 of some."""

    repo: str
    commit: str
    files: Mapping[str, int]
    digests: Mapping[str, str]


def check_name(text: str) -> tuple[str, str | None]:
    """OWNER/NAME and the revision behind an @, None where there is none; ConfigError for what is no such name.

    >>> check_name("ada/digits@v1")
    ('ada/digits', 'v1')
    """
    repo, at, revision = text.partition("@")
    if not _NAME.fullmatch(repo) or (at and not _REVISION.fullmatch(revision)):
        raise ConfigError(
            f"{text!r} is no repository of the hub: give OWNER/NAME, or OWNER/NAME@REVISION to pull"
        )
    return repo, revision or None


def find_repository(repo: str, revision: str | None) -> HubRepository:
    """What a repository offers of a run; RunError where a file is larger than it may be, or is announced without a size."""
    with _hub(repo) as hub:
        info = hub.HfApi().model_info(repo, revision=revision, files_metadata=True, timeout=SECONDS)
    files, digests = {}, {}
    for entry in info.siblings or ():
        most = most_bytes(entry.rfilename)
        if most is None:
            continue
        if not isinstance(entry.size, int) or not 0 <= entry.size <= most:
            raise RunError(
                f"{entry.rfilename} of {repo} has {entry.size} bytes: allowed are up to {most:,}"
            )
        files[entry.rfilename] = entry.size
        if entry.lfs is not None:
            digests[entry.rfilename] = entry.lfs.sha256
    if sum(name.startswith(PLOTS) for name in files) > MOST_PICTURES:
        raise RunError(
            f"{repo} has more than {MOST_PICTURES} pictures: it is not a run that vaekit pushed"
        )
    if not re.fullmatch("[0-9a-f]{40,64}", info.sha or ""):
        raise RunError(f"the hub names no commit of {repo}: nothing to pull")
    return HubRepository(repo, info.sha, files, digests)


def download_file(remote: HubRepository, name: str, folder: Path) -> None:
    """One of its files into `folder`, of the announced size and digest; RunError for any other."""
    place, size = folder / name, remote.files[name]
    with output_errors(place):
        place.parent.mkdir(parents=True, exist_ok=True)
    with _hub(remote.repo) as hub, _Bounded(place, size) as file:
        from huggingface_hub.file_download import http_get
        from huggingface_hub.utils import build_hf_headers

        address = hub.hf_hub_url(remote.repo, name, revision=remote.commit)
        headers = build_hf_headers() | {"Accept-Encoding": "identity"}
        http_get(address, file, headers=headers, expected_size=size, displayed_filename=name)  # type: ignore[arg-type]
    if name in remote.digests and _sha256(place) != remote.digests[name]:
        raise RunError(f"{name} of {remote.repo} is not what its list of files says: pull again")


def upload_folder(folder: Path, repo: str, *, private: bool, message: str) -> str:
    """Make a repository hold the files of `folder`, in one commit, and return its address; other people's files stay.

    Raises OutputError where it may not be written, or is public where `private` is asked for.
    """
    names = [
        path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file()
    ]
    with _hub(repo) as hub:
        api = hub.HfApi()
        api.create_repo(repo, private=private or None, exist_ok=True)
        there = api.model_info(repo, timeout=SECONDS)
        if private and not there.private:
            raise OutputError(
                f"{repo} exists and is public: make it private on the hub first, or push to another name"
            )
        stale = [
            s.rfilename
            for s in there.siblings or ()
            if is_shared(s.rfilename) and s.rfilename not in names
        ]
        changes = [
            hub.CommitOperationAdd(path_in_repo=name, path_or_fileobj=folder / name)
            for name in names
        ]
        changes += [hub.CommitOperationDelete(path_in_repo=name) for name in stale]
        return str(api.create_commit(repo, changes, commit_message=message).commit_url)


class _Bounded(io.BufferedWriter):
    """A file that takes so many bytes and no more."""

    def __init__(self, path: Path, most: int):
        with output_errors(path):
            super().__init__(io.FileIO(path, "w"))
        self.path, self.most = path, most

    def write(self, data: Any) -> int:
        if self.tell() + len(data) > self.most:
            raise RunError(
                f"{self.path.name} is larger than the {self.most:,} bytes that were announced: not taken"
            )
        with output_errors(self.path):
            return super().write(data)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _hub(repo: str) -> Iterator[Any]:
    """The package huggingface_hub, what goes wrong there told in one line."""
    try:
        import huggingface_hub as hub
        from huggingface_hub import errors
    except ImportError as error:
        raise ConfigError(f'{error.name} is not installed: pip install "vaekit[hub]"') from None
    transport: type[Exception] = errors.HfHubHTTPError.__bases__[
        0
    ]  # whichever HTTP library it is built on
    try:
        with _quiet():
            yield hub
    except VaekitError:
        raise
    except errors.RevisionNotFoundError as error:
        raise RunError(
            f"{repo} has no such revision: give a branch, a tag or a commit of it"
        ) from error
    except errors.GatedRepoError as error:
        raise RunError(
            f"{repo} is gated: ask for access on its page, then log in with `hf auth login`"
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise _missing(repo) from error
    except (
        transport,
        OSError,
        ValueError,
        KeyError,
        RuntimeError,
    ) as error:  # the last three: answers that are none
        raise _told(repo, error) from error


def _missing(repo: str) -> RunError:
    return RunError(
        f"{repo} is not on the hub, or not for you: check the name, or log in with `hf auth login`"
    )


def _told(repo: str, error: Exception) -> VaekitError:
    answers = (
        getattr(found, "response", None) for found in (error, error.__cause__)
    )  # the second: in a thread of an upload
    status = next((answer.status_code for answer in answers if answer is not None), None)
    if status in (401, 403):
        return OutputError(
            f"the hub does not let you do this with {repo}: log in with `hf auth login`, with a token that may"
        )
    if status == 404:
        return _missing(repo)
    if status == 429:
        return WorkError(
            f"{repo}: the hub has had too many requests from here (status 429): wait some minutes and try again"
        )
    reason = (
        f"status {status}"
        if status
        else (str(error).splitlines() or [""])[0][:200] or type(error).__name__
    )
    return WorkError(
        f"{repo}: the hub did not do its part ({reason}): check the network and try again"
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """No bar for each of many small files, no warnings of retries: what comes of them is told once, at the end."""
    from huggingface_hub.utils import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
        logging,
    )

    before, bars = logging.get_verbosity(), not are_progress_bars_disabled()
    logging.set_verbosity_error()
    disable_progress_bars()
    try:
        yield
    finally:
        logging.set_verbosity(before)
        if bars:
            enable_progress_bars()
