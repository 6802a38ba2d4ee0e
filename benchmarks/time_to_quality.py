"""Seconds from the start of the process to a validation loss of 151.33, by Keras and by vaekit.

    python benchmarks/time_to_quality.py --out runs/time-to-quality.json

151.33 is the best loss in the log of the Keras example. All trainings follow its protocol: 60,000
training images, and validation on the 10,000 test images after each epoch. `conv-fast` has exactly
its network, `mlp-deep` another one with two latent dimensions too. All settings for speed were
selected on 5,000 held-out training images. Then one longer run shows the best loss with two latent
dimensions within Keras's median time. A run that never reaches the goal counts as infinitely long.
All take turns, one process at a time, each with every core; about 25 minutes on two cores.
"""

import csv
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import vaekit
from command_line import argument_parser, vaekit_command
from environments import python_of

KERAS_SCRIPT = Path(__file__).parent / "peers" / "keras_conv.py"
MNIST = Path(vaekit.__file__).parent / "data" / "mnist"
GOAL = 151.33
BFLOAT16 = "--set=training.precision=bf16-mixed"

TRAININGS: dict[str, list[str]] = {
    "conv-fast": ["conv-fast"],
    "conv-fast, bfloat16": ["conv-fast", BFLOAT16],
    "conv-fast, bfloat16, 52,000 images": ["conv-fast", "--train-size=52000", BFLOAT16],
    "mlp-deep": ["mlp-deep", "--epochs=2", "--batch-size=128"],
    "mlp-deep, bfloat16": ["mlp-deep", "--epochs=2", "--batch-size=128", BFLOAT16],
}
"""Recipe and options of `vaekit train` by name."""

LONG_TRAINING = ["mlp-deep", "--epochs=50", BFLOAT16]


class Outcome(NamedTuple):
    """Seconds until the goal, infinite if it was not reached; best loss and number of epochs."""

    seconds: float
    loss: float
    epochs: int


def train_keras(seed: int) -> Outcome:
    """Train by Keras until the goal."""
    start = time.monotonic()
    options = ["--mnist", str(MNIST), "--seed", str(seed), "--patience", "30"]
    command = [str(python_of("keras")), str(KERAS_SCRIPT), *options]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    seconds = float("inf")
    best = float("inf")
    epochs = 0
    for line in process.stdout:
        epochs += 1
        best = min(best, json.loads(line)["val_loss"])
        if best <= GOAL:
            seconds = time.monotonic() - start
            process.kill()
            break
    process.wait()
    return Outcome(seconds, best, epochs)


def train_vaekit(arguments: list[str], seed: int, max_seconds: float = float("inf")) -> Outcome:
    """Train by `vaekit train` to its end, or until it has taken `max_seconds`."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        reached = float("inf")
        start = time.monotonic()
        options = ["--seed", seed, "--out", out, "--set", "data.validation=test"]
        command = vaekit_command("train", *arguments, *options)
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and (seconds := time.monotonic() - start) < max_seconds:
            if best_loss(validation_losses(out)) <= GOAL:
                reached = min(reached, seconds)
            time.sleep(0.02)
        losses = validation_losses(out)
        process.kill()
        process.wait()
        return Outcome(reached, best_loss(losses), len(losses))


def validation_losses(run: Path) -> list[float]:
    """The validation losses of all complete epochs."""
    path = run / "metrics.csv"
    if not path.exists():
        return []
    with path.open() as file:
        return [float(row["val_loss"]) for row in csv.DictReader(file)]


def best_loss(losses: list[float]) -> float:
    """The lowest loss; infinity without losses."""
    return min(losses, default=float("inf"))


def print_table(outcomes: Mapping[str, list[Outcome]], medians: Mapping[str, float]) -> None:
    """Print seconds to the goal and losses of each training."""
    print(f"| by | seconds to {GOAL}, median (each) | Keras's time by ours | losses |")
    print("|---|---|---|---|")
    for name, results in outcomes.items():
        ratio = f"{medians['keras'] / medians[name]:.1f}" if "keras" in medians else "-"
        seconds = ", ".join(f"{outcome.seconds:.1f}" for outcome in results)
        losses = ", ".join(f"{outcome.loss:.2f}" for outcome in results)
        print(f"| {name} | {medians[name]:.1f} ({seconds}) | {ratio} | {losses} |")


def main() -> None:
    """Train in turn, then the longer run."""
    names = ["keras", *TRAININGS]
    parser = argument_parser(__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    parser.add_argument("--out", type=Path, help="a file for all results, as JSON")
    options = parser.parse_args()
    if "keras" in options.only:
        python_of("keras")  # its environment is made before any time is measured

    outcomes: dict[str, list[Outcome]] = {name: [] for name in options.only}
    for seed in options.seeds:
        for name, results in outcomes.items():
            if name == "keras":
                outcome = train_keras(seed)
            else:
                outcome = train_vaekit(TRAININGS[name], seed)
            results.append(outcome)
            print(
                f"seed {seed}  {name:34} {outcome.seconds:6.1f} s, loss {outcome.loss:.2f}",
                file=sys.stderr,
                flush=True,
            )
    medians = {
        name: statistics.median(outcome.seconds for outcome in results)
        for name, results in outcomes.items()
    }
    print_table(outcomes, medians)
    if "keras" in medians:
        seconds = medians["keras"]
        long = train_vaekit(LONG_TRAINING, options.seeds[0], max_seconds=seconds)
        print(
            f"\n`vaekit train {' '.join(LONG_TRAINING)}`: {long.loss:.2f} in {long.epochs} epochs, "
            f"at most {seconds:.0f} s from its start"
        )
    if options.out:
        content = {
            name: [(outcome.seconds, outcome.loss) for outcome in results]
            for name, results in outcomes.items()
        }
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(content, indent=2))


if __name__ == "__main__":
    main()
