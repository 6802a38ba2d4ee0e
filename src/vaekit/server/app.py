"""The ASGI app of a server: its routes, and the steps of every request."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
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
from vaekit.server.images import IMAGES, read_image
from vaekit.server.limits import Limits
from vaekit.server.openapi import Description, describe, secured
from vaekit.server.prometheus import MEDIA, MeteredApp, ServerMetrics
from vaekit.server.schemas import (
    DecodeRequest,
    EncodeRequest,
    Error,
    Health,
    ModelInfo,
    SampleRequest,
    ScoreRequest,
)
from vaekit.server.service import Arrays, Service
from vaekit.web import App, BearerToken, Guard

HEADERS = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",  # no answer is a page
    "cache-control": "no-store",
}
OPEN_PATHS = ("/health",)
"""Paths that need no token: a supervisor has none."""
CLOSE = {"Connection": "close"}
PLAIN_BODY = {"Accept-Encoding": "identity"}
RETRY_LATER = {"Retry-After": "1"}
MAX_CODEC_JOBS = 32
"""Large bodies that are read, and large answers that are written, or wait for that."""
MAX_SHOWN = 100

Handler = Callable[[Any], Awaitable[Arrays]]
"""From a validated request to the arrays of its answer."""

Result = TypeVar("Result")


def create(
    service: Service,
    limits: Limits,
    hosts: Collection[str] | None,
    token: BearerToken | None = None,
) -> App:
    """The server of a model: guarded, metered, for any ASGI server of one process.

    Args:
        service: The model.
        limits: Limits of requests.
        hosts: Names that requests may have in their Host header; None: any.
        token: The bearer token of all requests but `GET /health`; None: none is needed.
    """
    server = Server(service, limits, token)
    guard = Guard(
        server.app,
        hosts=hosts,
        max_bytes=limits.max_body_bytes,
        headers=HEADERS,
        token=token,
        open_paths=OPEN_PATHS,
    )
    return MeteredApp(guard, server.metrics, server.paths)


class Server:
    """Endpoints over a service, which computes in one thread."""

    def __init__(self, service: Service, limits: Limits, token: BearerToken | None):
        self._service = service
        self._limits = limits
        self._token = token
        self._read_image = partial(read_image, service, limits.max_pixels)
        self._endpoints = endpoints(service.facts, limits, service.scores)
        self._codec_thread = ThreadPoolExecutor(1, thread_name_prefix="vaekit-codec")
        self._codec_jobs = 0
        self._batcher = Batcher(
            limits.max_batch_examples, limits.max_queue_examples, self._observe_batch
        )
        self.metrics = ServerMetrics(self._queued_examples)

        routes = self._routes()
        self.paths = [route.path for route in routes]
        self.app = Starlette(
            routes=routes, exception_handlers=EXCEPTION_HANDLERS, lifespan=self._lifespan
        )
        self.app.router.redirect_slashes = False

    def _routes(self) -> list[Route]:
        info = ModelInfo(**self._service.facts.model_dump(), limits=self._limits)
        pages = {
            "/v1/model": JSONResponse(info.model_dump(mode="json")),
            "/health": JSONResponse(Health().model_dump()),
            "/openapi.json": JSONResponse(self._description(info)),
        }
        handlers: dict[str, Handler] = {
            "encode": self._encode,
            "decode": self._decode,
            "sample": self._sample,
            "score": self._score,
        }
        gets = [Route(path, partial(_page, page), methods=["GET"]) for path, page in pages.items()]
        posts = [
            Route(endpoint.path, partial(self._post, endpoint, handlers[name]), methods=["POST"])
            for name, endpoint in self._endpoints.items()
        ]
        return [*gets, Route("/metrics", self._metrics, methods=["GET"]), *posts]

    def _description(self, info: ModelInfo) -> Description:
        description = describe(info, tuple(self._endpoints.values()))
        return description if self._token is None else secured(description, OPEN_PATHS)

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        yield
        await self._batcher.close(self._service.interrupted())
        self._codec_thread.shutdown(wait=False, cancel_futures=True)

    def _observe_batch(self, examples: int, requests: int) -> None:
        self.metrics.observe_batch(examples, requests)

    def _queued_examples(self) -> int:
        return self._batcher.queued_examples

    async def _metrics(self, _: Request) -> Response:
        return Response(self.metrics.text(), media_type=MEDIA)

    # --- Steps of a request ----------------------------------------------------------------------

    async def _post(self, endpoint: Endpoint, handler: Handler, request: Request) -> Response:
        _check_encoding(request)
        media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        body = await self._body(request)
        query = request.query_params.multi_items()
        read = partial(read_request, endpoint, media, body, query, self._read_image)
        size = LARGE if media in IMAGES else len(body)  # few bytes can be many pixels
        values = await self._in_thread_if_large(size, read)

        answer_media = response_media(endpoint, media, request.headers.get("accept", ""))
        arrays = await self._answer_in_time(handler, values)
        size = sum(array.size for array in arrays.values())
        write = partial(write_response, arrays, answer_media)
        return Response(await self._in_thread_if_large(size, write), media_type=answer_media)

    async def _body(self, request: Request) -> bytes:
        try:
            async with asyncio.timeout(self._limits.timeout_seconds):
                return await request.body()
        except TimeoutError:
            seconds = f"{self._limits.timeout_seconds:g}"
            raise HTTPError(
                408, f"the body was not received within {seconds} seconds. Send it again.", CLOSE
            ) from None
        except ClientDisconnect:
            raise HTTPError(400, "the body is incomplete. Send it again.", CLOSE) from None

    async def _in_thread_if_large(self, size: int, function: Callable[[], Result]) -> Result:
        """function(), in a thread if it is slow; one at a time, as each takes memory."""
        if size < LARGE:
            return function()
        if self._codec_jobs >= MAX_CODEC_JOBS:
            raise HTTPError(
                503, "too many large requests are in progress. Try again later.", RETRY_LATER
            )
        self._codec_jobs += 1
        try:
            async with asyncio.timeout(self._limits.timeout_seconds):
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(self._codec_thread, function)
        except TimeoutError:
            raise HTTPError(
                504,
                f"the request was not read or answered within {self._limits.timeout_seconds:g} "
                "seconds. Send less, or try again later.",
            ) from None
        finally:
            self._codec_jobs -= 1

    async def _answer_in_time(self, handler: Handler, values: Any) -> Arrays:
        try:
            async with asyncio.timeout(self._limits.timeout_seconds):
                return await handler(values)
        except TimeoutError:
            raise HTTPError(
                504,
                f"the answer was not computed within {self._limits.timeout_seconds:g} seconds. "
                "Send fewer examples, or try again later.",
            ) from None

    # --- Handlers --------------------------------------------------------------------------------

    async def _encode(self, request: EncodeRequest) -> Arrays:
        examples = self._service.check_examples(request.x, request.y)
        return await self._batched("encode", self._service.encode, examples)

    async def _decode(self, request: DecodeRequest) -> Arrays:
        latents = self._service.check_latents(request.z, request.y)
        return await self._batched("decode", self._service.decode, latents)

    async def _sample(self, request: SampleRequest) -> Arrays:
        """Latent codes depend on the seed and the count, so they are sampled alone."""
        sample = partial(self._service.sample_latents, request.count, request.label, request.seed)
        latents = await self._batcher.alone(sample, request.count)
        return await self._batched("sample", self._service.decode, latents)

    async def _score(self, request: ScoreRequest) -> Arrays:
        """The noise depends on the position of an example, so scores are computed alone."""
        examples = self._service.check_examples(request.x, request.y)
        draws = len(examples) * request.samples
        if draws > self._limits.max_draws:
            raise HTTPError(
                422,
                f"too many samples: got {len(examples):,} examples times {request.samples:,} "
                f"samples, expected at most {self._limits.max_draws:,} together. "
                "Send several requests.",
            )
        self.metrics.count_examples(self._endpoints["score"].path, len(examples))
        score = partial(
            self._service.score, examples, request.metric, request.samples, request.seed
        )
        return await self._batcher.alone(score, len(examples))

    async def _batched(
        self, name: str, function: Callable[[Examples], Arrays], examples: Examples
    ) -> Arrays:
        self.metrics.count_examples(self._endpoints[name].path, len(examples))
        return await self._batcher.batched(function, examples)


def _check_encoding(request: Request) -> None:
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding != "identity":
        raise HTTPError(
            415,
            f"unsupported Content-Encoding: got {encoding[:MAX_SHOWN]!a}, expected identity. "
            "Send the body uncompressed.",
            PLAIN_BODY,
        )


async def _page(page: Response, _: Request) -> Response:
    return page


# --- Errors --------------------------------------------------------------------------------------


def _error(status: int, reason: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse(Error(error=reason).model_dump(), status, headers)


async def _http_error(_: Request, error: HTTPError) -> Response:
    return _error(error.status, error.reason, error.headers)


async def _request_error(_: Request, error: ConfigError | DataError) -> Response:
    return _error(422, str(error))


async def _server_failure(_: Request, __: Exception) -> Response:
    """An unexpected error: the traceback is in the log of the server, the client sees none."""
    return _error(500, "the server failed on this request. Read the log of the server.")


async def _routing_error(request: Request, error: HTTPException) -> Response:
    """An unknown path or method."""
    path = request.url.path[:MAX_SHOWN]
    method = request.method[:20]
    allowed = (error.headers or {}).get("Allow", "")
    reasons = {
        404: f"unknown path: got {path!a}. Read /openapi.json for the known ones.",
        405: f"unsupported method: got {method!a}, expected {allowed}.",
    }
    return _error(error.status_code, reasons.get(error.status_code, error.detail), error.headers)


EXCEPTION_HANDLERS: Mapping[Any, Callable[..., Any]] = {
    HTTPException: _routing_error,
    HTTPError: _http_error,
    DataError: _request_error,
    ConfigError: _request_error,
    Exception: _server_failure,
}
