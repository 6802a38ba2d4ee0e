"""PNG and JPEG bodies: read as the data of the run are, and refused unless they are one image."""

import struct
import threading
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from server_client import arrays, ask, ask_all, check_refused, post, served

from conftest import small_images, train_small
from vaekit.data import Dataset, Examples, Support
from vaekit.server import images
from vaekit.workflows.serve import RunService

PNG = "image/png"
JPEG = "image/jpeg"
CLOSE = {"rtol": 1e-5, "atol": 1e-5}
DATA = small_images(24)


def encoded(image: Image.Image, media: str = PNG, **options) -> bytes:
    """An image as the content of a file."""
    file = BytesIO()
    image.save(file, images.IMAGES.get(media, media), **options)
    return file.getvalue()


def photo(size: tuple[int, int], mode: str = "RGB") -> Image.Image:
    """Noise of some width and height."""
    shape = (size[1], size[0], 3) if mode == "RGB" else (size[1], size[0])
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, shape, np.uint8))


def send(app, name: str, content: bytes, media: str = PNG, query: str = "", accept: str = ""):
    """The answer to an image."""
    headers = {"content-type": media, **({"accept": accept} if accept else {})}
    return ask(app, "POST", f"/v1/{name}{query}", content=content, headers=headers)


@pytest.fixture(scope="module")
def app(small_run):
    return served(small_run)


