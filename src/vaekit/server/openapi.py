"""The OpenAPI 3.1 description of a server, from the models of its requests and answers."""

from collections.abc import Collection
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, JsonSchemaValue, models_json_schema

from vaekit.server.codec import JSON, NPY, NPZ, array_media
from vaekit.server.endpoints import Endpoint
from vaekit.server.images import IMAGES
from vaekit.server.schemas import Error, Health, ModelInfo

ERRORS = {
    400: "The body is damaged, or the Host header is missing.",
    403: "A page of another origin sent the request.",
    408: "The body was not received in time.",
    413: "The body is too large.",
    415: "The media type of the body is unknown, or it has a Content-Encoding.",
    421: "The server does not answer for this host.",
    422: "A wrong shape, an unknown class, or another invalid value.",
    500: "The server failed.",
    503: "The queue is full, or the server is shutting down.",
    504: "The answer was not computed in time.",
}
PAGE_ERRORS = (400, 421, 500, 503)

Description = dict[str, Any]
"""A part of the OpenAPI document."""


def describe(info: ModelInfo, endpoints: tuple[Endpoint, ...]) -> Description:
    """The description, ready for JSON; its examples are valid requests."""
    pages = {
        "/v1/model": _page(
            "model",
            "Facts about the model, and limits.",
            {JSON: {"schema": _reference(ModelInfo), "example": info.model_dump(mode="json")}},
        ),
        "/health": _page(
            "health", "Whether the server answers.", {JSON: {"schema": _reference(Health)}}
        ),
        "/metrics": _page(
            "metrics", "Metrics for Prometheus.", {"text/plain": {"schema": {"type": "string"}}}
        ),
        "/openapi.json": _page(
            "openapi", "This description.", {JSON: {"schema": {"type": "object"}}}
        ),
    }
    posts = {endpoint.path: {"post": _operation(endpoint, info.classes)} for endpoint in endpoints}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"{info.recipe} on {info.data}",
            "version": info.version,
            "description": "A variational autoencoder, served by vaekit.",
        },
        "servers": [{"url": "/"}],
        "paths": {**posts, **pages},
        "components": {
            "schemas": _schemas(endpoints),
            "responses": {str(status): _error(status, text) for status, text in ERRORS.items()},
        },
    }


def secured(description: Description, open_paths: Collection[str]) -> Description:
    """The description of a server that demands a bearer token, except on `open_paths`."""
    components = description["components"]
    components["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
    components["responses"]["401"] = _error(401, "The bearer token is missing or wrong.")
    for path, operations in description["paths"].items():
        for operation in operations.values():
            if path in open_paths:
                operation["security"] = []
            else:
                operation["responses"] |= _errors((401,))
    return {**description, "security": [{"bearer": []}]}


def _schemas(endpoints: tuple[Endpoint, ...]) -> JsonSchemaValue:
    """The schemas of all models by name."""
    answers = [*(endpoint.answer for endpoint in endpoints), ModelInfo, Health, Error]
    models: list[tuple[type[BaseModel], JsonSchemaMode]] = [
        *((endpoint.request, "validation") for endpoint in endpoints),
        *((answer, "serialization") for answer in answers),
    ]
    _, definitions = models_json_schema(models, ref_template="#/components/schemas/{model}")
    return definitions["$defs"]


def _reference(model: type) -> JsonSchemaValue:
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def _operation(endpoint: Endpoint, classes: tuple[str, ...]) -> Description:
    json = {"schema": _reference(endpoint.request), "example": _example(endpoint, classes)}
    request: Description = {JSON: json}
    parameters: list[Description] = []
    if endpoint.array:
        shape = ", ".join(map(str, endpoint.shape))
        text = f"{endpoint.array} [N, {shape}] of bool, integers or floats, from numpy.save."
        request[NPY] = _binary(NPY, text)
        if endpoint.takes_images:
            text = "One image, cropped and resized as the data of the model."
            request |= {media: _binary(media, text) for media in IMAGES}
        media = " or ".join(array_media(endpoint))
        parameters = [
            _parameter(name, schema, media)
            for name, schema in endpoint.fields.items()
            if name != endpoint.array
        ]
    first, *_ = endpoint.answer.model_fields
    answer = {
        JSON: {"schema": _reference(endpoint.answer)},
        NPY: _binary(NPY, f"{first} alone, as numpy.save writes it."),
        NPZ: _binary(NPZ, "All arrays by name, as numpy.savez writes them."),
    }
    success = {"description": "Arrays by name, one entry per example.", "content": answer}
    operation: Description = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "requestBody": {"required": True, "content": request},
        "responses": {"200": success, **_errors(tuple(ERRORS))},
    }
    if parameters:
        operation["parameters"] = parameters
    return operation


def _parameter(name: str, schema: JsonSchemaValue, media: str) -> Description:
    """A query parameter of a request whose body is an array or an image."""
    return {
        "name": name,
        "in": "query",
        "description": f"With a body of {media}.",
        "required": False,
        "schema": schema,
    }


def _example(endpoint: Endpoint, classes: tuple[str, ...]) -> Description:
    """The smallest request: one example of zeros, which every support has."""
    if endpoint.array is None:
        return {"count": 1, "seed": 0}
    zeros: Any = 0
    for size in reversed(endpoint.shape):
        zeros = [zeros] * size
    example = {endpoint.array: [zeros]}
    if classes:
        example[endpoint.labels] = [classes[0]]
    return example


def _binary(media: str, text: str) -> Description:
    return {"schema": {"type": "string", "contentMediaType": media, "description": text}}


def _page(name: str, summary: str, content: Description) -> Description:
    responses = {"200": {"description": summary, "content": content}, **_errors(PAGE_ERRORS)}
    return {"get": {"operationId": name, "summary": summary, "responses": responses}}


def _errors(statuses: tuple[int, ...]) -> Description:
    return {str(status): {"$ref": f"#/components/responses/{status}"} for status in statuses}


def _error(status: int, text: str) -> Description:
    response: Description = {
        "description": text,
        "content": {JSON: {"schema": _reference(Error)}},
    }
    if status == 503:
        header = {"description": "Seconds.", "schema": {"type": "integer"}}
        response["headers"] = {"Retry-After": header}
    if status == 401:
        header = {"description": "Bearer.", "schema": {"type": "string"}}
        response["headers"] = {"WWW-Authenticate": header}
    return response
