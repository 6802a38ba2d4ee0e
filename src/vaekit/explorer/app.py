"""The explorer's server: a fixed set of addresses, none of which is a path of the file system."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from vaekit.explorer import assets
from vaekit.explorer.content import Content, little_endian
from vaekit.web import App, Guard, missing_package

POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
MOST_BYTES = 2**10  # nothing is ever sent to this server


def explorer_app(content: Content, *, hosts: Collection[str] | None) -> App:
    """An ASGI app with the page of a run; ConfigError where starlette is not installed.

    hosts: the names that the Host header may hold; None: any.
    """
    try:
        from starlette.applications import Starlette
        from starlette.requests import Request
        from starlette.responses import Response
        from starlette.routing import Route
    except ImportError as error:
        raise missing_package(error, "explore") from None

    def fixed(answer: tuple[bytes, Mapping[str, str]]) -> Callable[[Request], Any]:
        async def give(request: Request) -> Response:
            return Response(answer[0], headers=dict(answer[1]))

        return give

    async def original(request: Request) -> Response:
        text = request.path_params["row"]
        if not (
            text.isascii()
            and text.isdecimal()
            and len(text) < 10
            and int(text) < content.facts["rows"]
        ):
            return Response("no such row", 404, media_type="text/plain")
        return Response(
            little_endian(content.original(int(text))), media_type="application/octet-stream"
        )

    routes = [Route(path, fixed(answer)) for path, answer in _answers(content).items()]
    app = Starlette(routes=[*routes, Route("/rows/{row}", original)])
    return Guard(
        app, hosts=hosts, most_bytes=MOST_BYTES, headers={"content-security-policy": POLICY}
    )


def _answers(content: Content) -> dict[str, tuple[bytes, dict[str, str]]]:
    """Address -> body and headers."""
    javascript, binary = "text/javascript; charset=utf-8", "application/octet-stream"
    texts = {
        "/": (assets.html().encode(), "text/html; charset=utf-8"),
        "/style.css": (assets.style().encode(), "text/css; charset=utf-8"),
        "/facts.json": (content.to_json(), "application/json"),
        f"/{assets.RUNTIME_MODULE}": (assets.runtime_module(), javascript),
        **{f"/{name}": (source.encode(), javascript) for name, source in assets.modules().items()},
    }
    found = {path: (body, {"content-type": kind}) for path, (body, kind) in texts.items()}
    found["/blobs/wasm"] = (
        assets.runtime_wasm(),
        {"content-type": binary, "content-encoding": "gzip"},
    )
    found |= {
        f"/blobs/{name}": (blob, {"content-type": binary}) for name, blob in content.blobs().items()
    }
    return {
        path: (body, {**headers, "cache-control": "no-cache"})
        for path, (body, headers) in found.items()
    }
