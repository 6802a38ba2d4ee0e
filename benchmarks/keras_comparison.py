"""R0's network trained three ways in one run: by Keras as published, by us to the letter, by us our own way.

    python benchmarks/original.py --seeds 0 1 2 --out runs/original

Each training is a process of its own, the three in turn, so that all see the same machine; Keras gets an environment of its
own, made on first use. Prints a row for each, then the medians; our run folders stay. Takes about 45 minutes on two cores;
`--only keras` repeats one of the three.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import vaekit
from environments import python_of

PUBLISHED = 151.33  # best validation loss in R0's own log, nats
MNIST = Path(vaekit.__file__).parent / "data" / "mnist"
WAYS = ("keras", "conv-original", "conv")


def by_keras(seed: int, out: Path) -> dict[str, float]:
    """R0's protocol in Keras: its test images are its validation images. Leaves its epochs in out/keras-<seed>.jsonl."""
    script = Path(__file__).parent / "peers" / "keras_conv.py"
    command = [python_of("keras"), script, "--mnist", MNIST, "--seed", str(seed)]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    out.mkdir(parents=True, exist_ok=True)
    (out / f"keras-{seed}.jsonl").write_text(printed)
    rows = [json.loads(line) for line in printed.splitlines()]
    best = min(row["val_loss"] for row in rows)
    return {"epochs": len(rows), "validation": best, "test": best}


def by_vaekit(recipe: str, seed: int, out: Path) -> dict[str, float]:
    """The figures in the summary of one `vaekit train`."""
    folder = out / f"{recipe}-{seed}"
    command = [
        sys.executable,
        "-m",
        "vaekit",
        "train",
        recipe,
        "--seed",
        str(seed),
        "--out",
        str(folder),
        "--force",
        "--json",
    ]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    summary = json.loads(printed)["summary"]
    return {
        "epochs": summary["epochs"],
        "validation": summary["validation"]["loss"],
        "test": summary["test"]["loss"]["value"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", choices=WAYS, nargs="+", default=WAYS)
    parser.add_argument("--out", type=Path, default=Path("runs/original"))
    options = parser.parse_args()
    if "keras" in options.only:
        python_of("keras")  # made before any clock starts
    found: dict[str, list[dict[str, float]]] = {way: [] for way in options.only}
    print("training       seed  epochs  validation    test  seconds", flush=True)
    for seed in options.seeds:
        for way, rows in found.items():
            started = time.perf_counter()
            row = (
                by_keras(seed, options.out) if way == "keras" else by_vaekit(way, seed, options.out)
            )
            row["seconds"] = time.perf_counter() - started
            rows.append(row)
            print(
                f"{way:14} {seed:4}  {row['epochs']:6}  {row['validation']:10.2f}  {row['test']:6.2f}  {row['seconds']:7.0f}",
                flush=True,
            )
    print(f"\nmedians (the best validation loss in R0's own log: {PUBLISHED})")
    for way, rows in found.items():
        median = {key: statistics.median(row[key] for row in rows) for key in rows[0]}
        losses = f"{median['validation']:10.2f}  {median['test']:6.2f}"
        print(f"{way:14}       {median['epochs']:6.0f}  {losses}  {median['seconds']:7.0f}")


if __name__ == "__main__":
    main()
