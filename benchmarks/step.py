"""Milliseconds of one training step without the trainer around it, alone or beside a busy process.

    python benchmarks/step.py mlp-500 --batch 128
    GOMP_SPINCOUNT=1000 python benchmarks/step.py mlp-500 --batch 128 --busy
    python benchmarks/step.py conv --batch 64 --keep-memory

Prints the median over groups of ten steps, with the least and the most. The environment decides how threads wait for each
other; --keep-memory does what `vaekit train` does to malloc. For commits: run it on each in turn.
"""

import argparse
import statistics
import subprocess
import sys
import time

import torch

import vaekit
from vaekit.runtime.device import keep_freed_memory


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recipe")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--groups", type=int, default=20)
    parser.add_argument(
        "--busy", action="store_true", help="beside a process that keeps one core busy"
    )
    parser.add_argument("--keep-memory", action="store_true")
    options = parser.parse_args()
    if options.keep_memory:
        keep_freed_memory()
    model, objective = vaekit.build(options.recipe, "mnist"), vaekit.ELBO()
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3, fused=True)
    x = torch.rand(options.batch, *model.data_shape)
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"]) if options.busy else None
    groups = []
    for _ in range(options.groups + 2):  # two to warm up
        began = time.perf_counter()
        for _ in range(10):
            optimizer.zero_grad()
            objective(model, x).loss.backward()
            optimizer.step()
        groups.append(100 * (time.perf_counter() - began))
    if busy:
        busy.kill()
    kept = groups[2:]
    median, rate = statistics.median(kept), options.batch / statistics.median(kept) * 1000
    print(f"{median:.2f} ms a step ({min(kept):.2f} to {max(kept):.2f}), {rate:,.0f} images/s")


if __name__ == "__main__":
    main()
