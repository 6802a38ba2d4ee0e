"""Requests that nobody should send: each is refused in one line, and the server goes on."""

import asyncio
import json
import struct

import numpy as np
import pytest
from server_client import NPY, arrays, ask, ask_all, check_error, post, sent, served

from conftest import small_images, train_small
from vaekit.server import messages
from vaekit.server.service import Facts
from vaekit.web import LOOPBACK, Guard

X = small_images(2).train.x
GOOD = ("POST", "/v1/decode", sent({"z": [[0, 0, 0]]}))


@pytest.fixture
def app(small_run):
    return served(small_run, body_bytes=100_000, rows=50)


@pytest.fixture(scope="module")
def conditional(tmp_path_factory):
    run = train_small(
        tmp_path_factory.mktemp("classes") / "run", small_images(), conditional=True, latent_dim=3
    )
    return served(run)


def refused(found, status: int, *said: str) -> None:
    assert found.status_code == status, found.text
    check_error(found)
    for words in said:
        assert words in found.json()["error"]


# --- Paths, methods, names ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1/../../etc/passwd",
        "/v1/%2e%2e/%2e%2e/etc/passwd",
        "/..%2f..%2fetc/passwd",
        "/v1/encode/",
        "/v1/encode/config.yaml",
        "/v1//encode",
        "/config.yaml",
        "/model.safetensors",
        "/v1/encode%00",
        "//etc/passwd",
        "/" + "a" * 5000,
    ],
)
def test_no_path_leads_anywhere_else(app, path):
    for method in ("GET", "POST"):
        refused(
            ask(app, method, path, json={}) if method == "POST" else ask(app, method, path),
            404,
            "/openapi.json",
        )


@pytest.mark.parametrize(
    "method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "NONSENSE"]
)
def test_another_method(app, method):
    found = ask(app, method, "/v1/encode")
    refused(found, 405, "use POST")
    assert found.headers["allow"] == "POST"


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "evil.example:8000", "0.0.0.0"],
)
def test_another_host(app, host):
    refused(ask(app, "POST", "/v1/sample", json={}, headers={"host": host}), 421, "localhost")
    refused(ask(app, "GET", "/v1/model", headers={"host": host}), 421)


@pytest.mark.parametrize(
    "host", ["", "a b", "[::1", "localhost:80a", "localhost/", "user@localhost", "[::1]x"]
)
def test_a_host_that_is_none(app, host):
    refused(ask(app, "GET", "/health", headers={"host": host}), 400, "Host")


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8000", "127.0.0.1:1", "[::1]:8000", "localhost."]
)
def test_this_machine_by_its_names(app, host):
    assert ask(app, "GET", "/health", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://localhost:9999", "http://localhost.evil.example"],
)
def test_a_page_of_another_origin(app, origin):
    refused(ask(app, "POST", "/v1/sample", json={}, headers={"origin": origin}), 403)


def test_a_page_of_its_own_origin(app):
    headers = {"origin": "http://localhost:8000", "host": "localhost:8000"}
    assert ask(app, "POST", "/v1/sample", json={}, headers=headers).status_code == 200


# --- Sizes ----------------------------------------------------------------------------------------------------------------


def test_a_body_that_says_that_it_is_too_large(app):
    refused(post(app, "encode", bytes(200_000)), 413, "100,000 bytes")


def test_a_body_that_does_not_say_so(app):
    async def chunks():
        for _ in range(1000):
            yield bytes(1000)

    refused(ask(app, "POST", "/v1/encode", content=chunks(), headers=NPY), 413, "100,000 bytes")


@pytest.mark.parametrize("length", ["-1", "1e3", "٣", "9" * 40, ""])
def test_a_length_that_is_none(app, length):
    found = ask(
        app, "POST", "/v1/encode", content=b"{}", headers={"content-length": length.encode()}
    )
    refused(found, 413 if length.startswith("9") else 400)


def test_too_many_rows_and_too_many_samples(app):
    refused(post(app, "decode", {"z": [[0, 0, 0]] * 51}), 422, "51 rows", "at most 50")
    refused(post(app, "decode", np.zeros((51, 3))), 422, "51 rows")
    refused(post(app, "sample", {"count": 10**9}), 422, "count = 1000000000", "1 to 50")
    refused(post(app, "score", {"x": X.tolist(), "samples": 10**9}), 422, "1 to 5000")


