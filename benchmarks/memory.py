"""Memory and rate of training on 162,770 color images of 64 x 64 pixels, in memory and mapped.

    python benchmarks/memory.py

The images are 2.0 GB of bytes. Each run is a process of its own, on the images as .npz, which is
read into memory, or as .npy, which stays on disk. The peaks of the resident memory and of its
anonymous part (what is no copy of a file) are read from /proc fifty times per second, and the peak
of the same run on 1,000 images is subtracted. Then the rates of training are compared. Linux only;
takes 4.2 GB of disk while it runs, and about 5 minutes.
"""

import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from command_line import argument_parser, last_epoch, vaekit_command
from process_memory import ProcessCost, run_measured

IMAGES = 162_770
FEW_IMAGES = 1000
SHAPE = (3, 64, 64)
OPTIONS = (
    "--set=encoder.hidden=[64]",
    "--set=decoder.hidden=[64]",
    "--batch-size=128",
    "--epochs=2",
)


class Training(NamedTuple):
    """The cost of a training, and the images per second of its last epoch."""

    cost: ProcessCost
    rate: float


def save_images(folder: Path, count: int) -> dict[str, Path]:
    """Write 1,000 random images, shifted and repeated, as .npy and as .npz."""
    images = np.random.default_rng(0).integers(0, 256, (FEW_IMAGES, *SHAPE), np.uint8)
    mapped = folder / f"{count}.npy"
    compact = folder / f"{count}.npz"
    x = np.lib.format.open_memmap(mapped, "w+", np.uint8, (count, *SHAPE))
    for start in range(0, count, FEW_IMAGES):
        shifted = np.roll(images, start // FEW_IMAGES, axis=-1)
        x[start : start + FEW_IMAGES] = shifted[: count - start]
    x.flush()
    np.savez(compact, x=x)
    return {"in memory": compact, "mapped": mapped}


def train(data: Path, out: Path) -> Training:
    """Train an MLP on the images in a file."""
    command = vaekit_command("train", "mlp", "--data", data, "--out", out, *OPTIONS)
    cost = run_measured(command)
    return Training(cost, last_epoch(out)["samples_per_second"])


def main() -> None:
    """Train in memory and mapped, on few images and on all."""
    argument_parser(__doc__).parse_args()
    size_mb = IMAGES * np.prod(SHAPE) / 2**20
    rates = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        few = save_images(folder, FEW_IMAGES)
        many = save_images(folder, IMAGES)
        for storage, path in many.items():
            baseline = train(few[storage], folder / f"{storage}-few")
            training = train(path, folder / f"{storage}-many")
            rates[storage] = training.rate
            resident = training.cost.resident_mb
            extra = resident - baseline.cost.resident_mb
            print(
                f"{storage:9}  resident at most {resident:,.0f} MB, {extra:,.0f} above the peak "
                f"with {FEW_IMAGES:,} images = {extra / size_mb:.2f} times the data; anonymous at "
                f"most {training.cost.anonymous_mb:,.0f} MB; {training.rate:,.0f} images/s"
            )
    print(f"mapped trains at {rates['mapped'] / rates['in memory']:.0%} of the rate in memory")


if __name__ == "__main__":
    main()
