"""The pictures of the explorer in the README, of a run with two latent dimensions: on a desk, as a sheet, on a telephone.

vaekit train mlp-deep --out /tmp/deep
python benchmarks/screenshots.py /tmp/deep docs/images        # a few seconds; needs chromium and pip install ".[test]"
"""

import argparse
import tempfile
from pathlib import Path

import vaekit
from explorer import CHROMIUM, FLAGS

HERE = 0.44, 0.55  # of the map, across and down


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("out", type=Path)
    asked = parser.parse_args()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "page.html"
        vaekit.export_page(asked.run, file)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        desk = opened(browser, file, color_scheme="light", viewport={"width": 1360, "height": 860})
        desk.screenshot(path=asked.out / "explorer.png")
        desk.locator("#grid-make").click()
        desk.wait_for_timeout(2000)
        desk.evaluate("scrollTo(0, 0)")
        desk.screenshot(path=asked.out / "explorer-grid.png")
        phone = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 4 / 3, "has_touch": True, "is_mobile": True}
        opened(browser, file, color_scheme="dark", **phone).screenshot(path=asked.out / "explorer-phone.png")


def opened(browser, file: Path, **options):
    """The page with the pointer in the middle of it."""
    page = browser.new_context(**options).new_page()
    page.goto(file.as_uri())
    page.wait_for_selector("body[data-ready]", timeout=60_000)
    box = page.locator("#overlay").bounding_box()
    place = box["x"] + HERE[0] * box["width"], box["y"] + HERE[1] * box["height"]
    page.touchscreen.tap(*place) if options.get("has_touch") else page.mouse.move(*place)
    page.wait_for_timeout(1000)
    return page


if __name__ == "__main__":
    main()
