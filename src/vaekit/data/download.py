"""Download one file: addresses tried in turn, broken transfers resumed, the checksum verified.

Built on urllib, because pooch can neither resume nor verify the decompressed content, which alone
is equal on all mirrors.
"""

import re
import zlib
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import TYPE_CHECKING
from urllib import request
from urllib.error import HTTPError
from urllib.parse import urlsplit

from vaekit.data.cache import cache_lock, commit
from vaekit.errors import NetworkError
from vaekit.printable import printable
from vaekit.runtime.terminal_progress import byte_progress

if TYPE_CHECKING:
    from vaekit.data.remote_file import RemoteFile

TIMEOUT_SECONDS = 30.0
"""Longest wait for an answer or for the next bytes."""
MAX_CONNECTIONS = 5
"""Connections to one address, as long as each brings bytes."""
MAX_REASON_CHARACTERS = 160

_BLOCK_BYTES = 2**16
_OK = 200
_PARTIAL_CONTENT = 206
_RANGE_NOT_SATISFIABLE = 416


class _DownloadError(Exception):
    """The failure of one address."""


class _BrokenTransferError(_DownloadError):
    """The failure of a transfer that may be resumed."""


def fetch(
    remote: "RemoteFile",
    folder: Path,
    *,
    timeout: float = TIMEOUT_SECONDS,
    max_connections: int = MAX_CONNECTIONS,
) -> Path:
    """Download a file into a folder, unless it is there.

    The file takes its name once its checksum is right. The beginning of a broken transfer stays in
    the folder, and the next call resumes it.

    Args:
        remote: The file.
        folder: The folder.
        timeout: Longest wait for an answer or for the next bytes, in seconds.
        max_connections: Connections to one address, as long as each brings bytes.

    Returns:
        The path of the file.

    Raises:
        NetworkError: No address offers the file; the message has the reason of each.
        OutputError: The folder cannot be written.
        DiskError: The disk is full or fails.
    """
    target = folder / remote.name
    failures = []
    with cache_lock(folder, remote.size):
        if target.is_file():
            return target
        for address in remote.addresses:
            try:
                part = _receive(address, remote, folder, timeout, max_connections)
            except _DownloadError as failure:
                failures.append(f"{urlsplit(address).netloc} {failure}")
            else:
                commit(part, target)
                _remove_parts(folder, remote)
                return target
    raise NetworkError(f"cannot download {remote.name}: {'; '.join(failures)}.")


def _remove_parts(folder: Path, remote: "RemoteFile") -> None:
    """Remove incomplete files of other mirrors."""
    for part in folder.glob(f"{remote.name}.*.part"):
        part.unlink()


def _receive(
    address: str, remote: "RemoteFile", folder: Path, timeout: float, max_connections: int
) -> Path:
    """The complete, verified file from one address.

    Its name depends on the address, because mirrors may have compressed the file differently.
    """
    part = folder / f"{remote.name}.{zlib.crc32(address.encode()):08x}.part"
    for connection in range(1, max_connections + 1):
        size_before = _size(part)
        try:
            _resume(address, part, remote, timeout)
            break
        except _BrokenTransferError:
            if _size(part) <= size_before or connection == max_connections:
                raise
    if not remote.matches_checksum(part):
        part.unlink()
        raise _DownloadError(f"sent a file whose MD5 is not {remote.md5}")
    return part


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _resume(address: str, part: Path, remote: "RemoteFile", timeout: float) -> None:
    """Receive the missing bytes; all bytes from a server that does not start at the requested
    one."""
    size = _size(part)
    with closing(_open(address, size, timeout)) as response:
        is_resumed = _starts_at(response, size)
        has_no_rest = response.status in (_PARTIAL_CONTENT, _RANGE_NOT_SATISFIABLE)
        if size and has_no_rest and not is_resumed:
            part.unlink()
            return _resume(address, part, remote, timeout)
        if response.status not in (_OK, _PARTIAL_CONTENT):
            raise _answered(response.status, response.reason)
        return _save(response, part, remote, size if is_resumed else 0)


def _starts_at(response: HTTPResponse, start: int) -> bool:
    """Whether the answer is the rest of the file from this byte on."""
    content_range = response.headers.get("Content-Range", "")
    is_rest = re.match(rf"bytes {start}-", content_range) is not None
    return response.status == _PARTIAL_CONTENT and is_rest


def _save(response: HTTPResponse, part: Path, remote: "RemoteFile", start: int) -> None:
    """Write an answer into the incomplete file, from byte `start` on."""
    size = start
    total = None if response.length is None else start + response.length
    with (
        part.open("ab" if start else "wb") as file,
        byte_progress(remote.name, start, total or remote.size) as advance,
    ):
        for block in _blocks(response):
            size += file.write(block)
            advance(len(block))
            if size > remote.size:
                break
    if max(size, total or 0) > remote.size:
        part.unlink()
        raise _DownloadError(f"sends more than {remote.size} bytes")
    if total is not None and size < total:
        raise _BrokenTransferError(f"broke off after {size} of {total} bytes")


def _blocks(response: HTTPResponse) -> Iterator[bytes]:
    """The bytes as they arrive, so that a broken transfer loses none of them."""
    try:
        while block := response.read1(_BLOCK_BYTES):
            yield block
    except (OSError, HTTPException) as error:
        raise _BrokenTransferError(f"broke off: {_reason(error)}") from None


def _open(address: str, start: int, timeout: float) -> HTTPResponse:
    headers = {"User-Agent": "vaekit", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    try:
        return _opener().open(request.Request(address, headers=headers), timeout=timeout)
    except HTTPError as error:  # of a redirect without a target
        error.close()
        raise _answered(error.code, error.reason) from None
    except (OSError, HTTPException, ValueError) as error:
        raise _DownloadError(_reason(error)) from None


class _RedirectsOnly(request.HTTPErrorProcessor):
    """Follow redirects, and return every other answer as it is."""

    def http_response(self, request, response):
        if 300 <= response.status < 400:
            return super().http_response(request, response)
        return response

    https_response = http_response


def _opener() -> request.OpenerDirector:
    """Open http and https, through the user's proxies, and no other scheme, redirected or not."""
    schemes = ("http", "https")
    proxies = {scheme: url for scheme, url in request.getproxies().items() if scheme in schemes}
    handlers = (
        request.ProxyHandler(proxies),
        request.UnknownHandler(),
        request.HTTPHandler(),
        request.HTTPSHandler(),
        request.HTTPRedirectHandler(),
        _RedirectsOnly(),
        request.HTTPDefaultErrorHandler(),
    )
    opener = request.OpenerDirector()
    for handler in handlers:
        opener.add_handler(handler)
    return opener


def _answered(status: int, reason: str) -> _DownloadError:
    return _DownloadError(printable(f"answers {status} {reason}", MAX_REASON_CHARACTERS))


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    text = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
    return printable(text, MAX_REASON_CHARACTERS)