def test_too_many_draws_in_all(small_run):
    found = post(served(small_run, draws=100), "score", {"x": X.tolist(), "samples": 51})
    refused(found, 422, "2 rows with 51 samples", "100")


def test_bodies_in_progress_are_bounded_together():
    """The 17th large body is refused while sixteen are held, and taken when they have gone."""

    async def app(scope, receive, send):
        while (await receive()).get("more_body"):
            pass
        if scope["path"] == "/hold":
            await held.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def request(path: str) -> int:
        statuses = []

        async def receive():
            return {"type": "http.request", "body": bytes(100), "more_body": False}

        async def send(message):
            statuses.append(message.get("status"))

        headers = [(b"host", b"localhost")]
        await guard(
            {"type": "http", "method": "POST", "path": path, "headers": headers}, receive, send
        )
        return statuses[0]

    async def main() -> list[int]:
        first = [asyncio.create_task(request("/hold")) for _ in range(16)]
        await asyncio.sleep(0)
        seen = [await request("/")]
        held.set()
        return [*seen, *await asyncio.gather(*first), await request("/")]

    held, guard = asyncio.Event(), Guard(app, hosts=LOOPBACK, most_bytes=100, headers={})
    assert asyncio.run(main()) == [503, *[200] * 17]


def test_too_many_rows_are_counted_before_they_are_looked_at(app):
    refused(post(app, "decode", {"z": [["text"]] * 51}), 422, "51 rows")


@pytest.mark.parametrize("part", [b"[0,0],", b"[],", b"{},", b"[[[[", b"0,", b'{"a":'])
def test_far_too_many_values_are_not_even_made(app, monkeypatch, part):
    monkeypatch.setattr(messages, "_object", lambda *_: pytest.fail("they were"))
    for name in ("decode", "sample"):
        body = b'{"z": [' + part * (90_000 // len(part))
        found = ask(
            app, "POST", f"/v1/{name}", content=body, headers={"content-type": "application/json"}
        )
        refused(found, 422, "too many values", "at most 50 rows")


# --- JSON -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"3",
        b"null",
        b'"x"',
        b'{"z": [[0, 0, NaN]]}',
        b'{"z": [[0, 0, Infinity]]}',
        b'{"z": [[0, 0, -Infinity]]}',
        b"\xff\xfe{}",
        b'{"z": [[0, 0, ' + b"1" * 5000 + b"]]}",
        b"[" * 10_000,
        b'{"z":' * 10_000,
        b'{"z": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    ],
)
def test_what_is_no_json_object(app, body):
    refused(
        ask(app, "POST", "/v1/decode", content=body, headers={"content-type": "application/json"}),
        400,
    )


@pytest.mark.parametrize(
    "z",
    [
        None,
        3,
        "text",
        [],
        [[]],
        [1, 2, 3],
        [[0, 0]],
        [[0, 0, 0, 0]],
        [[0, 0, 0], [0, 0]],
        [[0, 0, "0"]],
        [[0, 0, None]],
        [[0, 0, {}]],
        [[0, 0, [0]]],
        [["x" * 90_000, 0, 0]],
        {"0": [0, 0, 0]},
        [[0, 0, 10**400]],
        [[0, 0, 1e39]],
        [[0, True, False]],
    ],
)
def test_codes_that_are_none(app, z):
    refused(post(app, "decode", {"z": z}), 422)


@pytest.mark.parametrize(
    ("z", "said"),
    [
        ([], "'z' is empty: give rows [N, 3]"),
        (np.zeros((0, 3)), "'z' is empty: give rows [N, 3]"),
        (3, "'z' is a single number: give rows [N, 3]"),
        (np.zeros(()), "'z' is a single number: give rows [N, 3]"),
        ([[0, True, False]], "'z' holds true or false: give rows of numbers"),
    ],
)
def test_what_is_wrong_with_codes_is_said(app, z, said):
    refused(post(app, "decode", z if isinstance(z, np.ndarray) else {"z": z}), 422, said)


@pytest.mark.parametrize("padding", [0, messages.LARGE])
def test_a_number_of_many_digits_is_not_of_interest_to_python(app, padding):
    body = b" " * padding + b'{"z": [[0, 0, ' + b"1" * 5000 + b"]]}"
    found = ask(
        app, "POST", "/v1/decode", content=body, headers={"content-type": "application/json"}
    )
    refused(found, 400, "a whole number of more than 4,300 digits was given")


