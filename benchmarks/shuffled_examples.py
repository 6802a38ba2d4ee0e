"""How fast one process gathers shuffled examples and converts them to floats.

    python benchmarks/shuffled_examples.py

Bytes of 28 x 28 and of 64 x 64 x 3, in memory and mapped from a file that the system has in its
cache; docs/scaling.md calculates with the rates. Takes half a minute.
"""

import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from command_line import argument_parser
from vaekit.data import Transform
from vaekit.inputs import ModelInputs
from vaekit.training.batches import Batches

BATCH_SIZE = 128
EPOCHS = 2
COUNTS = {(1, 28, 28): 200_000, (3, 64, 64): 50_000}
"""Number of examples by their shape."""


def gathering_rate(x: np.ndarray) -> float:
    """Examples per second over two epochs."""
    transform = Transform("unit", 255.0)
    batches = Batches(ModelInputs(x, transform), BATCH_SIZE, seed=0)
    start = time.perf_counter()
    for _ in range(EPOCHS):
        for batch in batches:
            transform.forward(batch.x.to(torch.float32))
    return EPOCHS * len(x) / (time.perf_counter() - start)


def main() -> None:
    """Print the rates."""
    argument_parser(__doc__).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for shape, count in COUNTS.items():
            x = np.random.default_rng(0).integers(0, 256, (count, *shape), np.uint8)
            path = Path(folder, "examples.npy")
            np.save(path, x)
            storages = {"in memory": x, "mapped": np.load(path, mmap_mode="r")}
            size = "x".join(map(str, shape))
            for storage, examples in storages.items():
                rate = gathering_rate(examples)
                gigabytes = rate * x[0].nbytes / 1e9
                print(f"{size:8} {storage:9} {rate:11,.0f} examples/s, {gigabytes:.2f} GB/s")


if __name__ == "__main__":
    main()
