"""Invalid and hostile bodies: each gets one line of error, and the server keeps answering."""

import json
import struct

import numpy as np
import pytest
from server_client import (
    JSON,
    NPY,
    arrays,
    as_request,
    ask,
    ask_all,
    check_refused,
    post,
    post_json,
    served,
)

from conftest import small_images, train_small
from vaekit.data import Examples
from vaekit.server import Facts, Limits, codec
from vaekit.web import LOOPBACK

X = small_images(2).train.x
VALID = ("POST", "/v1/decode", as_request({"z": [[0, 0, 0]]}))


@pytest.fixture
def app(small_run):
    return served(small_run, max_body_bytes=100_000, max_examples=50)


@pytest.fixture(scope="module")
def conditional(tmp_path_factory):
    folder = tmp_path_factory.mktemp("classes")
    return served(train_small(folder / "run", small_images(), conditional=True, latent_dim=3))


# --- JSON ----------------------------------------------------------------------------------------


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
def test_bodies_that_are_no_json_object(app, body: bytes):
    check_refused(post_json(app, "decode", body), 400)


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
def test_invalid_latent_codes(app, z):
    check_refused(post(app, "decode", {"z": z}), 422)


@pytest.mark.parametrize(
    "z",
    [
        [],
        3,
        [[0, True, False]],
        [["0", 0, 0]],
        [[0, 0, 0], [0]],
        np.zeros((0, 3)),
        np.zeros(()),
    ],
    ids=str,
)
def test_errors_name_the_field_and_the_shape(app, z):
    response = post(app, "decode", z if isinstance(z, np.ndarray) else {"z": z})
    check_refused(response, 422, "z ", "[N, 3]")


@pytest.mark.parametrize("padding", [0, codec.LARGE])
def test_numbers_of_thousands_of_digits(app, padding: int):
    body = b" " * padding + b'{"z": [[0, 0, ' + b"1" * 5000 + b"]]}"
    check_refused(post_json(app, "decode", body), 400, "4,300")


@pytest.mark.parametrize("padding", [0, codec.LARGE])
def test_numbers_beyond_floats(app, padding: int):
    body = b" " * padding + b'{"z": [[0, 0, 1e999]]}'
    check_refused(post_json(app, "decode", body), 422)


def test_deeply_nested_lists(app):
    deep: list = [0]
    for _ in range(300):
        deep = [deep]
    check_refused(post(app, "decode", {"z": deep}), 422, "z ")


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        (np.zeros((2, 1, 9, 8)), "(1, 8, 8)"),
        (np.full((2, 1, 8, 8), 256), "255"),
        (np.full((2, 1, 8, 8), -1), "255"),
        (np.full((2, 1, 8, 8), 0.5), "255"),
    ],
)
def test_examples_that_do_not_suit_the_model(app, x, expected: str):
    for body in ({"x": x.tolist()}, x):
        check_refused(post(app, "encode", body), 422, expected)


@pytest.mark.parametrize("name", ["encode", "decode", "sample", "score"])
@pytest.mark.parametrize("label", ["a", 7, 1.5, {}])
def test_classes_for_a_model_without_classes(app, name: str, label):
    requests = {
        "encode": {"x": X.tolist(), "y": label},
        "decode": {"z": [[0, 0, 0]], "y": label},
        "sample": {"label": label},
        "score": {"x": X.tolist(), "y": label},
    }
    check_refused(post(app, name, requests[name]), 422)
    field = "label" if name == "sample" else "y"
    assert post(app, name, {**requests[name], field: None}).status_code == 200


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_examples_that_are_not_finite(app, value: float):
    check_refused(post(app, "encode", np.full((2, 1, 8, 8), value)), 422)


