"""The OpenAPI 3.1 description of a server: made of the endpoints, with the shapes and classes of its own run."""

from typing import Any

from vaekit.server.codec import JSON, NPY, NPZ
from vaekit.server.endpoints import Endpoint, Schema
from vaekit.server.limits import Limits
from vaekit.server.service import Facts

ERRORS = {
    400: "The body is damaged, or the Host header is missing.",
    403: "A page of another origin asked.",
    408: "The body did not come in time.",
    413: "The body is too large.",
    415: "The media type of the body is not known, or it has a Content-Encoding.",
    421: "The server does not answer for this host.",
    422: "The request was understood and cannot be: a wrong shape, an unknown class, a number that is not allowed.",
    500: "The server failed.",
    503: "Too much is waiting, or the server is shutting down.",
    504: "No answer in time.",
}
OF_A_PAGE = (400, 421, 500, 503)


def describe(facts: Facts, limits: Limits, endpoints: tuple[Endpoint, ...]) -> dict[str, Any]:
    """The description, ready for JSON; every example in it works when it is sent."""
    pages = {
        "/v1/model": _page(
            "model",
            "What the model is and what it takes.",
            {JSON: {"schema": _model(facts, limits)}},
        ),
        "/health": _page(
            "health",
            "Whether the server answers.",
            {JSON: {"schema": _exactly({"status": {"const": "ok"}})}},
        ),
        "/metrics": _page(
            "metrics", "Figures for Prometheus.", {"text/plain": {"schema": {"type": "string"}}}
        ),
        "/openapi.json": _page(
            "openapi", "This description.", {JSON: {"schema": {"type": "object"}}}
        ),
    }
    title = f"{facts.recipe} on {facts.data}"
    return {
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": facts.version,
            "description": "A variational autoencoder, served by vaekit.",
        },
        "servers": [{"url": "/"}],
        "paths": {endpoint.path: {"post": _operation(endpoint, facts)} for endpoint in endpoints}
        | pages,
        "components": {
            "schemas": {
                "Error": _exactly({"error": {"type": "string", "description": "One line."}})
            },
            "responses": {str(status): _error(status, reason) for status, reason in ERRORS.items()},
        },
    }


def _operation(endpoint: Endpoint, facts: Facts) -> dict[str, Any]:
    json = {"schema": _request(endpoint, facts), "example": _example(endpoint, facts)}
    options = {
        name: _option(endpoint, name, facts) for name in endpoint.allowed[bool(endpoint.takes) :]
    }
    parameters = [
        {
            "name": name,
            "in": "query",
            "description": f"With a body of {NPY}.",
            "required": False,
            "schema": schema,
        }
        for name, schema in options.items()
        if endpoint.takes and schema
    ]
    first, *_ = endpoint.gives
    answer = _exactly(
        {name: _rows(shape, {"type": "number"}) for name, shape in endpoint.gives.items()}
    )
    content = {
        JSON: {"schema": answer},
        NPY: _binary(NPY, f"{first!r} alone, as numpy.save writes it."),
        NPZ: _binary(NPZ, "All by name, as numpy.savez writes them."),
    }
    done = {"description": "Arrays by name, a row for each row.", "content": content}
    described: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "requestBody": {"required": True, "content": {JSON: json, **_numpy(endpoint)}},
        "responses": {"200": done, **_errors(tuple(ERRORS))},
    }
    return {**described, "parameters": parameters} if parameters else described


def _numpy(endpoint: Endpoint) -> dict[str, Any]:
    if endpoint.takes is None:
        return {}
    name, shape = endpoint.takes
    text = f"{name}, [N, {', '.join(map(str, shape))}] of bool, integers or floats, as numpy.save writes it."
    return {NPY: _binary(NPY, text)}


def _request(endpoint: Endpoint, facts: Facts) -> Schema:
    described: dict[str, Schema] = {}
    if endpoint.takes:
        name, shape = endpoint.takes
        value = _value(facts.support) if name == "x" else {"type": "number"}
        described[name] = _rows(shape, value) | {"maxItems": endpoint.most_rows}
    for name in endpoint.allowed[bool(endpoint.takes) :]:
        if schema := _option(endpoint, name, facts):
            described[name] = schema
    required = [
        name
        for name in described
        if endpoint.takes and name in (endpoint.takes[0], endpoint.labels)
    ]
    return _exactly(described) | {"required": required}


def _option(endpoint: Endpoint, name: str, facts: Facts) -> Schema:
    """The schema of an option; of labels, where the run knows none, there is none."""
    if name != endpoint.labels:
        return endpoint.options[name]
    if not facts.classes:
        return {}
    numbers = [
        int(name)
        for name in facts.classes
        if name.isascii() and name.isdecimal() and str(int(name)) == name
    ]
    one: Schema = {"enum": [*facts.classes, *numbers]}
    if endpoint.takes is None:
        return {"anyOf": [one, {"type": "null"}], "description": "The class. Default: all in turn."}
    each: Schema = {"type": "array", "items": one, "minItems": 1, "maxItems": endpoint.most_rows}
    return {"anyOf": [one, each], "description": "The class of all rows, or of each."}


def _example(endpoint: Endpoint, facts: Facts) -> dict[str, Any]:
    """The smallest request: a row of zeros, which every support has."""
    if endpoint.takes is None:
        return {"count": 1, "seed": 0}
    name, shape = endpoint.takes
    labels = {endpoint.labels: [facts.classes[0]]} if facts.classes else {}
    return {name: [_zeros(shape)], **labels}


def _zeros(shape: tuple[int, ...]) -> Any:
    value: Any = 0
    for size in reversed(shape):
        value = [value] * size
    return value


def _rows(shape: tuple[int, ...], value: Schema) -> Schema:
    """The schema of rows of nested lists."""
    for size in reversed(shape):
        value = {"type": "array", "items": value, "minItems": size, "maxItems": size}
    return {"type": "array", "items": value, "minItems": 1}


def _value(support: str) -> Schema:
    kind, _, levels = support.partition(":")
    known: dict[str, Schema] = {
        "binary": {"enum": [0, 1]},
        "unit": {"type": "number", "minimum": 0, "maximum": 1},
        "integers": {"type": "integer", "minimum": 0, "maximum": int(levels or 1) - 1},
    }
    return known.get(kind, {"type": "number"})


def _model(facts: Facts, limits: Limits) -> Schema:
    """Facts and limits as they are: they do not change while the server runs."""
    return {"type": "object", "const": model(facts, limits)}


def model(facts: Facts, limits: Limits) -> dict[str, Any]:
    """What `/v1/model` answers."""
    return {**_plain(vars(facts)), "limits": _plain(vars(limits))}


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in values.items()
    }


def _exactly(properties: dict[str, Schema]) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _binary(media: str, text: str) -> dict[str, Any]:
    return {"schema": {"type": "string", "contentMediaType": media, "description": text}}


def _page(name: str, summary: str, content: dict[str, Any]) -> dict[str, Any]:
    responses = {"200": {"description": summary, "content": content}, **_errors(OF_A_PAGE)}
    return {"get": {"operationId": name, "summary": summary, "responses": responses}}


def _errors(statuses: tuple[int, ...]) -> dict[str, Any]:
    return {str(status): {"$ref": f"#/components/responses/{status}"} for status in statuses}


def _error(status: int, reason: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "description": reason,
        "content": {JSON: {"schema": {"$ref": "#/components/schemas/Error"}}},
    }
    if status == 503:
        found["headers"] = {
            "Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}
        }
    return found
