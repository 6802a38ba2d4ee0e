"""The explorer in a real browser: file size, start, time to an image, frames of 200,000 points.

    python benchmarks/explorer.py RUN [RUN ...]    # half a minute per run

It needs chromium and `pip install ".[test]"`. Chromium draws in software here, while readers have
a GPU; both decode on the processor. The times are medians and 95th percentiles of one machine. An
image should take less than a frame, 16 ms, everywhere.
"""

import argparse
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

import vaekit
from vaekit.explorer import ExplorerContent, render_page
from vaekit.workflows.explorer_content import build_content, embed_originals

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]
LARGE_COUNT = 200_000
DECODE = """async () => {
  const times = [];
  const overlay = document.getElementById("overlay");
  const { dataset } = document.getElementById("decoded");
  const box = overlay.getBoundingClientRect();
  for (let i = 0; i < 200; i++) {
    const before = dataset.drawCount;
    const clientX = box.left + box.width * (0.2 + 0.003 * i);
    const clientY = box.top + box.height * 0.5;
    const options = { clientX, clientY, pointerId: 1, pointerType: "mouse" };
    const start = performance.now();
    overlay.dispatchEvent(new PointerEvent("pointermove", options));
    while (dataset.drawCount === before) await new Promise((resolve) => setTimeout(resolve));
    const text = document.getElementById("coordinates").textContent;
    const [, decoder] = /decoded in ([0-9.]+)/.exec(text);
    times.push([performance.now() - start, Number(decoder)]);
  }
  return times;
}"""
ZOOM = """async () => {
  const times = [];
  const overlay = document.getElementById("overlay");
  let last = null;
  for (let i = 0; i < 120; i++) {
    const deltaY = i % 2 ? 40 : -40;
    const options = { deltaY, clientX: 400, clientY: 400, cancelable: true };
    overlay.dispatchEvent(new WheelEvent("wheel", options));
    const now = await new Promise((resolve) => requestAnimationFrame(resolve));
    if (last !== null) times.push(now - last);
    last = now;
  }
  return times;
}"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+", type=Path)
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        file = Path(folder) / "page.html"
        for path in options.runs:
            content = embed_originals(build_content(vaekit.load_run(path)))
            measure(browser, file, path.name, content)
            if path == options.runs[-1]:
                title = f"{path.name}, {LARGE_COUNT:,} points"
                measure(browser, file, title, enlarge(content))


def enlarge(content: ExplorerContent) -> ExplorerContent:
    """The content with 200,000 points, sampled around the codes of the run."""
    rng = np.random.default_rng(0)
    codes = content.arrays["codes"]
    indices = rng.integers(0, len(codes), LARGE_COUNT)
    noise = rng.normal(0, 0.1, (LARGE_COUNT, codes.shape[1]))
    arrays = {**content.arrays, "codes": (codes[indices] + noise).astype(np.float32)}
    for name in ("labels", "terms"):
        if name in arrays:
            arrays[name] = arrays[name][indices]
    return replace(content, facts=replace(content.facts, examples=LARGE_COUNT), arrays=arrays)


def measure(browser, file: Path, title: str, content: ExplorerContent) -> None:
    """Open a page, and print its size and times."""
    size = file.write_bytes(render_page(content).encode())
    page = browser.new_page(viewport={"width": 1280, "height": 860})
    page.goto(file.as_uri())
    page.wait_for_selector("body[data-ready]", timeout=120_000)
    start = page.evaluate("() => performance.now()")
    times = np.array(page.evaluate(DECODE))
    frames = np.array(page.evaluate(ZOOM))
    page.close()
    print(f"{title}: {size / 1e6:.1f} MB, ready after {start / 1000:.1f} s")
    measurements = {
        "pointer to image": times[:, 0],
        "decoder alone": times[:, 1],
        "frame while zooming": frames,
    }
    for name, values in measurements.items():
        median = np.median(values)
        high = np.quantile(values, 0.95)
        print(f"    {name:<20} median {median:6.1f} ms   95 % within {high:6.1f} ms")


if __name__ == "__main__":
    main()
