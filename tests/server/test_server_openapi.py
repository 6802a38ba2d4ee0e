"""The description agrees with the server: paths, schemas, examples, defaults and limits."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from server_client import arrays, ask, post, served

from conftest import small_images, train_small
from vaekit.data import Dataset, Examples, Support

NAMES = ("encode", "decode", "sample", "score")
TYPES = {
    "integer": int,
    "number": (int, float),
    "string": str,
    "array": list,
    "object": dict,
    "null": type(None),
}
CHECKED = {
    *("$ref", "type", "enum", "const", "anyOf"),
    *("minimum", "maximum", "items", "minItems", "maxItems"),
    *("properties", "required", "additionalProperties"),
}
"""The keywords that `allows` checks."""
ANNOTATIONS = {"title", "description", "default"}


@pytest.fixture(scope="module", params=["plain", "conditional", "decimal", "discrete", "table"])
def app(request, small_run, tmp_path_factory):
    if request.param == "plain":
        return served(small_run)
    table = np.random.default_rng(0).normal(size=(60, 4))
    options: dict[str, Any] = {
        "conditional": {"conditional": True},
        "decimal": {"conditional": True, "data": decimal_classes()},
        "discrete": {"posterior": {"kind": "categorical", "classes": 4}, "latent_dim": 5},
        "table": {"data": Dataset("table", Examples(table), None, Support("real"))},
    }
    folder = tmp_path_factory.mktemp(request.param)
    return served(train_small(folder / "run", **options[request.param]))


def decimal_classes() -> Dataset:
    """Images whose class names are decimal numbers, one of them not canonical."""
    images = small_images()
    return Dataset("digits", images.train, None, images.support, ("0", "1", "02"))


@pytest.fixture(scope="module")
def description(app):
    return ask(app, "GET", "/openapi.json").json()


def references(value: Any) -> Iterator[str]:
    """All references within a part of the description."""
    if isinstance(value, dict):
        yield from ([value["$ref"]] if "$ref" in value else [])
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def resolve(description: dict[str, Any], reference: str) -> Any:
    """The part of the description that a reference names."""
    part = description
    for name in reference.removeprefix("#/").split("/"):
        part = part[name]
    return part


def allows(description: dict[str, Any], schema: dict[str, Any], value: Any) -> bool:
    """Whether a schema allows a value, by the keywords of JSON Schema that are used."""
    assert set(schema) <= CHECKED | ANNOTATIONS, set(schema)
    if "$ref" in schema:
        return allows(description, resolve(description, schema["$ref"]), value)
    if "type" in schema and not _has_type(schema["type"], value):
        return False
    if "anyOf" in schema and not any(allows(description, one, value) for one in schema["anyOf"]):
        return False
    if value not in schema.get("enum", [value]) or value != schema.get("const", value):
        return False
    if isinstance(value, list):
        fits = schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", math.inf)
        items = schema.get("items", {})
        return fits and all(allows(description, items, inner) for inner in value)
    if isinstance(value, dict) and "properties" in schema:
        return _has_fields(description, schema, value)
    minimum = schema.get("minimum", -math.inf)
    maximum = schema.get("maximum", math.inf)
    return not isinstance(value, int | float) or minimum <= value <= maximum


def _has_type(name: str, value: Any) -> bool:
    return isinstance(value, TYPES[name]) and not isinstance(value, bool)


def _has_fields(description: dict[str, Any], schema: dict[str, Any], value: dict) -> bool:
    properties = schema["properties"]
    if not set(schema.get("required", ())) <= set(value) <= set(properties):
        return False
    return all(allows(description, properties[name], inner) for name, inner in value.items())


def request_of(description: dict[str, Any], name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The schema and the example of an endpoint's JSON request."""
    operation = description["paths"][f"/v1/{name}"]["post"]
    content = operation["requestBody"]["content"]["application/json"]
    return resolve(description, content["schema"]["$ref"]), content["example"]


def test_every_path_is_described_and_every_reference_resolves(description):
    assert description["openapi"] == "3.1.0"
    assert description["info"]["title"] and description["info"]["version"]
    assert set(description["paths"]) == {
        *(f"/v1/{name}" for name in (*NAMES, "model")),
        *("/health", "/metrics", "/openapi.json"),
    }
    operations = [each for path in description["paths"].values() for each in path.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations) == 8
    for reference in references(description):
        assert resolve(description, reference)


def test_every_schema_is_used(description):
    used = {name.rpartition("/")[2] for name in references(description) if "/schemas/" in name}
    assert used == set(description["components"]["schemas"])


