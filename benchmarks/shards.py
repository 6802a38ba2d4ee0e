"""Rows a second in training from shards of PNG, beside the same rows in memory.

    python benchmarks/shards.py

Writes MNIST's 60,000 training images as twelve shards into a temporary folder (as `webdataset` does: one PNG and one class a
row), then trains the recipe `mlp` on eleven of them, with one reader and with two, and on as many rows in memory, taking turns;
two epochs each, of which the second is measured. Such small images are the hardest case: what is read per byte is mostly the
archive's own bookkeeping. Takes about three minutes on two cores.
"""

import argparse
import csv
import io
import statistics
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from PIL import Image

import vaekit

SHARDS, ROWS = 12, 55_000


def write(folder: Path) -> None:
    rows = vaekit.load_data("mnist").train
    assert rows.y is not None
    each = len(rows) // SHARDS
    for shard in range(SHARDS):
        with tarfile.open(folder / f"mnist-{shard:02d}.tar", "w") as tar:
            for row in range(shard * each, (shard + 1) * each):
                image = io.BytesIO()
                Image.fromarray(rows.x[row, 0]).save(image, "PNG")
                for suffix, content in (
                    ("png", image.getvalue()),
                    ("cls", str(rows.y[row]).encode()),
                ):
                    member = tarfile.TarInfo(f"{row:06d}.{suffix}")
                    member.size = len(content)
                    tar.addfile(member, io.BytesIO(content))


def rate(*options: str) -> float:
    """Rows a second of the second epoch."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-m",
            "vaekit",
            "train",
            "mlp",
            "--epochs",
            "2",
            *options,
            "--out",
            f"{folder}/run",
        ]
        subprocess.run(command, check=True, capture_output=True)
        *_, last = csv.DictReader(Path(folder, "run/metrics.csv").read_text().splitlines())
        return float(last["samples_per_second"])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder))
        data = ["--data", f"{folder}/mnist-{{00..{SHARDS - 1}}}.tar", "--limit", str(ROWS)]
        works = {
            "in memory": ["--limit", "54000"],  # what validation leaves
            "one reader": [*data, "--set", "data.num_workers=1"],
            "two readers": [*data, "--set", "data.num_workers=2"],
        }
        found = {name: [] for name in works}
        for _ in range(options.repeats):
            for name, work in works.items():
                found[name].append(rate(*work))
    for name, rates in found.items():
        print(
            f"{name}: {statistics.median(rates):,.0f} rows/s ({min(rates):,.0f} to {max(rates):,.0f})"
        )


if __name__ == "__main__":
    main()
