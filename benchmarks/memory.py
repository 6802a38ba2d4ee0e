"""What training on more data than usual takes: 162,770 colour images of 64 x 64 pixels (2.0 GB of bytes), in memory and mapped.

    python benchmarks/memory.py

Each run is a process of its own, on the images as .npz, which is read into memory, and as .npy, which stays on the disk. The
peak of the resident memory and of its anonymous part (what is no copy of a file) are read from /proc twenty times a second, and
those of the same run on 1,000 images are taken off; then the rates of training, mapped against in memory. Linux; 4.2 GB of disk
for as long as it runs, about 5 minutes.
"""

import argparse
import csv
import sys
import tempfile
from pathlib import Path

import numpy as np

from process_memory import watched

ROWS, SHAPE = 162_770, (3, 64, 64)
NET = [
    "--set",
    "encoder.hidden=[64]",
    "--set",
    "decoder.hidden=[64]",
    "--batch-size",
    "128",
    "--epochs",
    "2",
]


def make(folder: Path, rows: int) -> dict[str, Path]:
    """Images that repeat 1,000 random ones, shifted, in both forms."""
    some = np.random.default_rng(0).integers(0, 256, (1000, *SHAPE), np.uint8)
    mapped, whole = folder / f"{rows}.npy", folder / f"{rows}.npz"
    x = np.lib.format.open_memmap(mapped, "w+", np.uint8, (rows, *SHAPE))
    for start in range(0, rows, 1000):
        x[start : start + 1000] = np.roll(some, start // 1000, axis=-1)[: rows - start]
    x.flush()
    np.savez(whole, x=x)
    return {"in memory": whole, "mapped": mapped}


def trained(data: Path, out: Path) -> tuple[float, float, float]:
    """Peaks of resident and anonymous memory in MB, and images a second in the last epoch."""
    _, peak = watched(
        [
            sys.executable,
            "-m",
            "vaekit",
            "train",
            "mlp",
            "--data",
            str(data),
            "--out",
            str(out),
            *NET,
        ]
    )
    *_, last = csv.DictReader((out / "metrics.csv").open())
    return peak["VmHWM"], peak["RssAnon"], float(last["samples_per_second"])


def main() -> None:
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        few, many = make(folder, 1000), make(folder, ROWS)
        size = ROWS * np.prod(SHAPE) / 2**20
        rates = {}
        for how in few:
            base, result = (
                trained(few[how], folder / f"{how}-few"),
                trained(many[how], folder / f"{how}-many"),
            )
            rates[how] = result[2]
            print(
                f"{how:9}  resident at most {result[0]:,.0f} MB, {result[0] - base[0]:,.0f} above that of 1,000 images = "
                f"{(result[0] - base[0]) / size:.2f} times the data; anonymous at most {result[1]:,.0f} MB; "
                f"{result[2]:,.0f} images/s"
            )
        print(f"mapped trains at {rates['mapped'] / rates['in memory']:.0%} of the rate in memory")


if __name__ == "__main__":
    main()
