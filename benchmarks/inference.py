"""Encoding, decoding and sampling by command: images a second and memory, beside the loop that one would write.

    python benchmarks/using.py

Colour images of 64 x 64 pixels and the recipe `conv`, `.npy` to `.npy`: 4,000 and 40,000 images, each time in a process of its
own, so that the difference is free of what starting costs. Memory is the peak of what is no copy of a file (RssAnon): the same
for both where it is bounded. The loop takes 500 images at once and collects the results before it saves them. Linux; 7 GB of
disk while it runs, about 10 minutes on two cores.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

from process_memory import watched

FEW, MANY, SHAPE = 4_000, 40_000, (3, 64, 64)

LOOP = """
import sys, numpy as np, torch, vaekit
what, path, source, target = sys.argv[1:]
run = vaekit.load_run(path)
model = run.model.eval()
with torch.no_grad():
    if what == "encode":
        x = np.load(source, mmap_mode="r")
        parts = [model.encode(torch.from_numpy(x[i : i + 500].copy()) / 255).mean for i in range(0, len(x), 500)]
    else:
        z = torch.from_numpy(np.load(source)) if what == "decode" else torch.randn(int(source), 32)
        parts = [model.decode(part).mean * 255 for part in z.split(500)]
    np.save(target, torch.cat(parts).numpy())
"""


def main() -> None:
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run, result = str(folder / "run"), str(folder / "result.npy")
        rows = {count: str(folder / f"{count}.npy") for count in (FEW, MANY)}
        codes = {count: str(folder / f"codes-{count}.npy") for count in (FEW, MANY)}
        for count in (FEW, MANY):
            np.save(
                rows[count], np.random.default_rng(0).integers(0, 256, (count, *SHAPE), np.uint8)
            )
            np.save(
                codes[count], np.random.default_rng(1).normal(size=(count, 32)).astype(np.float32)
            )
        vaekit = [sys.executable, "-m", "vaekit"]
        watched([*vaekit, "train", "conv", "--data", rows[FEW], "--epochs", "1", "--out", run])
        print(
            "| command | images/s | the loop's | anonymous memory, MB, few and many | the loop's |\n|---|---|---|---|---|"
        )
        for what, source in (
            ("encode", rows),
            ("decode", codes),
            ("sample", {count: str(count) for count in rows}),
        ):
            given = ["--count"] if what == "sample" else []
            commands = {
                "ours": lambda n, w=what, s=source, g=given: [
                    *vaekit,
                    w,
                    run,
                    *g,
                    s[n],
                    "--out",
                    result,
                    "--force",
                ],
                "loop": lambda n, w=what, s=source: [
                    sys.executable,
                    "-c",
                    LOOP,
                    w,
                    run,
                    s[n],
                    result,
                ],
            }
            found = {
                by: [watched(command(n)) for n in (FEW, MANY)] for by, command in commands.items()
            }
            rates = {by: (MANY - FEW) / (many[0] - few[0]) for by, (few, many) in found.items()}
            memory = {
                by: " and ".join(f"{peak['RssAnon']:,}" for _, peak in runs)
                for by, runs in found.items()
            }
            print(
                f"| {what} | {rates['ours']:,.0f} | {rates['loop']:,.0f} | {memory['ours']} | {memory['loop']} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
