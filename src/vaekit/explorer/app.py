"""The server of the explorer: a fixed set of addresses, none of them a path of the file system."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from vaekit.explorer import assets
from vaekit.explorer.content import ExplorerContent, to_little_endian
from vaekit.web import App, Guard, missing_package

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; "
    "img-src 'self' blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors "
)
MAX_BODY_BYTES = 2**10  # no request of the page has a body
MAX_INDEX_DIGITS = 9
JAVASCRIPT = "text/javascript; charset=utf-8"
BINARY = "application/octet-stream"


@dataclass(frozen=True)
class _File:
    """One response that is always the same."""

    body: bytes
    headers: Mapping[str, str]


def explorer_app(
    content: ExplorerContent, *, hosts: Collection[str] | None, frame_ancestors: str = "'none'"
) -> App:
    """Build the ASGI app that serves the page of a run.

    Args:
        content: The content of the page.
        hosts: Allowed names in the Host header; None allows all.
        frame_ancestors: Pages that may show the page in a frame, as in a Content-Security-Policy.

    Returns:
        The app.

    Raises:
        ConfigError: starlette is not installed.

    >>> explorer_app(content, hosts=("127.0.0.1",))  # doctest: +SKIP
    """
    try:
        from starlette.applications import Starlette
        from starlette.requests import Request
        from starlette.responses import Response
        from starlette.routing import Route
    except ImportError as error:
        raise missing_package(error, "explore") from None

    def respond_with(file: _File) -> Callable[[Request], Any]:
        async def respond(request: Request) -> Response:
            return Response(file.body, headers=dict(file.headers))

        return respond

    async def example(request: Request) -> Response:
        index = _parse_index(request.path_params["index"], content.facts.examples)
        if index is None:
            return Response("no such example", 404, media_type="text/plain")
        return Response(to_little_endian(content.original(index)), media_type=BINARY)

    routes = [Route(path, respond_with(file)) for path, file in _files(content).items()]
    return Guard(
        Starlette(routes=[*routes, Route("/examples/{index}", example)]),
        hosts=hosts,
        max_bytes=MAX_BODY_BYTES,
        headers={"content-security-policy": CONTENT_SECURITY_POLICY + frame_ancestors},
    )


def _parse_index(text: str, count: int) -> int | None:
    """The index of an example; None if it is not a number or too large."""
    is_number = text.isascii() and text.isdecimal() and len(text) <= MAX_INDEX_DIGITS
    return int(text) if is_number and int(text) < count else None


def _files(content: ExplorerContent) -> dict[str, _File]:
    """The responses that are always the same, by address."""
    files = {
        "/": _file(assets.html().encode(), "text/html; charset=utf-8"),
        "/style.css": _file(assets.style().encode(), "text/css; charset=utf-8"),
        "/facts.json": _file(content.to_json(), "application/json"),
        f"/{assets.RUNTIME_MODULE}": _file(assets.runtime_module(), JAVASCRIPT),
        "/blobs/wasm": _file(assets.runtime_wasm(), BINARY, encoding="gzip"),
    }
    for name, source in assets.modules().items():
        files[f"/{name}"] = _file(source.encode(), JAVASCRIPT)
    for name, blob in content.blobs().items():
        files[f"/blobs/{name}"] = _file(blob, BINARY)
    return files


def _file(body: bytes, content_type: str, *, encoding: str | None = None) -> _File:
    headers = {"content-type": content_type, "cache-control": "no-cache"}
    if encoding is not None:
        headers["content-encoding"] = encoding
    return _File(body, headers)