@pytest.fixture(scope="module")
def resizing(tmp_path_factory):
    """A run on photos that are cropped to 16 x 16 and resized to 8 x 8 pixels."""
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for index in range(40):
        pixels = rng.integers(0, 256, (20, 18, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{index}.png")
    options = {"source": str(folder), "crop": (16, 16), "resize": (8, 8)}
    return train_small(tmp_path_factory.mktemp("run") / "run", options, latent_dim=3)


def test_an_image_of_another_size_is_refused_before_it_is_decoded(small_run, monkeypatch):
    app = served(small_run)
    monkeypatch.setattr(RunService, "read_image", lambda *_: pytest.fail("it was decoded"))
    for media in (PNG, JPEG):
        check_refused(send(app, "encode", encoded(photo((800, 8)), media), media), 422, "8 x 8")


def test_large_requests_wait_in_a_bounded_queue_for_a_bounded_time(small_run, monkeypatch):
    release = threading.Event()
    read = RunService.read_image

    def read_slowly(service, file):
        assert release.wait(20)
        return read(service, file)

    monkeypatch.setattr(RunService, "read_image", read_slowly)
    content = encoded(photo((8, 8)))
    request = ("POST", "/v1/encode", {"content": content, "headers": {"content-type": PNG}})
    app = served(small_run, timeout_seconds=1.0)
    statuses = [answer.status_code for answer in ask_all(app, [request] * 40)]
    assert statuses.count(503) == 8 and statuses.count(504) == 32
    release.set()
    assert send(app, "encode", content).status_code == 200


# --- Answers -------------------------------------------------------------------------------------


@pytest.mark.parametrize("media", [PNG, JPEG])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_an_image_is_encoded_and_scored_as_the_library_does(small_run, app, media: str, mode: str):
    content = encoded(photo((8, 8), mode), media)
    image = Image.open(BytesIO(content))
    codes = small_run.encode(image)
    answer = arrays(send(app, "encode", content, media))
    np.testing.assert_allclose(answer["mean"], codes.mean, **CLOSE)
    np.testing.assert_allclose(answer["stddev"], codes.stddev, **CLOSE)
    score = small_run.score(image, metric="loss", samples=3, seed=7)
    answer = send(app, "score", content, media, "?metric=loss&samples=3&seed=7")
    np.testing.assert_allclose(arrays(answer)["score"], score, **CLOSE)


def test_the_answer_has_the_accepted_format(app):
    content = encoded(photo((8, 8)))
    assert send(app, "encode", content).headers["content-type"] == "application/json"
    for accept in ("application/x-npz", "application/x-npy"):
        assert send(app, "encode", content, accept=accept).headers["content-type"] == accept


@pytest.mark.parametrize("size", [(16, 16), (40, 17), (16, 300)])
def test_an_image_is_cropped_and_resized_as_configured(resizing, size: tuple[int, int]):
    content = encoded(photo(size), JPEG)
    answer = send(served(resizing), "encode", content, JPEG)
    codes = resizing.encode(Image.open(BytesIO(content)))
    np.testing.assert_allclose(arrays(answer)["mean"], codes.mean, **CLOSE)


def test_an_image_is_turned_upright(resizing):
    app = served(resizing)
    image = photo((40, 17))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    turned = send(app, "encode", encoded(image, PNG, exif=exif))
    expected = send(app, "encode", encoded(image.transpose(Image.Transpose.ROTATE_270)))
    other = send(app, "encode", encoded(image))
    assert turned.json() == expected.json() != other.json()


def test_an_image_of_one_class(tmp_path):
    app = served(train_small(tmp_path / "run", small_images(), conditional=True, latent_dim=3))
    content = encoded(photo((8, 8), "L"))
    a, b = (send(app, "encode", content, query=f"?y={name}") for name in "ab")
    assert a.status_code == b.status_code == 200
    assert a.json() != b.json()
    check_refused(send(app, "encode", content), 422)
    check_refused(send(app, "encode", content, query="?y=zebra"), 422, "zebra")


def test_a_type_with_parameters_is_known(app):
    assert send(app, "encode", encoded(photo((8, 8))), "image/png; q=1").status_code == 200


# --- Unsuitable images ---------------------------------------------------------------------------


def test_images_of_another_size(app, resizing):
    check_refused(send(app, "encode", encoded(photo((9, 8)))), 422, "8 x 8")
    for size in ((15, 16), (16, 15)):
        check_refused(send(served(resizing), "encode", encoded(photo(size))), 422, "16x16")


def test_values_of_another_depth(app):
    deep = Image.fromarray(np.full((8, 8), 1000, np.uint16))
    check_refused(send(app, "encode", encoded(deep)), 422, "255")


def test_invalid_options(app):
    content = encoded(photo((8, 8)))
    check_refused(send(app, "score", content, query="?samples=0"), 422, "samples")
    check_refused(send(app, "encode", content, query="?x=1"), 422, "x ")
    check_refused(send(app, "encode", content, query="?nonsense=1"), 422, "nonsense")


def test_only_examples_may_be_images(app, tmp_path):
    content = encoded(photo((8, 8)))
    for name in ("decode", "sample"):
        check_refused(send(app, name, content), 415, "image/png")
    for media in ("image/gif", "image/tiff", "image/*", "image/svg+xml"):
        check_refused(send(app, "encode", content, media), 415, PNG, JPEG)
    table = Dataset(
        "table", Examples(np.random.default_rng(0).normal(size=(60, 4))), None, Support("real")
    )
    check_refused(send(served(train_small(tmp_path / "run", table)), "encode", content), 415)


# --- Hostile images ------------------------------------------------------------------------------


def chunk(kind: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checksum


def declared(width: int, height: int, *chunks: bytes) -> bytes:
    """A gray PNG that declares a size."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + chunk(b"IEND", b"")


PNG_BYTES = encoded(photo((8, 8)))
JPEG_BYTES = encoded(photo((8, 8)), JPEG)


@pytest.mark.parametrize(
    ("content", "media"),
    [
        (b"", PNG),
        (b"", JPEG),
        (b"text", PNG),
        (PNG_BYTES, JPEG),
        (JPEG_BYTES, PNG),
        (PNG_BYTES[:-30], PNG),
        (PNG_BYTES[:40], PNG),
        (PNG_BYTES[:8], PNG),
        (JPEG_BYTES[: len(JPEG_BYTES) // 2], JPEG),
        (JPEG_BYTES[:20], JPEG),
        (encoded(photo((8, 8)), "GIF"), PNG),
        (encoded(photo((8, 8)), "TIFF"), PNG),
        (encoded(photo((8, 8)), "BMP"), JPEG),
        (declared(0, 0), PNG),
        (declared(8, 8), PNG),
        (declared(8, 8, chunk(b"IDAT", b"no zlib")), PNG),
        (declared(8, 8, chunk(b"IDAT", zlib.compress(bytes(10)))), PNG),
        (encoded(photo((8, 8)), PNG, save_all=True, append_images=[photo((8, 8), "L")]), PNG),
    ],
)
def test_bodies_that_are_not_one_whole_image(app, content: bytes, media: str):
    check_refused(send(app, "encode", content, media), 400, media)


@pytest.mark.parametrize("size", [(10_000, 4000), (12_000, 12_000), (2**31 - 1, 2**31 - 1)])
def test_too_many_pixels_are_refused_before_they_are_decoded(app, size):
    response = send(app, "encode", declared(*size, chunk(b"IDAT", zlib.compress(b""))))
    check_refused(response, 413, "33,554,432")


def test_the_number_of_pixels_is_a_limit_of_the_server(small_run):
    app = served(small_run, max_pixels=63)
    check_refused(send(app, "encode", PNG_BYTES), 413, "64", "63")
    assert ask(app, "GET", "/v1/model").json()["limits"]["max_pixels"] == 63


def test_a_jpeg_of_very_many_scans_is_refused(app):
    progressive = encoded(photo((8, 8)), JPEG, progressive=True)
    assert send(app, "encode", progressive, JPEG).status_code == 200
    start = progressive.rindex(images.START_OF_SCAN)
    scan = progressive[start:-2]
    check_refused(send(app, "encode", progressive[:start] + scan * 200, JPEG), 400, "100 scans")


def test_random_damage_never_fails_the_server(app):
    rng = np.random.default_rng(0)
    for content, media in ((PNG_BYTES, PNG), (JPEG_BYTES, JPEG)):
        for _ in range(60):
            damaged = np.frombuffer(content, np.uint8).copy()
            damaged[rng.integers(0, len(damaged), rng.integers(1, 4))] = rng.integers(0, 256)
            assert send(app, "encode", damaged.tobytes(), media).status_code in (200, 400, 413, 422)


# --- Description ---------------------------------------------------------------------------------


def test_images_are_described(app):
    description = ask(app, "GET", "/openapi.json").json()
    for name in ("encode", "score", "decode", "sample"):
        content = description["paths"][f"/v1/{name}"]["post"]["requestBody"]["content"]
        assert ({PNG, JPEG} <= set(content)) == (name in ("encode", "score"))
    assert post(app, "encode", {"x": DATA.train.x[:1].tolist()}).status_code == 200
