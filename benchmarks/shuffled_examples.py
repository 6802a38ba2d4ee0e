"""How fast one process gathers shuffled rows and turns them into floats, for the arithmetic of docs/scaling.md.

    python benchmarks/rows.py

Bytes of 28 x 28 and of 64 x 64 x 3, in memory and mapped from a file that the system has in its cache. Half a minute.
"""

import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from vaekit.data import Transform
from vaekit.inputs import ModelInputs
from vaekit.training.batches import Batches


def rate(x: np.ndarray) -> float:
    """Rows a second over two epochs, in batches of 128."""
    transform = Transform("unit", 255.0)
    batches = Batches(ModelInputs(x, transform), 128, seed=0)
    began = time.perf_counter()
    for _ in range(2):
        for batch in batches:
            transform.forward(batch.x.to(torch.float32))
    return 2 * len(x) / (time.perf_counter() - began)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for shape, count in (((1, 28, 28), 200_000), ((3, 64, 64), 50_000)):
            x = np.random.default_rng(0).integers(0, 256, (count, *shape), np.uint8)
            path = Path(folder, "rows.npy")
            np.save(path, x)
            for where, rows in (("in memory", x), ("mapped", np.load(path, mmap_mode="r"))):
                found = rate(rows)
                print(
                    f"{'x'.join(map(str, shape)):8} {where:9} {found:11,.0f} rows/s, {found * x[0].nbytes / 1e9:.2f} GB/s"
                )


if __name__ == "__main__":
    main()
