"""The description says what the server does: everything in it is there, and its examples work."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from server_client import arrays, ask, post, served

from conftest import small_images, train_small
from vaekit.data import Dataset, Examples, Support


@pytest.fixture(scope="module", params=["plain", "conditional", "numbered", "discrete", "table"])
def app(request, small_run, tmp_path_factory):
    options: dict[str, Any] = {
        "conditional": {"conditional": True},
        "numbered": {"conditional": True, "data": numbered()},
        "discrete": {"posterior": {"kind": "categorical", "classes": 4}, "latent_dim": 5},
        "table": {
            "data": Dataset(
                "table",
                Examples(np.random.default_rng(0).normal(size=(60, 4))),
                None,
                Support("real"),
            )
        },
    }
    if request.param == "plain":
        return served(small_run)
    return served(
        train_small(tmp_path_factory.mktemp(request.param) / "run", **options[request.param])
    )


def numbered() -> Dataset:
    bars = small_images()
    return Dataset("digits", bars.train, None, bars.support, ("0", "1", "02"))


@pytest.fixture(scope="module")
def described(app):
    return ask(app, "GET", "/openapi.json").json()


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from ([value["$ref"]] if "$ref" in value else [])
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


KNOWN = {
    *("type", "enum", "const", "anyOf", "minimum", "maximum", "default", "description"),
    *("properties", "required", "additionalProperties", "items", "minItems", "maxItems"),
}


def allows(schema: dict[str, Any], value: Any) -> bool:
    """Whether a value is one of a schema, by the words that the description uses."""
    known = {
        "type",
        "enum",
        "const",
        "anyOf",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "minItems",
        "maxItems",
    }
    told = {"minimum", "maximum", "default", "description"}
    assert set(schema) <= known | told, set(schema)
    kinds = {
        "integer": int,
        "number": (int, float),
        "string": str,
        "array": list,
        "object": dict,
        "null": type(None),
    }
    if "type" in schema and (
        not isinstance(value, kinds[schema["type"]]) or isinstance(value, bool)
    ):
        return False
    if "anyOf" in schema and not any(allows(one, value) for one in schema["anyOf"]):
        return False
    if value not in schema.get("enum", [value]) or value != schema.get("const", value):
        return False
    if isinstance(value, list):
        fits = schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", math.inf)
        return fits and all(allows(schema.get("items", {}), inner) for inner in value)
    if isinstance(value, dict) and "properties" in schema:
        named = set(schema["required"]) <= set(value) <= set(schema["properties"])
        return named and all(
            allows(schema["properties"][name], inner) for name, inner in value.items()
        )
    low, high = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
    return not isinstance(value, int | float) or low <= value <= high


def test_every_path_is_there_and_every_reference_leads_somewhere(app, described):
    assert (
        described["openapi"] == "3.1.0"
        and described["info"]["title"]
        and described["info"]["version"]
    )
    assert set(described["paths"]) == {
        *(f"/v1/{name}" for name in ("encode", "decode", "sample", "score", "model")),
        *("/health", "/metrics", "/openapi.json"),
    }
    names = [
        operation["operationId"]
        for path in described["paths"].values()
        for operation in path.values()
    ]
    assert len(set(names)) == len(names) == 8
    for reference in references(described):
        place = described
        for name in reference.removeprefix("#/").split("/"):
            place = place[name]
        assert place


def test_the_pages_are_what_is_said(app, described):
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            wrong = "DELETE"
            assert (
                ask(app, wrong, path).headers["allow"] in ("GET, HEAD", "HEAD, GET")
                or method == "post"
            )
            if method == "get":
                found = ask(app, "GET", path)
                (media, content), *_ = operation["responses"]["200"]["content"].items()
                assert found.headers["content-type"].startswith(media)
                assert media == "text/plain" or allows(content["schema"], found.json())


def test_the_examples_work_and_the_answers_are_what_is_said(app, described):
    for name in ("encode", "decode", "sample", "score"):
        operation = described["paths"][f"/v1/{name}"]["post"]
        content = operation["requestBody"]["content"]["application/json"]
        assert allows(content["schema"], content["example"])
        found = post(app, name, content["example"])
        answers = operation["responses"]["200"]["content"]
        assert found.status_code == 200 and allows(
            answers["application/json"]["schema"], found.json()
        )
        for media in ("application/x-npy", "application/x-npz"):
            binary = ask(
                app, "POST", f"/v1/{name}", json=content["example"], headers={"accept": media}
            )
            assert media in answers and binary.headers["content-type"] == media
            assert len(next(iter(arrays(binary).values()))) == 1


def test_defaults_are_what_is_said(app, described):
    """A request with every default written out is the same as one without."""
    for name in ("encode", "decode", "sample", "score"):
        operation = described["paths"][f"/v1/{name}"]["post"]
        content = operation["requestBody"]["content"]["application/json"]
        defaults = {
            k: v["default"] for k, v in content["schema"]["properties"].items() if "default" in v
        }
        assert defaults.keys() == {
            "sample": {"count", "seed"},
            "score": {"by", "samples", "seed"},
        }.get(name, set())
        needed = {k: v for k, v in content["example"].items() if k not in defaults}
        assert post(app, name, needed).json() == post(app, name, needed | defaults).json()


def test_what_is_not_allowed_is_refused(app, described):
    """The bounds of the description are those of the server."""
    for name in ("sample", "score"):
        content = described["paths"][f"/v1/{name}"]["post"]["requestBody"]["content"][
            "application/json"
        ]
        for option, schema in content["schema"]["properties"].items():
            for bound, step in (("minimum", -1), ("maximum", 1)):
                if schema.get("type") == "integer":
                    wrong = content["example"] | {option: schema[bound] + step}
                    assert not allows(content["schema"], wrong)
                    assert post(app, name, wrong).status_code == 422


def test_the_errors_that_come_are_described(app, described):
    responses = described["paths"]["/v1/encode"]["post"]["responses"]
    found = {
        ask(app, "POST", "/v1/encode", **request).status_code
        for request in (
            {"content": b"{", "headers": {"content-type": "application/json"}},
            {"json": {}},
            {"content": b""},
            {"json": {}, "headers": {"host": "evil.example"}},
            {"json": {}, "headers": {"origin": "http://evil.example"}},
            {"content": bytes(2**25 + 1)},
        )
    }
    assert found == {400, 403, 413, 415, 421, 422}
    assert {str(status) for status in found} | {"503", "504", "500", "408"} <= set(responses)


def test_classes_are_told(described):
    named = described["paths"]["/v1/decode"]["post"]["requestBody"]["content"]["application/json"][
        "schema"
    ]["properties"]
    label = described["paths"]["/v1/sample"]["post"]["requestBody"]["content"]["application/json"][
        "schema"
    ]["properties"]
    if "y" in named:
        one, each = named["y"]["anyOf"]
        assert one in ({"enum": ["a", "b", "c"]}, {"enum": ["0", "1", "02", 0, 1]})
        assert each["items"] == one and label["label"]["anyOf"] == [one, {"type": "null"}]
    else:
        assert "label" not in label


def test_classes_that_are_numbers_may_be_written_as_such(app, described):
    named = described["paths"]["/v1/decode"]["post"]["requestBody"]["content"]["application/json"]
    if 1 not in named["schema"]["properties"].get("y", {}).get("anyOf", [{}])[0].get("enum", []):
        return
    both = [post(app, "decode", named["example"] | {"y": [y]}).json() for y in (1, "1")]
    assert both[0] == both[1] != post(app, "decode", named["example"] | {"y": ["02"]}).json()
