"""A real browser, and explorer pages of small runs in it."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import vaekit
from vaekit.run_plots.pixels import to_pixels
from vaekit.runs import Run

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
)
LOCAL = ("http://127.0.0.1:", "file://", "blob:", "data:")

WAIT_FOR_DRAWING = """count => Number(document.getElementById('decoded').dataset.drawCount ?? 0)
    > count"""
WAIT_FOR_REST = """() => new Promise(resolve => {
    const canvas = document.getElementById('decoded');
    const count = canvas.dataset.drawCount;
    setTimeout(() => resolve(canvas.dataset.drawCount === count), 150);
})"""


def image_bytes(run: Run, values: np.ndarray) -> np.ndarray:
    """Decoded raw values [1, C, H, W] as the bytes of an image, [H, W, 3]."""
    pixels = to_pixels(run, run.transform.forward(values), None)[0]
    return np.round(255 * np.broadcast_to(pixels, (3, *pixels.shape[1:]))).transpose(1, 2, 0)


def decoded_image(run: Run, z: np.ndarray, label: str | None = None) -> np.ndarray:
    """The image that the run decodes from one latent code [L], as bytes [H, W, 3]."""
    return image_bytes(run, run.decode(z[None], label))


def max_difference(a: np.ndarray, b: np.ndarray) -> float:
    """The largest difference between the bytes of two images."""
    assert a.shape == b.shape
    return float(np.abs(a.astype(float) - b.astype(float)).max())


@pytest.fixture(scope="module")
def browser():
    """Chromium without a window.

    It is closed after each module, as Playwright keeps an event loop running in this thread.
    """
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        pytest.skip("chromium is not installed (Debian: apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
        yield chromium
        chromium.close()


class ExplorerPage:
    """An open page of the explorer, and the actions of its reader.

    Attributes:
        page: The page of Playwright.
        errors: Errors on the console, and uncaught exceptions.
        remote_requests: Addresses on other machines that the page asked for.
    """

    def __init__(self, page):
        self.page = page
        self.errors: list[str] = []
        self.remote_requests: list[str] = []
        page.on("console", self._record_message)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", self._record_request)

    def _record_message(self, message) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def _record_request(self, request) -> None:
        if not request.url.startswith(LOCAL):
            self.remote_requests.append(request.url)

    def open(self, url: str) -> "ExplorerPage":
        self.page.goto(url)
        self.page.wait_for_selector("body[data-ready]", timeout=60_000)
        self.wait_for_drawing(0)
        return self

    def locate(self, selector: str, **options: str):
        return self.page.locator(selector, **options)

    def click(self, selector: str) -> None:
        self.page.locator(selector).click()

    def choose(self, selector: str, **option: str) -> None:
        """Choose an option by its value or label."""
        self.page.locator(selector).select_option(**option)

    def text(self, selector: str) -> str:
        return self.page.locator(selector).text_content() or ""

    def wait_until(self, condition: str) -> None:
        """Wait for a condition in JavaScript, as a function: the page forbids evaluating text."""
        self.page.wait_for_function(f"() => {condition}")

    def wait_until_enabled(self, name: str) -> None:
        self.wait_until(f"!document.getElementById('{name}').disabled")

    def wait_until_disabled(self, name: str) -> None:
        self.wait_until(f"document.getElementById('{name}').disabled")

    def draw_count(self) -> int:
        """The number of images that the decoder has drawn."""
        return int(self.page.locator("#decoded").get_attribute("data-draw-count") or 0)

    def wait_for_drawing(self, count: int) -> None:
        """Wait until the decoder has drawn more images than `count`, and no further ones follow."""
        self.page.wait_for_function(WAIT_FOR_DRAWING, arg=count)
        self.page.wait_for_function(WAIT_FOR_REST)

    def act(self, action: Callable[[], object]) -> None:
        """Do something that makes the decoder draw, and wait for the image."""
        count = self.draw_count()
        action()
        self.wait_for_drawing(count)

    def box(self) -> dict[str, float]:
        """Position and size of the map in the window."""
        return self.page.locator("#overlay").bounding_box()

    def pixel(self, x: float, y: float) -> tuple[float, float]:
        """A position of the map, as fractions of its sides, in pixels of the window."""
        box = self.box()
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    def hover(self, x: float, y: float) -> None:
        self.act(lambda: self.page.mouse.move(*self.pixel(x, y)))

    def drag(self, *positions: tuple[float, float]) -> None:
        """Drag the mouse through positions of the map."""
        self.page.mouse.move(*self.pixel(*positions[0]))
        self.page.mouse.down()
        for position in positions[1:]:
            self.page.mouse.move(*self.pixel(*position), steps=4)
        self.page.mouse.up()

    def choose_tool(self, name: str) -> None:
        self.page.locator(f"input[name=tool][value={name}]").check(force=True)

    def download(self, selector: str) -> Path:
        """The file that a button downloads."""
        with self.page.expect_download() as download:
            self.page.locator(selector).click()
        return Path(download.value.path())

    def decoded(self) -> tuple[np.ndarray, np.ndarray]:
        """The current code and the bytes of its image, from the saved PNG."""
        with Image.open(self.download("#save-decoded")) as image:
            note = json.loads(image.text["vaekit"])
            return np.array(note["z"], np.float32), np.asarray(image)

    def set_endpoints(self, a: tuple[float, float], b: tuple[float, float]) -> list[np.ndarray]:
        """Set start and end of a path at two positions of the map; their codes."""
        codes = []
        for name, position in (("a", a), ("b", b)):
            self.hover(*position)
            self.click(f"#set-{name}")
            codes.append(self.decoded()[0])
        return codes

    def decode_grid(self, side: int = 0) -> None:
        """Decode a grid with the side at this index, and wait for it."""
        self.choose("#grid-side", value=str(side))
        self.click("#grid-decode")
        self.wait_until_enabled("grid-save")


@pytest.fixture
def explorer(browser) -> Iterator[Callable[..., ExplorerPage]]:
    """Open an address in a window of some size."""
    contexts = []

    def open_page(
        url: str, width: int = 1280, height: int = 860, *, offline: bool = False, **options
    ) -> ExplorerPage:
        viewport = {"width": width, "height": height}
        context = browser.new_context(viewport=viewport, accept_downloads=True, **options)
        contexts.append(context)
        context.set_offline(offline)
        return ExplorerPage(context.new_page()).open(url)

    yield open_page
    for context in contexts:
        context.close()


@contextmanager
def explorer_process(*arguments: object) -> Iterator[str]:
    """Run `vaekit explore` as a process; its address. It must end without errors on Ctrl-C."""
    command = [sys.executable, "-m", "vaekit", "explore", *map(str, arguments)]
    process = subprocess.Popen(
        [*command, "--no-browser", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stderr is not None
    try:
        text = ""
        while not text.endswith("}\n"):
            line = process.stdout.readline()
            assert line, process.stderr.read()
            text += line
        yield json.loads(text)["address"]
    finally:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "", "")


@pytest.fixture(scope="session")
def address(small_run) -> Iterator[str]:
    """The explorer of a run with three latent dimensions, on all of its 60 examples."""
    data = small_run.path.parent / "bars.npz"
    with explorer_process(small_run.path, "--data", data) as url:
        yield url


@pytest.fixture(scope="session")
def bars(small_run) -> tuple[np.ndarray, list[str]]:
    """The examples on the map of `address`, and the names of their classes."""
    from conftest import small_images

    data = small_images()
    return data.train.x, [data.classes[y] for y in data.train.y]


@pytest.fixture(scope="session")
def page_of(tmp_path_factory) -> Callable[..., tuple[Run, str]]:
    """Train a small run with some options and write its page: the run, the address of the file."""
    from conftest import small_images, train_small

    def make(data=None, **options):
        folder = tmp_path_factory.mktemp("page")
        data = small_images() if data is None else data
        run = train_small(folder / "run", data, **options)
        vaekit.export_page(run, folder / "page.html", data=data)
        return run, (folder / "page.html").as_uri()

    return make
