"""Train the network of the Keras example three ways, and compare losses and times.

    python benchmarks/keras_comparison.py --seeds 0 1 2 --out runs/keras-comparison

`keras` is Keras with the published protocol, `conv-original` the same protocol in vaekit, `conv`
the same network with vaekit's own training. Each training is a process of its own, and the three
take turns, so that all run on an equally busy machine; Keras gets an environment of its own, made
on first use. Prints a line per training, then the medians; vaekit's run folders stay. Takes about
45 minutes on two cores; `--only keras` repeats one of the three.
"""

import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import vaekit
from command_line import argument_parser, output_of, vaekit_json
from environments import python_of

PUBLISHED_LOSS = 151.33
"""The best validation loss in the log of the Keras example, in nats."""

MNIST = Path(vaekit.__file__).parent / "data" / "mnist"
KERAS_SCRIPT = Path(__file__).parent / "peers" / "keras_conv.py"
TRAININGS = ("keras", "conv-original", "conv")


@dataclass(frozen=True)
class Losses:
    """Epochs of a training, its best validation loss and its test loss in nats."""

    epochs: int
    validation: float
    test: float


@dataclass(frozen=True)
class TimedTraining:
    """The losses of a training, and the seconds that it took."""

    losses: Losses
    seconds: float


def train_keras(seed: int, out: Path) -> Losses:
    """Train by Keras, which validates on the test images, and write out/keras-SEED.jsonl."""
    command = [str(python_of("keras")), str(KERAS_SCRIPT), "--mnist", str(MNIST)]
    printed = output_of([*command, "--seed", str(seed)])
    out.mkdir(parents=True, exist_ok=True)
    (out / f"keras-{seed}.jsonl").write_text(printed)
    epochs = [json.loads(line) for line in printed.splitlines()]
    best = min(epoch["val_loss"] for epoch in epochs)
    return Losses(len(epochs), validation=best, test=best)


def train_vaekit(recipe: str, seed: int, out: Path) -> Losses:
    """Train a recipe by `vaekit train`."""
    folder = out / f"{recipe}-{seed}"
    options = ["--seed", seed, "--out", folder, "--overwrite"]
    summary = vaekit_json("train", recipe, *options)["summary"]
    return Losses(
        summary["epochs"],
        validation=summary["validation"]["loss"],
        test=summary["test"]["loss"]["value"],
    )


def train_timed(name: str, seed: int, out: Path) -> TimedTraining:
    """Train one of TRAININGS."""
    start = time.perf_counter()
    losses = train_keras(seed, out) if name == "keras" else train_vaekit(name, seed, out)
    return TimedTraining(losses, time.perf_counter() - start)


def print_medians(name: str, trainings: Sequence[TimedTraining]) -> None:
    """Print the medians of one of TRAININGS over the seeds."""
    epochs = statistics.median(training.losses.epochs for training in trainings)
    validation = statistics.median(training.losses.validation for training in trainings)
    test = statistics.median(training.losses.test for training in trainings)
    seconds = statistics.median(training.seconds for training in trainings)
    print(f"{name:14}       {epochs:6.0f}  {validation:10.2f}  {test:6.2f}  {seconds:7.0f}")


def main() -> None:
    """Run all trainings for all seeds."""
    parser = argument_parser(__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", choices=TRAININGS, nargs="+", default=TRAININGS)
    parser.add_argument("--out", type=Path, default=Path("runs/keras-comparison"))
    options = parser.parse_args()
    if "keras" in options.only:
        python_of("keras")  # its environment is made before any time is measured

    results: dict[str, list[TimedTraining]] = {name: [] for name in options.only}
    print("training       seed  epochs  validation    test  seconds", flush=True)
    for seed in options.seeds:
        for name, trainings in results.items():
            training = train_timed(name, seed, options.out)
            trainings.append(training)
            losses = training.losses
            print(
                f"{name:14} {seed:4}  {losses.epochs:6}  {losses.validation:10.2f}  "
                f"{losses.test:6.2f}  {training.seconds:7.0f}",
                flush=True,
            )

    print(f"\nmedians (best validation loss in the log of the Keras example: {PUBLISHED_LOSS})")
    for name, trainings in results.items():
        print_medians(name, trainings)


if __name__ == "__main__":
    main()