def test_pages_answer_as_described(app, description):
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            allowed = ask(app, "DELETE", path).headers["allow"]
            assert allowed in (("POST",) if method == "post" else ("GET, HEAD", "HEAD, GET"))
            if method == "get":
                answer = ask(app, "GET", path)
                ((media, content),) = operation["responses"]["200"]["content"].items()
                assert answer.headers["content-type"].startswith(media)
                if media == "application/json":
                    assert allows(description, content["schema"], answer.json())
                    assert content.get("example", answer.json()) == answer.json()


@pytest.mark.parametrize("name", NAMES)
def test_examples_are_valid_and_answered_as_described(app, description, name: str):
    schema, example = request_of(description, name)
    assert allows(description, schema, example)
    answer = post(app, name, example)
    assert answer.status_code == 200
    described = description["paths"][f"/v1/{name}"]["post"]["responses"]["200"]["content"]
    assert allows(description, described["application/json"]["schema"], answer.json())
    for media in ("application/x-npy", "application/x-npz"):
        binary = ask(app, "POST", f"/v1/{name}", json=example, headers={"accept": media})
        assert media in described
        assert binary.headers["content-type"] == media
        assert len(next(iter(arrays(binary).values()))) == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_request_with_its_described_defaults_is_one_without(app, description, name: str):
    schema, example = request_of(description, name)
    defaults = {
        key: field["default"] for key, field in schema["properties"].items() if "default" in field
    }
    expected = {
        "sample": {"count", "seed"} | ({"label"} & set(schema["properties"])),
        "score": {"metric", "samples", "seed"},
    }
    assert defaults.keys() == expected.get(name, set())
    required = {key: value for key, value in example.items() if key not in defaults}
    assert set(required) == set(schema.get("required", ()))
    assert post(app, name, required).json() == post(app, name, required | defaults).json()


@pytest.mark.parametrize("name", NAMES)
def test_values_beyond_the_described_limits_are_refused(app, description, name: str):
    schema, example = request_of(description, name)
    for option, field in schema["properties"].items():
        for bound, step in (("minimum", -1), ("maximum", 1)):
            if field.get("type") == "integer":
                beyond = example | {option: field[bound] + step}
                assert not allows(description, schema, beyond)
                assert post(app, name, beyond).status_code == 422
    for required in schema.get("required", ()):
        missing = {key: value for key, value in example.items() if key != required}
        assert not allows(description, schema, missing)
        assert post(app, name, missing).status_code == 422
    assert not allows(description, schema, example | {"unknown": 1})
    assert post(app, name, example | {"unknown": 1}).status_code == 422


@pytest.mark.parametrize("name", NAMES)
def test_query_parameters_are_the_options_of_the_request(description, name: str):
    operation = description["paths"][f"/v1/{name}"]["post"]
    schema, _ = request_of(description, name)
    has_array = "application/x-npy" in operation["requestBody"]["content"]
    options = {key: field for key, field in schema["properties"].items() if key not in ("x", "z")}
    assert has_array == (name != "sample")
    parameters = {each["name"]: each["schema"] for each in operation.get("parameters", ())}
    assert parameters == (options if has_array else {})


def test_errors_of_the_server_are_described(app, description):
    responses = description["paths"]["/v1/encode"]["post"]["responses"]
    requests = (
        {"content": b"{", "headers": {"content-type": "application/json"}},
        {"json": {}},
        {"content": b""},
        {"json": {}, "headers": {"host": "evil.example"}},
        {"json": {}, "headers": {"origin": "http://evil.example"}},
        {"content": bytes(2**25 + 1)},
    )
    answers = [ask(app, "POST", "/v1/encode", **request) for request in requests]
    statuses = {str(answer.status_code) for answer in answers}
    assert statuses == {"400", "403", "413", "415", "421", "422"}
    assert statuses | {"408", "500", "503", "504"} <= set(responses)
    for answer in answers:
        reference = responses[str(answer.status_code)]["$ref"]
        content = resolve(description, reference)["content"]["application/json"]
        assert allows(description, content["schema"], answer.json())


def test_classes_are_described_if_there_are_any(app, description):
    classes = ask(app, "GET", "/v1/model").json()["classes"]
    fields = request_of(description, "decode")[0]["properties"]
    samples = request_of(description, "sample")[0]["properties"]
    if not classes:
        assert "y" not in fields and "label" not in samples
        return
    one, each = fields["y"]["anyOf"]
    assert one["enum"] == (["a", "b", "c"] if "a" in classes else ["0", "1", "02", 0, 1])
    assert each["items"] == one
    assert samples["label"]["anyOf"] == [one, {"type": "null"}]


@pytest.mark.parametrize("app", ["decimal"], indirect=True)
def test_decimal_class_names_may_be_numbers(app, description):
    example = request_of(description, "decode")[1]
    number, name, other = (post(app, "decode", example | {"y": [y]}) for y in (1, "1", "02"))
    assert number.json() == name.json() != other.json()