def test_a_number_that_only_json_can_write(app):
    found = ask(
        app,
        "POST",
        "/v1/decode",
        content=b'{"z": [[0, 0, 1e999]]}',
        headers={"content-type": "application/json"},
    )
    refused(found, 422, "finite")


def test_lists_in_lists_in_lists(app):
    deep: list = [0]
    for _ in range(300):
        deep = [deep]
    refused(post(app, "decode", {"z": deep}), 422)


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (np.zeros((2, 1, 9, 8)), "(1, 8, 8)"),
        (np.full((2, 1, 8, 8), 256), "0 to 255"),
        (np.full((2, 1, 8, 8), -1), "0 to 255"),
        (np.full((2, 1, 8, 8), 0.5), "0 to 255"),
    ],
)
def test_rows_that_do_not_suit_the_model(app, x, said):
    for body in ({"x": x.tolist()}, x):
        found = post(app, "encode", body)
        refused(found, 422, said)
        assert "--" not in found.json()["error"]  # options of a command line


@pytest.mark.parametrize("name", ["encode", "decode", "sample", "score"])
def test_classes_of_a_model_that_has_none(app, name):
    given = {
        "encode": {"x": X.tolist(), "y": "a"},
        "decode": {"z": [[0, 0, 0]], "y": "a"},
        "sample": {"label": "a"},
    }
    found = post(app, name, given.get(name, given["encode"]))
    refused(found, 422, "this model has none: leave them out")
    assert "--" not in found.json()["error"]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_rows_that_are_not_finite(app, value):
    refused(post(app, "encode", np.full((2, 1, 8, 8), value)), 422)


@pytest.mark.parametrize(
    "given",
    [
        {"count": 0},
        {"count": -1},
        {"count": 1.5},
        {"count": "1"},
        {"count": True},
        {"count": None},
        {"count": [1]},
        {"seed": -1},
        {"seed": 2**63},
        {"seed": {}},
        {"label": "a"},
        {"label": 3.0},
        {"label": True},
        {"label": ["a"]},
        {"label": {}},
        {"label": "x" * 1000},
        {"nonsense": 1},
        {"count\n": 1},
    ],
)
def test_options_that_are_not_allowed(app, given):
    refused(post(app, "sample", given), 422)


def test_a_score_that_is_not_known(app):
    refused(post(app, "score", {"x": X.tolist(), "by": "boun"}), 422, "did you mean 'bound'?")
    refused(
        post(app, "score", {"x": X.tolist(), "by": "density"}), 422, "Allowed"
    )  # which reads the run's data
    refused(post(app, "score", {"x": X.tolist(), "by": ["bound"]}), 422)


@pytest.mark.parametrize(
    "y",
    [
        "zebra",
        ["zebra"],
        ["a", "b", "c"],
        [],
        [["a"]],
        [None],
        [1.0],
        {},
        7,
        ["a" * 10_000],
        "\ud800",
    ],
)
def test_classes_that_are_none(conditional, y):
    body = json.dumps({"z": [[0, 0, 0]], "y": y}).encode()
    refused(
        ask(
            conditional,
            "POST",
            "/v1/decode",
            content=body,
            headers={"content-type": "application/json"},
        ),
        422,
    )


def test_options_of_a_binary_request(app, conditional):
    z = np.zeros((1, 3))
    refused(post(app, "decode", z, params={"nonsense": "1"}), 422, "nonsense")
    refused(post(app, "decode", z, params={"z": "1"}), 422)
    refused(post(app, "score", X, params={"samples": "many"}), 422, "samples = 'many'")
    refused(post(app, "score", X, params={"samples": "9" * 5000}), 422)
    refused(post(app, "score", X, params=[("seed", "1"), ("seed", "2")]), 422, "twice")
    refused(post(conditional, "decode", z, params=[("y", "a"), ("y", "b")]), 422, "2 labels")
    refused(post(app, "sample", {"count": 1}, params={"seed": "1"}), 422, "its body")


@pytest.mark.parametrize(
    "media",
    ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "a" * 500],
)
def test_another_media_type(app, media):
    refused(
        ask(app, "POST", "/v1/decode", content=b"{}", headers={"content-type": media}),
        415,
        "application/json",
    )
    refused(ask(app, "POST", "/v1/sample", content=b"", headers=NPY), 415, "application/json")