@pytest.mark.parametrize(
    "fields",
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
def test_invalid_options(app, fields):
    check_refused(post(app, "sample", fields), 422, ascii(next(iter(fields))).strip("'"))


def test_field_names_that_are_no_text(app):
    check_refused(post_json(app, "sample", b'{"\\ud800": 1}'), 422)


@pytest.mark.parametrize("metric", ["boun", "density", "typicality", ["bound"], None, 0])
def test_unknown_metrics(app, metric):
    """The server does not read the data of the run, which density and typicality need."""
    body = {"x": X.tolist(), "metric": metric}
    check_refused(post(app, "score", body), 422, "metric", "bound")


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
def test_invalid_classes(conditional, y):
    body = json.dumps({"z": [[0, 0, 0]], "y": y}).encode()
    check_refused(post_json(conditional, "decode", body), 422)


def test_labels_of_thousands_of_digits(conditional):
    for digits in (300, 4000):
        check_refused(post(conditional, "sample", {"label": 10**digits}), 422, "label")


def test_options_of_a_binary_request(app, conditional):
    z = np.zeros((1, 3))
    check_refused(post(app, "decode", z, params={"nonsense": "1"}), 422, "nonsense")
    check_refused(post(app, "decode", z, params={"z": "1"}), 422, "z ")
    check_refused(post(app, "score", X, params={"samples": "many"}), 422, "samples")
    check_refused(post(app, "score", X, params={"samples": "5.0"}), 422, "samples")
    check_refused(post(app, "score", X, params={"samples": "1_000"}), 422, "samples")
    check_refused(post(app, "score", X, params={"samples": "9" * 5000}), 422, "samples")
    check_refused(post(app, "score", X, params=[("seed", "1"), ("seed", "2")]), 422, "seed")
    check_refused(post(conditional, "decode", z, params=[("y", "a"), ("y", "b")]), 422)
    check_refused(post(app, "sample", {"count": 1}, params={"seed": "1"}), 422, "seed")


@pytest.mark.parametrize(
    "media",
    ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "a" * 500],
)
def test_unsupported_media_types(app, media: str):
    response = ask(app, "POST", "/v1/decode", content=b"{}", headers={"content-type": media})
    check_refused(response, 415, "application/json", "application/x-npy")
    sample = ask(app, "POST", "/v1/sample", content=b"", headers=NPY)
    check_refused(sample, 415, "application/json")


@pytest.mark.parametrize("encoding", ["gzip", "br", "nonsense", "identity, gzip"])
def test_encoded_bodies(app, encoding: str):
    headers = {**JSON, "content-encoding": encoding}
    response = ask(app, "POST", "/v1/decode", content=b"\x1f\x8b", headers=headers)
    check_refused(response, 415, "Content-Encoding")
    assert response.headers["accept-encoding"] == "identity"
    headers["content-encoding"] = "Identity"
    plain = ask(app, "POST", "/v1/decode", content=b'{"z": [[0, 0, 0]]}', headers=headers)
    assert plain.status_code == 200


# --- .npy ----------------------------------------------------------------------------------------


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
def test_bodies_that_are_no_array(app, body: bytes):
    check_refused(post(app, "decode", body), 400, "numpy.save")


def test_pickles_are_never_opened(app):
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("the pickle was opened",))

    check_refused(post(app, "decode", np.array([Trap()], object)), 400)


@pytest.mark.parametrize(
    "dtype", ["U3", "S3", "c16", "M8[s]", ">f8", [("a", "f8"), ("b", "f8"), ("c", "f8")]]
)
def test_arrays_of_other_types(app, dtype):
    check_refused(post(app, "decode", np.zeros((1, 3), dtype)), 422)


# --- Failures ------------------------------------------------------------------------------------


class Failing:
    """A service that fails."""

    scores = ("bound",)
    facts = Facts(
        recipe="failing",
        data="none",
        shape=(3,),
        support="real",
        latent_dim=2,
        classes=(),
        positions=0,
        version="0",
    )

    def check_examples(self, x, y):
        raise ZeroDivisionError("/etc/secret.py")


def test_a_failure_of_the_server_shows_no_internals():
    from vaekit.server.app import create

    app = create(Failing(), Limits(), LOOPBACK)  # type: ignore[arg-type]
    check_refused(post(app, "encode", {"x": [[0, 0, 0]]}), 500)
    assert ask(app, "GET", "/health").status_code == 200


def test_answers_have_finite_numbers_only(tmp_path):
    run = train_small(tmp_path / "run", likelihood="gaussian", latent_dim=3)
    response = post(served(run), "decode", {"z": [[3e38, 3e38, 3e38], [0, 0, 0]]})
    assert response.status_code == 422 or np.isfinite(arrays(response)["x"]).all()


class Overflowing(Failing):
    """A service that decodes large latent codes to infinity."""

    def check_latents(self, z, y):
        return Examples(z)

    def decode(self, latents):
        return {"x": np.where(latents.x[:, :1] > 1, np.inf, np.zeros(3))}


@pytest.mark.parametrize("media", ["application/json", "application/x-npy", "application/x-npz"])
def test_an_overflow_is_an_error_that_names_the_example(media: str):
    from vaekit.server.app import create

    app = create(Overflowing(), Limits(), LOOPBACK)  # type: ignore[arg-type]
    request = {"json": {"z": [[1, 1], [2, 2]]}, "headers": {"accept": media}}
    check_refused(ask(app, "POST", "/v1/decode", **request), 422, "x of example 1")


def test_the_server_answers_after_invalid_requests(app):
    requests = [
        ("POST", "/v1/decode", as_request({"z": [[0]]})),
        ("POST", "/v1/decode", as_request(b"nonsense")),
        ("GET", "/nothing", {}),
        VALID,
    ]
    statuses = [response.status_code for response in ask_all(app, requests * 5)]
    assert statuses == [422, 400, 404, 200] * 5
