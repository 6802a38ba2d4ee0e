"""Milliseconds of one training step without the trainer, alone or next to a busy process.

    python benchmarks/step.py mlp-500 --batch-size 128
    GOMP_SPINCOUNT=1000 python benchmarks/step.py mlp-500 --batch-size 128 --busy
    python benchmarks/step.py conv --batch-size 64 --keep-memory

Prints the median over groups of ten steps, with minimum and maximum. The environment sets how
threads wait for each other; --keep-memory keeps freed memory as `vaekit train` does.
`paired.py` compares two commits.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch

import vaekit
from command_line import argument_parser
from vaekit.runtime.device import keep_freed_memory

GROUP_STEPS = 10
WARM_UP_GROUPS = 2


@contextmanager
def busy_core() -> Iterator[None]:
    """Keep one core busy within the block."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def step_milliseconds(recipe: str, batch_size: int, groups: int) -> list[float]:
    """Milliseconds of a step, a mean per group, on random images."""
    model = vaekit.build(recipe, "mnist")
    objective = vaekit.ELBO()
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3, fused=True)
    x = torch.rand(batch_size, *model.data_shape)
    means = []
    for _ in range(WARM_UP_GROUPS + groups):
        start = time.perf_counter()
        for _ in range(GROUP_STEPS):
            optimizer.zero_grad()
            objective(model, x).loss.backward()
            optimizer.step()
        means.append(1000 / GROUP_STEPS * (time.perf_counter() - start))
    return means[WARM_UP_GROUPS:]


def main() -> None:
    """Time the steps of one recipe."""
    parser = argument_parser(__doc__)
    parser.add_argument("recipe")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--groups", type=int, default=20)
    parser.add_argument("--busy", action="store_true", help="keep one core busy")
    parser.add_argument("--keep-memory", action="store_true")
    options = parser.parse_args()
    if options.keep_memory:
        keep_freed_memory()
    arguments = (options.recipe, options.batch_size, options.groups)
    if options.busy:
        with busy_core():
            times = step_milliseconds(*arguments)
    else:
        times = step_milliseconds(*arguments)
    median = statistics.median(times)
    rate = options.batch_size / median * 1000
    print(f"{median:.2f} ms per step ({min(times):.2f} to {max(times):.2f}), {rate:,.0f} images/s")


if __name__ == "__main__":
    main()
