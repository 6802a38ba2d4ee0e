"""A real browser, and pages about small runs in it."""

import json
import os
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
from vaekit.runs import Run
from vaekit.run_plots.pixels import to_pixels

CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
FLAGS = [
    *(
        "--no-sandbox",
        "--disable-gpu",
        "--use-gl=angle",
        "--use-angle=swiftshader",
        "--enable-unsafe-swiftshader",
    ),
    *(
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-quic",
        "--no-first-run",
    ),
]
LOCAL = ("http://127.0.0.1:", "file://", "blob:", "data:")


def shown(run, values: np.ndarray) -> np.ndarray:
    """Decoded raw values [1, C, H, W] as the bytes of a picture, [H, W, 3]."""
    pixels = to_pixels(run, run.transform.forward(values), None)[0]
    return np.round(255 * np.broadcast_to(pixels, (3, *pixels.shape[1:]))).transpose(1, 2, 0)


def differ(a: np.ndarray, b: np.ndarray) -> float:
    """By how many of 255 levels two pictures differ at most."""
    assert a.shape == b.shape
    return float(np.abs(a.astype(float) - b.astype(float)).max())


@pytest.fixture(scope="module")
def browser():
    """Chromium, without a window; gone behind the module, as Playwright keeps an event loop running in this thread."""
    if CHROMIUM is None:
        pytest.skip("chromium is not installed (Debian: apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


class Explorer:
    """A page that is open, and what a reader does on it."""

    def __init__(self, page):
        self.page, self.errors, self.outside = page, [], []
        page.on(
            "console",
            lambda message: self.errors.append(message.text) if message.type == "error" else None,
        )
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on(
            "request",
            lambda request: (
                None if request.url.startswith(LOCAL) else self.outside.append(request.url)
            ),
        )

    def open(self, url: str) -> "Explorer":
        self.page.goto(url)
        self.page.wait_for_selector("body[data-ready]", timeout=60_000)
        self.wait_drawn(0)
        return self

    def text(self, selector: str) -> str:
        return self.page.locator(selector).text_content() or ""

    def wait(self, condition: str) -> None:
        """Until this is so, in JavaScript; as a function, for the page forbids the evaluation of text."""
        self.page.wait_for_function(f"() => {condition}")

    def drawn(self) -> int:
        """How many images the decoder has drawn so far."""
        return int(self.page.locator("#decoded").get_attribute("data-drawn") or 0)

    def wait_drawn(self, before: int) -> None:
        """Until there are more, and no further ones come."""
        self.page.wait_for_function(
            "n => Number(document.getElementById('decoded').dataset.drawn ?? 0) > n", arg=before
        )
        self.page.wait_for_function(
            """() => new Promise(done => { const canvas = document.getElementById('decoded'); const now = canvas.dataset.drawn;
            setTimeout(() => done(canvas.dataset.drawn === now), 150); })"""
        )

    def act(self, action: Callable[[], object]) -> None:
        """Do what makes the decoder draw, and wait until it has."""
        before = self.drawn()
        action()
        self.wait_drawn(before)

    def at(self, across: float, down: float) -> tuple[float, float]:
        """A place of the map as shares of its sides, in pixels of the window."""
        box = self.page.locator("#overlay").bounding_box()
        return box["x"] + across * box["width"], box["y"] + down * box["height"]

    def hover(self, across: float, down: float) -> None:
        self.act(lambda: self.page.mouse.move(*self.at(across, down)))

    def drag(self, *places: tuple[float, float]) -> None:
        """With the button down through these places of the map."""
        self.page.mouse.move(*self.at(*places[0]))
        self.page.mouse.down()
        for place in places[1:]:
            self.page.mouse.move(*self.at(*place), steps=4)
        self.page.mouse.up()

    def tool(self, name: str) -> None:
        self.page.locator(f"input[name=tool][value={name}]").check(force=True)

    def saved(self, selector: str) -> Path:
        """The file that a button gives."""
        with self.page.expect_download() as download:
            self.page.locator(selector).click()
        return Path(download.value.path())

    def decoded(self) -> tuple[np.ndarray, np.ndarray]:
        """The code that is looked at, and the pixels of what is decoded there, from the picture that is saved."""
        with Image.open(self.saved("#save-decoded")) as image:
            note = json.loads(image.text["vaekit"])
            return np.array(note["z"], np.float32), np.asarray(image)


@pytest.fixture
def explorer(browser) -> Iterator[Callable[..., Explorer]]:
    """Open an address at a size of the window."""
    contexts = []

    def open_page(
        url: str, width: int = 1280, height: int = 860, *, offline: bool = False, **options
    ) -> Explorer:
        contexts.append(
            browser.new_context(
                viewport={"width": width, "height": height}, accept_downloads=True, **options
            )
        )
        contexts[-1].set_offline(offline)
        return Explorer(contexts[-1].new_page()).open(url)

    yield open_page
    for context in contexts:
        context.close()


@contextmanager
def serving(*arguments: object) -> Iterator[str]:
    """`vaekit explore` as a process; its address. It must end well on Ctrl-C."""
    command = [
        sys.executable,
        "-m",
        "vaekit",
        "explore",
        *map(str, arguments),
        "--no-browser",
        "--json",
    ]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ}
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
    """The explorer of a run of three dimensions, over all of its 60 rows."""
    with serving(small_run.path, "--data", small_run.path.parent / "bars.npz") as found:
        yield found


@pytest.fixture(scope="session")
def bars(small_run) -> tuple[np.ndarray, list[str]]:
    """The same rows, and their classes."""
    from conftest import small_images

    data = small_images()
    return data.train.x, [data.classes[y] for y in data.train.y]


@pytest.fixture(scope="session")
def page_of(tmp_path_factory) -> Callable[..., tuple[Run, str]]:
    """Train a small run of some kind and write its page: the run, and the address of the file."""
    from conftest import small_images, train_small

    def make(data=None, **options):
        folder = tmp_path_factory.mktemp("page")
        data = small_images() if data is None else data
        run = train_small(folder / "run", data, **options)
        vaekit.export_page(run, folder / "page.html", data=data)
        return run, (folder / "page.html").as_uri()

    return make
