"""The screenshots of the explorer in the README: a desktop, a decoded grid, a phone.

    vaekit train --out /tmp/plane
    python benchmarks/screenshots.py /tmp/plane docs/images    # some seconds

It needs chromium and `pip install ".[test]"`, and a run of two latent dimensions, which the grid
shows both.
"""

import argparse
import tempfile
from pathlib import Path

import vaekit
from explorer import CHROMIUM, FLAGS

POINTER_X = 0.44  # position of the pointer as fractions of the map
POINTER_Y = 0.55
DESKTOP = {"viewport": {"width": 1360, "height": 860}, "color_scheme": "light"}
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 4 / 3,
    "color_scheme": "dark",
    "has_touch": True,
    "is_mobile": True,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "page.html"
        vaekit.export_page(options.run, file)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        take_desktop_screenshots(browser, file, options.out)
        take_phone_screenshot(browser, file, options.out)


def take_desktop_screenshots(browser, file: Path, out: Path) -> None:
    page, pixel = open_page(browser, file, **DESKTOP)
    page.mouse.move(*pixel)
    page.wait_for_timeout(1000)  # the original appears with a delay
    page.screenshot(path=out / "explorer.png")
    page.locator("#grid-decode").click()
    page.wait_for_selector("#grid-save:not([disabled])")
    page.evaluate("scrollTo(0, 0)")
    page.screenshot(path=out / "explorer-grid.png")


def take_phone_screenshot(browser, file: Path, out: Path) -> None:
    page, pixel = open_page(browser, file, **PHONE)
    page.touchscreen.tap(*pixel)
    page.wait_for_timeout(1000)
    page.screenshot(path=out / "explorer-phone.png")


def open_page(browser, file: Path, **options):
    """The page, and the pixel of the pointer on it."""
    page = browser.new_context(**options).new_page()
    page.goto(file.as_uri())
    page.wait_for_selector("body[data-ready]", timeout=60_000)
    box = page.locator("#overlay").bounding_box()
    x = box["x"] + POINTER_X * box["width"]
    y = box["y"] + POINTER_Y * box["height"]
    return page, (x, y)


if __name__ == "__main__":
    main()
