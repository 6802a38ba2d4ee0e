"""Download of one file: addresses tried in turn, broken transfers resumed, nothing kept that its hash does not prove.

Our own on urllib, as pooch can neither resume nor hash what a file decompresses to, which alone is equal on all mirrors.
"""

import re
import zlib
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib import request
from urllib.error import HTTPError
from urllib.parse import urlsplit

from vaekit.data.cache import cache_lock, commit
from vaekit.data.remote_file import RemoteFile, matches_checksum
from vaekit.errors import DataError
from vaekit.runtime.terminal_progress import byte_progress

TIMEOUT = 30.0  # seconds without an answer or a byte
TRIES = 5  # connections to one address, each of which must bring something
_BLOCK = 2**16


class _FailureError(Exception):
    """What one address did wrong."""


class _BrokenError(_FailureError):
    """A transfer that may be resumed."""


def fetch(remote: RemoteFile, folder: Path) -> Path:
    """Download a file into `folder`, unless it is there; what came of a broken transfer stays and is resumed next time.

    The file takes its name only once its hash is right. Raises `DataError` saying what went wrong at each address,
    `OutputError` where `folder` cannot be written.
    """
    target, failures = folder / remote.name, []
    with cache_lock(folder, remote.size):
        if target.is_file():
            return target
        for address in remote.addresses:
            try:
                part = _receive(address, remote, folder)
            except _FailureError as failure:
                failures.append(f"{urlsplit(address).netloc} {failure}")
            else:
                commit(part, target)
                _clear(folder, remote)
                return target
    raise DataError(f"{remote.name} cannot be downloaded ({'; '.join(failures)})")


def _clear(folder: Path, remote: RemoteFile) -> None:
    """Remove what came from other mirrors."""
    for part in folder.glob(f"{remote.name}.*.part"):
        part.unlink()


def _receive(address: str, remote: RemoteFile, folder: Path) -> Path:
    """The whole file from one address, proven, under a name of its own: mirrors may have compressed it differently."""
    part = folder / f"{remote.name}.{zlib.crc32(address.encode()):08x}.part"
    for attempt in range(1, TRIES + 1):
        before = _size(part)
        try:
            _go_on(address, part, remote)
            break
        except _BrokenError:
            if _size(part) <= before or attempt == TRIES:
                raise
    if not matches_checksum(part, remote):
        part.unlink()
        raise _FailureError(f"sent a file whose md5 is not {remote.md5}")
    return part


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _go_on(address: str, part: Path, remote: RemoteFile) -> None:
    """Receive what is still missing; all of it where the server does not go on at the byte asked for."""
    have = _size(part)
    with closing(_open(address, have)) as response:
        resumed = response.status == 206 and re.match(
            rf"bytes {have}-", response.headers.get("Content-Range", "")
        )
        if have and response.status in (206, 416) and not resumed:
            part.unlink()
            return _go_on(address, part, remote)
        if response.status not in (200, 206):
            raise _FailureError(_line(f"answers {response.status} {response.reason}"))
        have = have if resumed else 0
        total = None if response.length is None else have + response.length
        with (
            part.open("ab" if resumed else "wb") as file,
            byte_progress(remote.name, have, total or remote.size) as advance,
        ):
            for block in _blocks(response):
                have += file.write(block)
                advance(len(block))
                if have > remote.size:
                    break
    if max(have, total or 0) > remote.size:
        part.unlink()
        raise _FailureError(f"sends more than the {remote.size} bytes that are allowed")
    if total is not None and have < total:
        raise _BrokenError(f"broke off after {have} of {total} bytes")
    return None


def _blocks(response: HTTPResponse) -> Iterator[bytes]:
    """What comes, as it comes, so that a break loses none of it."""
    try:
        while block := response.read1(_BLOCK):
            yield block
    except (OSError, HTTPException) as error:
        raise _BrokenError(_line(f"broke off: {_why(error)}")) from None


def _open(address: str, start: int) -> HTTPResponse:
    headers = {"User-Agent": "vaekit", "Accept-Encoding": "identity"} | (
        {"Range": f"bytes={start}-"} if start else {}
    )
    try:
        return _opener().open(request.Request(address, headers=headers), timeout=TIMEOUT)
    except HTTPError as error:  # of a redirect that leads nowhere
        error.close()
        raise _FailureError(_line(f"answers {error.code} {error.reason}")) from None
    except (OSError, HTTPException, ValueError) as error:
        raise _FailureError(_line(_why(error))) from None


class _Redirects(request.HTTPErrorProcessor):
    """Redirects are followed; any other answer is for the caller to judge."""

    def http_response(self, request, response):
        return (
            super().http_response(request, response) if 300 <= response.status < 400 else response
        )

    https_response = http_response


def _opener() -> request.OpenerDirector:
    """http and https, through the user's proxies, and nothing else that urllib could open, redirected there or not."""
    proxies = {
        scheme: proxy
        for scheme, proxy in request.getproxies().items()
        if scheme in ("http", "https")
    }
    opener = request.OpenerDirector()
    for handler in (
        request.ProxyHandler(proxies),
        request.UnknownHandler(),
        request.HTTPHandler(),
        request.HTTPSHandler(),
        request.HTTPRedirectHandler(),
        _Redirects(),
        request.HTTPDefaultErrorHandler(),
    ):
        opener.add_handler(handler)
    return opener


def _why(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    return getattr(reason, "strerror", None) or str(reason) or type(reason).__name__


def _line(text: str) -> str:
    """What a server may have worded, as a short printable line."""
    return "".join(c if c.isprintable() else " " for c in text)[:160]
