"""The explorer in a real browser: its file's size, its start, the decoder under the pointer, frames with 200,000 points.

    python benchmarks/explorer.py RUN [RUN ...]        # half a minute a run; needs chromium and pip install ".[test]"

Chromium draws by software here, where people have a GPU; decoding is on the processor for both. Times are of one machine and
one moment, medians and 95th percentiles; what must hold everywhere is that an image takes less than a frame, 16 ms.
"""

import argparse
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

import vaekit
from vaekit.explorer import Content, to_page
from vaekit.workflows.explore import content_of, with_thumbnails

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]
MANY = 200_000
DECODE = """async () => {
  const found = [];
  const overlay = document.getElementById("overlay"), box = overlay.getBoundingClientRect();
  for (let i = 0; i < 200; i++) {
    const before = document.getElementById("decoded").dataset.drawn;
    const [x, y] = [box.left + box.width * (0.2 + 0.003 * i), box.top + box.height * 0.5];
    const at = { clientX: x, clientY: y, pointerId: 1, pointerType: "mouse" };
    const start = performance.now();
    overlay.dispatchEvent(new PointerEvent("pointermove", at));
    while (document.getElementById("decoded").dataset.drawn === before) await new Promise((done) => setTimeout(done));
    const told = /decoded in ([0-9.]+)/.exec(document.getElementById("place").textContent)[1];
    found.push([performance.now() - start, Number(told)]);
  }
  return found;
}"""
PAN = """async () => {
  const found = [];
  const overlay = document.getElementById("overlay");
  let last = null;
  for (let i = 0; i < 120; i++) {
    overlay.dispatchEvent(new WheelEvent("wheel", { deltaY: i % 2 ? 40 : -40, clientX: 400, clientY: 400, cancelable: true }));
    const now = await new Promise((done) => requestAnimationFrame(done));
    if (last !== null) found.push(now - last);
    last = now;
  }
  return found;
}"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+", type=Path)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for path in parser.parse_args().runs:
            content = with_thumbnails(content_of(vaekit.load_run(path)))
            measure(browser, Path(folder) / "page.html", path.name, content)
        measure(
            browser, Path(folder) / "many.html", f"{path.name}, {MANY:,} points", grown(content)
        )


def grown(content: Content) -> Content:
    """The same with so many points, drawn around those that there are."""
    rng, codes = np.random.default_rng(0), content.arrays["codes"]
    chosen = rng.integers(0, len(codes), MANY)
    spread = (codes[chosen] + rng.normal(0, 0.1, (MANY, codes.shape[1]))).astype(np.float32)
    arrays = {
        **content.arrays,
        "codes": spread,
        **{k: content.arrays[k][chosen] for k in ("labels", "terms") if k in content.arrays},
    }
    return replace(content, facts={**content.facts, "rows": MANY}, arrays=arrays)


def measure(browser, file: Path, name: str, content: Content) -> None:
    size = file.write_bytes(to_page(content).encode())
    page = browser.new_page(viewport={"width": 1280, "height": 860})
    page.goto(file.as_uri())
    page.wait_for_selector("body[data-ready]", timeout=120_000)
    start = page.evaluate("() => performance.now()")
    times = np.array(page.evaluate(DECODE))
    frames = np.array(page.evaluate(PAN))
    page.close()
    print(f"{name}: {size / 1e6:.1f} MB, there after {start / 1000:.1f} s")
    for label, values in (
        ("pointer to image", times[:, 0]),
        ("decoder alone", times[:, 1]),
        ("frame while zooming", frames),
    ):
        print(
            f"    {label:<20} median {np.median(values):6.1f} ms   95 % within {np.quantile(values, 0.95):6.1f} ms"
        )


if __name__ == "__main__":
    main()
