"""R0's protocol to the letter beside our own training of the same network, in one run: loss reached and time taken.

    python benchmarks/original.py --seeds 0 1 2 --out runs/original

Each training is a `vaekit train` of its own, the two recipes in turn, so that both see the same machine. Prints a row for each
run, then the medians and their ratio; the run folders stay. Takes about 30 minutes on two cores.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

PUBLISHED = 151.33  # best validation loss in R0's own log, nats


def train(recipe: str, seed: int, out: Path) -> dict[str, float]:
    """One training in a process of its own: seconds from its start to its end, and the figures of its summary."""
    folder = out / f"{recipe}-{seed}"
    command = [sys.executable, "-m", "vaekit", "train", recipe, "--seed", str(seed), "--out", str(folder), "--force", "--json"]
    started = time.perf_counter()
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    summary = json.loads(printed)["summary"]
    return {
        "seconds": time.perf_counter() - started,
        "epochs": summary["epochs"],
        "validation": summary["validation"]["loss"],
        "test": summary["test"]["loss"]["value"],
        "standard_error": summary["test"]["loss"]["standard_error"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--out", type=Path, default=Path("runs/original"))
    options = parser.parse_args()
    found: dict[str, list[dict[str, float]]] = {"conv-original": [], "conv": []}
    print("recipe         seed  epochs  validation    test  +-     seconds", flush=True)
    for seed in options.seeds:
        for recipe, rows in found.items():
            row = train(recipe, seed, options.out)
            rows.append(row)
            print(
                f"{recipe:14} {seed:4}  {row['epochs']:6}  {row['validation']:10.2f}  {row['test']:6.2f}  "
                f"{row['standard_error']:.2f}  {row['seconds']:7.0f}",
                flush=True,
            )
    median = {name: {k: statistics.median(row[k] for row in rows) for k in rows[0]} for name, rows in found.items()}
    original, ours = median["conv-original"], median["conv"]
    print(f"median conv-original: validation {original['validation']:.2f} (R0's log: {PUBLISHED})")
    print(f"median conv: test {ours['test']:.2f}, in {ours['seconds'] / original['seconds']:.2f} of conv-original's time")


if __name__ == "__main__":
    main()