@pytest.mark.parametrize("coding", ["gzip", "br", "nonsense", "identity, gzip"])
def test_an_encoded_body(app, coding):
    headers = {"content-type": "application/json", "content-encoding": coding}
    found = ask(app, "POST", "/v1/decode", content=b"\x1f\x8b", headers=headers)
    refused(found, 415, "Content-Encoding", "send it as it is")
    assert found.headers["accept-encoding"] == "identity"
    headers["content-encoding"] = "Identity"
    assert (
        ask(app, "POST", "/v1/decode", content=b'{"z": [[0, 0, 0]]}', headers=headers).status_code
        == 200
    )


# --- .npy -----------------------------------------------------------------------------------------------------------------


def header(text: str, version: int = 1) -> bytes:
    packed = text.encode("latin-1")
    return (
        b"\x93NUMPY"
        + bytes([version, 0])
        + struct.pack("<H" if version == 1 else "<I", len(packed))
        + packed
    )


def declared(shape: str, dtype: str = "'<f8'", fortran: str = "False") -> bytes:
    return header(f"{{'descr': {dtype}, 'fortran_order': {fortran}, 'shape': {shape}, }}\n")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"\x93NUMPY",
        b"\x93NUMPY\x09\x00aaaa",
        declared("(1000000000, 3)") + bytes(24),
        declared("(10, 3)") + bytes(239),
        declared("(10, 3)") + bytes(241),
        declared("(-1, 3)") + bytes(24),
        declared("(9223372036854775807, 9223372036854775807)"),
        declared("(True, 3)") + bytes(24),
        declared("(" + "1, " * 100 + "3)") + bytes(24),
        declared("(1, 3)", dtype="'|O'") + bytes(24),
        declared("(1, 3)", dtype="'|V0'"),
        declared("(1, 3)", dtype="'nonsense'") + bytes(24),
        declared("(1, 3)", dtype="__import__('os')") + bytes(24),
        header("(" * 9000),
        header("[" * 5000 + "]" * 5000),
        header("{'descr': '<f8'}"),
        header("x" * 60_000),
        b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**32 - 1) + b"{}",
    ],
)
def test_what_is_no_array(app, body):
    refused(post(app, "decode", body), 400, "numpy.save")


def test_pickles_are_never_opened(app):
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("it was opened",))

    refused(post(app, "decode", np.array([Trap()], object)), 400, "never unpickled")


@pytest.mark.parametrize(
    "dtype", ["U3", "S3", "c16", "M8[s]", ">f8", [("a", "f8"), ("b", "f8"), ("c", "f8")]]
)
def test_arrays_of_other_types(app, dtype):
    refused(post(app, "decode", np.zeros((1, 3), dtype)), 422)


# --- What the server does itself ------------------------------------------------------------------------------------------


class Strange:
    """A service whose model misbehaves."""

    scores = ("bound",)
    facts = Facts("strange", "none", (3,), "real", 2, (), 0, "0")

    def rows(self, x, y):
        raise ZeroDivisionError("/etc/secret.py")


def test_a_failure_of_the_server_gives_nothing_away():
    from vaekit.server import Limits
    from vaekit.server.app import create

    app = create(Strange(), Limits(), LOOPBACK)  # type: ignore[arg-type]
    refused(post(app, "encode", {"x": [[0, 0, 0]]}), 500)
    assert ask(app, "GET", "/health").status_code == 200


def test_an_overflow_of_the_model_is_no_number(tmp_path):
    run = train_small(tmp_path / "run", likelihood="gaussian", latent_dim=3)
    found = post(served(run), "decode", {"z": [[3e38, 3e38, 3e38], [0, 0, 0]]})
    assert found.status_code == 422 or np.isfinite(arrays(found)["x"]).all()


def test_after_all_that_it_answers(app):
    wrong = [
        ("POST", "/v1/decode", sent({"z": [[0]]})),
        ("POST", "/v1/decode", sent(b"nonsense")),
        ("GET", "/nothing", {}),
    ]
    statuses = [response.status_code for response in ask_all(app, [*wrong, GOOD] * 5)]
    assert statuses == [422, 400, 404, 200] * 5
