"""Seconds from the start of the process until a validation loss of 151.33, R0's best: Keras's own program, and ours.

    python benchmarks/time_to_quality.py --out runs/time-to-quality.json

R0's protocol for all: 60,000 images to train on, and the 10,000 test images to validate on after each epoch. `conv-fast` is
R0's network exactly, `mlp-deep` has two latent dimensions too but another network. Whatever they do to be fast was chosen on
5,000 held-out training images. Then one longer run: the best loss that two dimensions
reach within Keras's median time. A run that never gets there counts as infinitely long. All take turns, one process at a time,
each with every core; about 25 minutes on two cores.
"""

import argparse
import csv
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import vaekit
from environments import python_of

PEERS = Path(__file__).parent / "peers"
MNIST = Path(vaekit.__file__).parent / "data" / "mnist"
GOAL = 151.33
BF16 = ["--set", "training.precision=bf16-mixed"]

OURS: dict[str, list[str]] = {
    "conv-fast": ["conv-fast"],
    "conv-fast, bfloat16": ["conv-fast", *BF16],
    "conv-fast, bfloat16, 52,000 images": ["conv-fast", "--limit", "52000", *BF16],
    "mlp-deep": ["mlp-deep", "--epochs", "2", "--batch-size", "128"],
    "mlp-deep, bfloat16": ["mlp-deep", "--epochs", "2", "--batch-size", "128", *BF16],
}
LONG = ["mlp-deep", "--epochs", "50", *BF16]


def keras(seed: int) -> tuple[float, float]:
    """Seconds until the goal, and the loss then."""
    began = time.monotonic()
    command = [
        python_of("keras"),
        PEERS / "keras_conv.py",
        "--mnist",
        MNIST,
        "--seed",
        str(seed),
        "--patience",
        "30",
    ]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    best = float("inf")
    for line in process.stdout:
        best = min(best, json.loads(line)["val_loss"])
        if best <= GOAL:
            seconds = time.monotonic() - began
            process.kill()
            process.wait()
            return seconds, best
    process.wait()
    return float("inf"), best


def ours(arguments: list[str], seed: int, limit: float = float("inf")) -> tuple[float, float, int]:
    """The same of `vaekit train`, which is ended after `limit` seconds; the best loss of all, and the epochs until then."""
    with tempfile.TemporaryDirectory() as folder:
        out, began, reached = Path(folder) / "run", time.monotonic(), float("inf")
        command = [
            sys.executable,
            "-m",
            "vaekit",
            "train",
            *arguments,
            "--seed",
            str(seed),
            "--out",
            str(out),
        ]
        command += ["--set", "data.validation=test"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and (seconds := time.monotonic() - began) < limit:
            if min(validation_losses(out)) <= GOAL:
                reached = min(reached, seconds)
            time.sleep(0.02)
        losses = validation_losses(out)
        process.kill()
        process.wait()
        return reached, min(losses), len(losses) - 1


def validation_losses(out: Path) -> list[float]:
    """Of every epoch that is over, behind an infinite one that always is."""
    if not (out / "metrics.csv").exists():
        return [float("inf")]
    with (out / "metrics.csv").open() as file:
        return [float("inf"), *(float(row["val_loss"]) for row in csv.DictReader(file))]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", nargs="+", choices=["keras", *OURS], default=["keras", *OURS])
    parser.add_argument("--out", type=Path, help="a file for all results, as JSON")
    options = parser.parse_args()
    python_of("keras")  # made before any clock starts
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in options.only}
    for seed in options.seeds:
        for name in options.only:
            found[name].append(keras(seed) if name == "keras" else ours(OURS[name], seed)[:2])
            print(
                f"seed {seed}  {name:34} {found[name][-1][0]:6.1f} s, loss {found[name][-1][1]:.2f}",
                file=sys.stderr,
                flush=True,
            )
    medians = {
        name: statistics.median(seconds for seconds, _ in results)
        for name, results in found.items()
    }
    print(
        f"| by | seconds to {GOAL}, median (each) | Keras's time by ours | losses |\n|---|---|---|---|"
    )
    for name, results in found.items():
        ratio = f"{medians['keras'] / medians[name]:.1f}" if "keras" in medians else "-"
        each, losses = (
            ", ".join(f"{value:.{digits}f}" for value in column)
            for column, digits in zip(zip(*results, strict=True), (1, 2), strict=True)
        )
        print(f"| {name} | {medians[name]:.1f} ({each}) | {ratio} | {losses} |")
    if "keras" in medians:
        _, loss, epochs = ours(LONG, options.seeds[0], limit=medians["keras"])
        print(
            f"\n`vaekit train {' '.join(LONG)}`: {loss:.2f} in {epochs} epochs, {medians['keras']:.0f} s from its start at most"
        )
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
