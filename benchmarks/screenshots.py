"""The pictures of the explorer in the README: on a desk, with a sheet, on a telephone.

    vaekit train mlp-deep --out /tmp/deep
    python benchmarks/screenshots.py /tmp/deep docs/images        # some seconds; needs chromium and pip install ".[test]"

The run has two latent dimensions, as the sheet goes over both.
"""

import argparse
import tempfile
from pathlib import Path

import vaekit
from explorer import CHROMIUM, FLAGS

HERE = 0.44, 0.55  # where the pointer is on the map, across and down
DESK = {"viewport": {"width": 1360, "height": 860}, "color_scheme": "light"}
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
    asked = parser.parse_args()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "page.html"
        vaekit.export_page(asked.run, file)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        desk, at = opened(browser, file, **DESK)
        desk.mouse.move(*at)
        desk.wait_for_timeout(1000)  # until the row is there
        desk.screenshot(path=asked.out / "explorer.png")
        desk.locator("#grid-make").click()
        desk.wait_for_selector("#grid-save:not([disabled])")
        desk.evaluate("scrollTo(0, 0)")
        desk.screenshot(path=asked.out / "explorer-grid.png")
        phone, at = opened(browser, file, **PHONE)
        phone.touchscreen.tap(*at)
        phone.wait_for_timeout(1000)
        phone.screenshot(path=asked.out / "explorer-phone.png")


def opened(browser, file: Path, **options):
    """The page, and where the pointer goes on it, in pixels."""
    page = browser.new_context(**options).new_page()
    page.goto(file.as_uri())
    page.wait_for_selector("body[data-ready]", timeout=60_000)
    box = page.locator("#overlay").bounding_box()
    return page, (box["x"] + HERE[0] * box["width"], box["y"] + HERE[1] * box["height"])


if __name__ == "__main__":
    main()
