"""kill -9 at random moments, resume, compare with a run that nobody disturbed.

    python benchmarks/resume.py --kills 10 --out runs/resume

Trains conv on 6,000 MNIST images once in peace and once killed at random moments, within epochs, between them, in the
evaluation at the end. Compares the best weights and the last checkpoint's bit by bit, the rows of metrics.csv and the
summary (times apart). Takes about 5 minutes on two cores.
"""

import argparse
import csv
import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import torch

TIMES = {"seconds", "samples_per_second"}
SETTINGS = [
    "--limit",
    "6000",
    "--epochs",
    "6",
    "--set",
    "training.checkpoint_seconds=0.5",
    "--seed",
    "5",
]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "vaekit", "train", *arguments]


def run_killed(arguments: list[str], after: float) -> bool:
    """Run, kill -9 after that many seconds; whether it was killed."""
    process = subprocess.Popen(arguments, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        process.wait(after)
        return False
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return True


def compare(calm: Path, disturbed: Path) -> None:
    """AssertionError where anything but a time differs."""
    assert (calm / "model.safetensors").read_bytes() == (
        disturbed / "model.safetensors"
    ).read_bytes(), "best weights differ"
    last = [
        torch.load(run / "checkpoints/last.ckpt", weights_only=True)["state_dict"]
        for run in (calm, disturbed)
    ]
    assert all(torch.equal(last[0][name], last[1][name]) for name in last[0]), "last weights differ"
    tables = [list(csv.DictReader((run / "metrics.csv").open())) for run in (calm, disturbed)]
    rows = [[{k: v for k, v in row.items() if k not in TIMES} for row in table] for table in tables]
    assert rows[0] == rows[1], "rows of metrics.csv differ"
    summaries = [json.loads((run / "summary.json").read_text()) for run in (calm, disturbed)]
    assert [summary.pop("seconds") > 0 for summary in summaries] == [True, True]
    assert summaries[0] == summaries[1], "summaries differ"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/resume"))
    options = parser.parse_args()
    moments = random.Random(options.seed)
    calm, disturbed = options.out / "calm", options.out / "disturbed"
    started = time.perf_counter()
    subprocess.run(
        command("conv", *SETTINGS, "--out", str(calm), "--force"),
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    seconds = time.perf_counter() - started
    kills, arguments = 0, command("conv", *SETTINGS, "--out", str(disturbed), "--force")
    while kills < options.kills:
        after = moments.uniform(0.25, 0.55) * seconds
        if not run_killed(arguments, after):
            print(f"done after {kills} kills; starting over for the rest", flush=True)
            compare(calm, disturbed)
            arguments = command("conv", *SETTINGS, "--out", str(disturbed), "--force")
            continue
        kills += 1
        rows = (
            (disturbed / "metrics.csv").read_text().count("\n") - 1
            if (disturbed / "metrics.csv").exists()
            else 0
        )
        print(f"kill {kills} after {after:.1f} s, {max(rows, 0)} epochs on disk", flush=True)
        arguments = (
            command("--resume", str(disturbed)) if (disturbed / "split.npz").exists() else arguments
        )
    subprocess.run(
        command("--resume", str(disturbed)),
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    compare(calm, disturbed)
    print("identical: best weights, last weights, metrics.csv, summary.json (times apart)")


if __name__ == "__main__":
    main()
