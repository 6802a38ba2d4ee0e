"""Kill a training at random moments, resume it, and compare it with an uninterrupted run.

    python benchmarks/resume.py --kills 10 --out runs/resume

Trains conv on 6,000 MNIST images once without interruption, and once killed (kill -9) at random
moments: within epochs, between them and in the final evaluation. Compares the best and the last
weights bit by bit, the rows of metrics.csv and the summary, except times. Takes about 5 minutes on
two cores.
"""

import csv
import json
import random
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from command_line import argument_parser, vaekit_command

TIMES = {"seconds", "samples_per_second", "run_id"}
OPTIONS = (
    "conv",
    "--train-size=6000",
    "--epochs=6",
    "--set=training.checkpoint_seconds=0.5",
    "--seed=5",
)


def train_command(out: Path) -> list[str]:
    """The command that starts the training over."""
    return vaekit_command("train", *OPTIONS, "--out", out, "--overwrite")


def resume_command(out: Path) -> list[str]:
    """The command that resumes it."""
    return vaekit_command("train", "--resume", out)


def run_quietly(command: Sequence[str]) -> None:
    """Run a command; CalledProcessError if it fails."""
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def run_and_kill(command: Sequence[str], seconds: float) -> bool:
    """Run a command for some seconds; whether it had to be killed then."""
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return True
    return False


def last_weights(run: Path) -> dict[str, torch.Tensor]:
    """The weights of the last checkpoint."""
    return load_file(run / "checkpoints/last.safetensors")


def metrics_without_times(run: Path) -> list[dict[str, str]]:
    """The rows of metrics.csv."""
    with (run / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    return [{name: row[name] for name in row if name not in TIMES} for row in rows]


def summary_without_times(run: Path) -> dict[str, Any]:
    """The content of summary.json."""
    summary = json.loads((run / "summary.json").read_text())
    assert summary.pop("seconds") > 0
    summary.pop("run_id")
    return summary


def check_equal(expected: Path, run: Path) -> None:
    """AssertionError if anything but a time differs."""
    best = [load_file(folder / "model.safetensors") for folder in (expected, run)]
    last = [last_weights(folder) for folder in (expected, run)]
    for name, (one, other) in {"best": best, "last": last}.items():
        equal = [torch.equal(weight, other[key]) for key, weight in one.items()]
        assert all(equal), f"{name} weights differ"
    assert metrics_without_times(expected) == metrics_without_times(run), "metrics.csv differs"
    assert summary_without_times(expected) == summary_without_times(run), "summary.json differs"


def count_epochs(run: Path) -> int:
    """The number of epochs in metrics.csv."""
    path = run / "metrics.csv"
    lines = path.read_text().count("\n") if path.exists() else 0
    return max(0, lines - 1)


def main() -> None:
    """Train uninterrupted, then kill and resume."""
    parser = argument_parser(__doc__)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/resume"))
    options = parser.parse_args()
    rng = random.Random(options.seed)
    uninterrupted = options.out / "uninterrupted"
    interrupted = options.out / "interrupted"
    start = time.perf_counter()
    run_quietly(train_command(uninterrupted))
    total_seconds = time.perf_counter() - start

    kills = 0
    command = train_command(interrupted)
    while kills < options.kills:
        seconds = rng.uniform(0.25, 0.55) * total_seconds
        if not run_and_kill(command, seconds):
            print(f"complete after {kills} kills; starting over for the rest", flush=True)
            check_equal(uninterrupted, interrupted)
            command = train_command(interrupted)
            continue
        kills += 1
        epochs = count_epochs(interrupted)
        print(f"kill {kills} after {seconds:.1f} s, {epochs} epochs on disk", flush=True)
        if (interrupted / "split.npz").exists():
            command = resume_command(interrupted)
    run_quietly(resume_command(interrupted))
    check_equal(uninterrupted, interrupted)
    print("identical: best weights, last weights, metrics.csv, summary.json (except times)")


if __name__ == "__main__":
    main()
