"""The ASGI app: routes, and what every request goes through."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from vaekit.data import Examples
from vaekit.errors import ConfigError, DataError
from vaekit.server.batching import Batcher
from vaekit.server.codec import LARGE, read_request, response_media, write_response
from vaekit.server.endpoints import Endpoint, endpoints
from vaekit.server.http_errors import HTTPError
from vaekit.server.limits import Limits
from vaekit.server.openapi import describe, model
from vaekit.server.prometheus import MEDIA, MeteredApp, ServerMetrics
from vaekit.server.service import Arrays, Service
from vaekit.web import App, Guard

HEADERS = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",  # no answer is a page
    "cache-control": "no-store",
}

Answer = Callable[[dict[str, Any]], Awaitable[Arrays]]
Result = TypeVar("Result")


def create(service: Service, limits: Limits, hosts: Collection[str] | None) -> App:
    """The server of a model: guarded, measured, ready for any ASGI server of one process.

    hosts: the names that requests may ask for; None: any.
    """
    server = Server(service, limits)
    guarded = Guard(server.app, hosts=hosts, most_bytes=limits.body_bytes, headers=HEADERS)
    return MeteredApp(guarded, server.metrics, server.paths)


class Server:
    """Endpoints over a service, which computes in one thread."""

    def __init__(self, service: Service, limits: Limits):
        self._service, self._limits = service, limits
        self._endpoints = endpoints(service.facts, limits, service.scores)
        self._batcher = Batcher(
            limits.max_batch_examples,
            limits.rows_waiting,
            lambda *sizes: self.metrics.batch(*sizes),
        )
        self._formats = ThreadPoolExecutor(1, thread_name_prefix="vaekit-formats")
        self.metrics = ServerMetrics(lambda: self._batcher.waiting)
        pages = {"/v1/model": model(service.facts, limits), "/health": {"status": "ok"}}
        pages["/openapi.json"] = describe(service.facts, limits, tuple(self._endpoints.values()))
        computed = {
            "encode": self._encode,
            "decode": self._decode,
            "sample": self._sample,
            "score": self._score,
        }
        routes = [
            *(Route(path, partial(_page, page), methods=["GET"]) for path, page in pages.items()),
            Route("/metrics", self._metrics, methods=["GET"]),
            *(
                Route(e.path, partial(self._post, e, computed[e.name]), methods=["POST"])
                for e in self._endpoints.values()
            ),
        ]
        self.paths = [route.path for route in routes]
        handlers = {
            HTTPException: _http,
            HTTPError: _refusal,
            DataError: _unfit,
            ConfigError: _unfit,
            Exception: _failure,
        }
        self.app = Starlette(routes=routes, exception_handlers=handlers, lifespan=self._lifespan)  # type: ignore[arg-type]
        self.app.router.redirect_slashes = False

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        yield
        await self._batcher.close(self._service.stopped())
        self._formats.shutdown(wait=False, cancel_futures=True)

    async def _metrics(self, _: Request) -> Response:
        return Response(self.metrics.text(), media_type=MEDIA)

    async def _post(self, endpoint: Endpoint, answer: Answer, request: Request) -> Response:
        coding = request.headers.get("content-encoding", "identity").strip().lower()[:100]
        if coding != "identity":
            raise HTTPError(
                415,
                f"a body with the Content-Encoding {coding!a} was given: send it as it is",
                PLAIN,
            )
        media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        body, query = await self._body(request), request.query_params.multi_items()
        given = await self._apart(len(body), partial(read_request, endpoint, media, body, query))
        wanted = response_media(endpoint, media, request.headers.get("accept", ""))
        try:
            async with asyncio.timeout(self._limits.seconds):
                found = await answer(given)
        except TimeoutError:
            seconds = f"{self._limits.seconds:g}"
            raise HTTPError(
                504, f"no answer within {seconds} seconds: send fewer rows, or try again later"
            ) from None
        size = sum(array.size for array in found.values())
        return Response(
            await self._apart(size, partial(write_response, found, wanted)), media_type=wanted
        )

    async def _apart(self, size: int, function: Callable[[], Result]) -> Result:
        """Its result, by a thread where it takes long; of many one at a time, as each takes memory."""
        if size < LARGE:
            return function()
        return await asyncio.get_running_loop().run_in_executor(self._formats, function)

    async def _body(self, request: Request) -> bytes:
        try:
            async with asyncio.timeout(self._limits.seconds):
                return await request.body()
        except TimeoutError:
            raise HTTPError(
                408, f"the body did not come within {self._limits.seconds:g} seconds", CLOSE
            ) from None
        except ClientDisconnect:
            raise HTTPError(400, "the body ended before its end", CLOSE) from None

    async def _encode(self, given: dict[str, Any]) -> Arrays:
        return await self._together(
            "encode", self._service.encode, self._service.rows(given["x"], given["y"])
        )

    async def _decode(self, given: dict[str, Any]) -> Arrays:
        return await self._together(
            "decode", self._service.decode, self._service.codes(given["z"], given["y"])
        )

    async def _sample(self, given: dict[str, Any]) -> Arrays:
        """The seed's codes are drawn alone, as they depend on how many there are; they are decoded with others'."""
        count = given["count"]
        drawn = await self._batcher.alone(
            partial(self._service.draw, count, given["label"], given["seed"]), count
        )
        return await self._together("sample", self._service.decode, drawn)

    async def _score(self, given: dict[str, Any]) -> Arrays:
        """Alone, as noise is drawn by the position of a row."""
        rows, samples = self._service.rows(given["x"], given["y"]), given["samples"]
        if len(rows) * samples > self._limits.draws:
            raise HTTPError(
                422,
                f"{len(rows):,} rows with {samples:,} samples: rows x samples may be {self._limits.draws:,}",
            )
        self.metrics.rows("/v1/score", len(rows))
        return await self._batcher.alone(
            partial(self._service.score, rows, given["by"], samples, given["seed"]), len(rows)
        )

    async def _together(
        self, name: str, function: Callable[[Examples], Arrays], rows: Examples
    ) -> Arrays:
        self.metrics.rows(self._endpoints[name].path, len(rows))
        return await self._batcher.together(function, rows)


CLOSE = {"Connection": "close"}
PLAIN = {"Accept-Encoding": "identity"}


async def _page(page: dict[str, Any], _: Request) -> Response:
    return JSONResponse(page)


def _error(status: int, reason: str, headers: Any = None) -> Response:
    return JSONResponse({"error": reason}, status, headers)


async def _refusal(_: Request, error: HTTPError) -> Response:
    return _error(error.status, error.reason, error.headers)


async def _unfit(_: Request, error: Exception) -> Response:
    return _error(422, str(error))


async def _failure(_: Request, __: Exception) -> Response:
    """What nobody foresaw: the server's log has the traceback, the client nothing of it."""
    return _error(500, "the server failed at this request: its log says where")


async def _http(request: Request, error: HTTPException) -> Response:
    allowed = (error.headers or {}).get("Allow", "")
    reasons = {
        404: f"there is no {request.url.path[:100]!a}: /openapi.json describes what there is",
        405: f"{request.method[:20]!a} is not allowed here: use {allowed}",
    }
    return _error(error.status_code, reasons.get(error.status_code, error.detail), error.headers)
