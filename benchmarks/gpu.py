"""The GPU against the CPU: the same losses within noise, and images a second, with and without compiling.

    python benchmarks/gpu.py

Trains R0's network and R4's on all of MNIST for two epochs, seeds 0 to 2, on the CPU in float32 and on the GPU in float32 and
bfloat16; then R4's for a hundred thousand updates, enough to be compiled (CUDA graphs), and once more with compiling put off.
A GPU that PyTorch finds is needed. It has not been run yet: no GPU was at hand. `time_to_quality.py` and `throughput.py`
use a GPU by themselves where there is one.
"""

import csv
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

CASES = {
    "CPU, float32": ["--device", "cpu", "--precision", "32-true"],
    "GPU, float32": ["--device", "cuda", "--precision", "32-true"],
    "GPU, bfloat16": ["--device", "cuda", "--precision", "bf16-mixed"],
}
NEVER = "from vaekit.training import machine; machine.COMPILED_FROM = float('inf'); "


def trained(before: str, *arguments: str) -> tuple[float, float]:
    """The last validation loss, and images a second in the last epoch."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        program = f"import sys; {before}from vaekit.cli import main; main()"
        command = [sys.executable, "-c", program, "train", *arguments, "--out", str(out)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        *_, last = csv.DictReader((out / "metrics.csv").open())
        return float(last["val_loss"]), float(last["samples_per_second"])


def main() -> None:
    if not torch.cuda.is_available():
        sys.exit("no GPU that PyTorch can use is here")
    for recipe in ("conv-original", "mlp-500"):
        whole = [
            "--set",
            "data.train_size=null",
            "--set",
            "data.validation=0.1",
            "--epochs",
            "2",
            "--batch-size",
            "128",
        ]
        for name, options in CASES.items():
            losses, rates = zip(
                *(trained("", recipe, *whole, *options, "--seed", str(seed)) for seed in range(3)),
                strict=True,
            )
            each = ", ".join(f"{loss:.2f}" for loss in losses)
            print(
                f"{recipe:14} {name:14} validation {each}; {statistics.median(rates):,.0f} images/s"
            )
    long = [
        "mlp-500",
        "--set",
        "data.train_size=null",
        "--epochs",
        "240",
        "--batch-size",
        "128",
        "--device",
        "cuda",
    ]
    for name, before in (("compiled", ""), ("not compiled", NEVER)):
        loss, rate = trained(before, *long)
        print(f"mlp-500 for 240 epochs, {name}: validation {loss:.2f}, {rate:,.0f} images/s")


if __name__ == "__main__":
    main()
