"""Uploaded images are encoded as `vaekit encode` encodes them."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

import vaekit

pytestmark = pytest.mark.browser

DROP = """([bytes, name]) => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([new Uint8Array(bytes)], name));
    const options = { dataTransfer, bubbles: true, cancelable: true };
    document.body.dispatchEvent(new DragEvent('drop', options));
}"""


def upload(page, file) -> np.ndarray:
    """Upload an image; its code."""
    page.act(lambda: page.locate("#upload-file").set_input_files(file))
    return page.decoded()[0]


@pytest.mark.parametrize("size", [(8, 8), (30, 21), (5, 6)])
def test_an_image_is_resized_converted_to_gray_and_encoded(
    explorer, address, small_run, tmp_path, size: tuple[int, int]
):
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "mine.png")
    page = explorer(address)
    z = upload(page, tmp_path / "mine.png")
    small = Image.fromarray(pixels).convert("L").resize((8, 8), Image.Resampling.BILINEAR)
    gray = np.asarray(small)[None, None]
    assert np.allclose(z, small_run.encode(gray).mean[0], atol=2e-3)
    page.locate("#upload-file").set_input_files([])  # a canceled dialog changes nothing
    page.act(lambda: page.locate("#invert").check())
    inverted, _ = page.decoded()
    assert np.allclose(inverted, small_run.encode(255 - gray).mean[0], atol=2e-3)


@pytest.mark.parametrize(
    ("size", "orientation"),
    [pytest.param((60, 40), 6, id="rotated"), pytest.param((5000, 900), 1, id="large")],
)
def test_rotated_and_large_images_are_read_as_the_command_reads_them(
    explorer, address, small_run, tmp_path, size: tuple[int, int], orientation: int
):
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (size[1], size[0]), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(tmp_path / "mine.png", exif=exif)
    z = upload(explorer(address), tmp_path / "mine.png")
    x = vaekit.load_data(tmp_path / "mine.png", resize=(8, 8)).train.x
    assert np.allclose(z, small_run.encode(x).mean[0], atol=2e-3)


def test_transparency_is_reported_and_an_image_can_be_cleared(
    explorer, address, small_run, tmp_path
):
    page = explorer(address)
    Image.new("L", (8, 8), 255).save(tmp_path / "opaque.png")
    upload(page, tmp_path / "opaque.png")
    opaque = page.text("#upload-facts")
    Image.new("LA", (8, 8), (255, 128)).save(tmp_path / "mine.png")
    upload(page, tmp_path / "mine.png")
    transparent = page.text("#upload-facts")
    assert transparent.startswith(opaque.replace("opaque", "mine"))
    assert len(transparent) > len(opaque)
    assert page.text("#message") == transparent
    page.click("#upload-clear")
    assert page.text("#upload-facts") == "" and not page.locate("#upload-pair").is_visible()


def test_an_image_can_be_dropped_and_other_files_are_refused(explorer, address, small_run, bars):
    page = explorer(address)
    page.page.evaluate(DROP, [[1, 2, 3], "notes.txt"])
    for name in ("upload-facts", "message"):
        text = f"document.getElementById('{name}').textContent"
        page.wait_until(f"{text}.includes('notes.txt is not')")
    assert not page.locate("#upload-pair").is_visible()
    content = BytesIO()
    Image.fromarray(bars[0][3, 0]).save(content, "PNG")
    page.act(lambda: page.page.evaluate(DROP, [list(content.getvalue()), "image.png"]))
    z, _ = page.decoded()
    assert np.allclose(z, small_run.encode(bars[0][3:4]).mean[0], atol=1e-5)
    assert page.errors == []
