"""The GPU against the CPU: equal losses within noise, and images per second, compiled or not.

    python benchmarks/gpu.py

Trains `conv-original` and `mlp-500` on all of MNIST for two epochs, seeds 0 to 2, on the CPU in
float32 and on the GPU in float32 and bfloat16; then `mlp-500` for a hundred thousand steps, enough
to be compiled (CUDA graphs), and once more without compiling. Needs a GPU that PyTorch can use, and
has not been run yet: no GPU was available. `time_to_quality.py` and `throughput.py` use a GPU by
themselves if there is one.
"""

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import torch

from command_line import argument_parser, last_epoch

RECIPES = ("conv-original", "mlp-500")
SEEDS = (0, 1, 2)
DEVICES = {
    "CPU, float32": ["--device", "cpu", "--precision", "32-true"],
    "GPU, float32": ["--device", "cuda", "--precision", "32-true"],
    "GPU, bfloat16": ["--device", "cuda", "--precision", "bf16-mixed"],
}
SHORT = [
    "--set=data.train_size=null",
    "--set=data.validation=0.1",
    "--epochs=2",
    "--batch-size=128",
]
LONG = ["--set=data.train_size=null", "--epochs=240", "--batch-size=128", "--device=cuda"]
MAIN = "from vaekit.cli import main; main()"
MAIN_WITHOUT_COMPILING = (
    f"from vaekit.runtime import device; device.MIN_COMPILED_STEPS = float('inf'); {MAIN}"
)


class LastEpoch(NamedTuple):
    """Validation loss, and training images per second."""

    loss: float
    rate: float


def train(program: str, recipe: str, *options: str) -> LastEpoch:
    """Train by a Python program that runs the command line."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        command = [sys.executable, "-c", program, "train", recipe, *options, "--out", str(out)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        epoch = last_epoch(out)
        return LastEpoch(epoch["val_loss"], epoch["samples_per_second"])


def main() -> None:
    """Compare the devices, then a long training with and without compiling."""
    argument_parser(__doc__).parse_args()
    if not torch.cuda.is_available():
        sys.exit("PyTorch finds no GPU. Run this script on a machine with one.")
    for recipe in RECIPES:
        for name, options in DEVICES.items():
            epochs = [train(MAIN, recipe, *SHORT, *options, f"--seed={seed}") for seed in SEEDS]
            losses = ", ".join(f"{epoch.loss:.2f}" for epoch in epochs)
            rate = statistics.median(epoch.rate for epoch in epochs)
            print(f"{recipe:14} {name:14} validation {losses}; {rate:,.0f} images/s")

    programs = {"compiled": MAIN, "not compiled": MAIN_WITHOUT_COMPILING}
    for name, program in programs.items():
        loss, rate = train(program, "mlp-500", *LONG)
        print(f"mlp-500 for 240 epochs, {name}: validation {loss:.2f}, {rate:,.0f} images/s")


if __name__ == "__main__":
    main()
