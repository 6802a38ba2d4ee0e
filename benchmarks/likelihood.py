"""Likelihoods beside published ones: the same nets, data and bound; the training schedule is our own.

    python benchmarks/likelihood.py vae examples --out runs/likelihood

vae: 784-200-200-50 on MNIST whose binary pixels are drawn anew each time, bound of 5,000 samples: 86.76 in Burda et al.
(2016), 86.35 in the re-run of nbip/IWAE. iwae: the same by the importance-weighted objective with K = 5: 85.54. examples: the
network of PyTorch's examples, 784-400-20 on gray pixels as soft labels, ten epochs: a negative ELBO of 105.59.

Runs that are there are read and not trained again. On one quiet core examples takes a minute, vae 50 and iwae 70, and each of
the bounds of 5,000 samples some minutes more.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

WORKS = {
    "vae": (["mlp-200"], ["--samples", "5000"], "importance_weighted_bound", -86.76),
    "iwae": (
        [
            "mlp-200",
            "--set",
            "objective.kind=importance-weighted",
            "--set",
            "objective.samples=5",
            "--precision",
            "bf16-mixed",
        ],
        ["--samples", "5000"],
        "importance_weighted_bound",
        -85.54,
    ),
    "examples": (
        [
            *("mlp", "--latent-dim", "20", "--epochs", "10", "--batch-size", "128"),
            *("--set", "encoder.hidden=[400]", "--set", "decoder.hidden=[400]"),
        ],
        ["--samples", "1"],
        "loss",
        105.59,
    ),
}


def vaekit(*options: object) -> str:
    command = [sys.executable, "-m", "vaekit", *map(str, options)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("works", nargs="*", choices=WORKS, default=list(WORKS))
    parser.add_argument("--epochs", type=int, help="in place of those that each has")
    parser.add_argument("--out", type=Path, default=Path("runs/likelihood"))
    options = parser.parse_args()
    for name in options.works:
        train, evaluate, figure, published = WORKS[name]
        out = options.out / name
        if not (out / "summary.json").exists():
            resume = ["--resume", out] if (out / "config.yaml").exists() else [*train, "--out", out]
            epochs = (
                ["--epochs", options.epochs] if options.epochs and "--resume" not in resume else []
            )
            vaekit("train", *resume, *epochs)
        found = json.loads(vaekit("evaluate", out, *evaluate, "--json"))
        seconds = json.loads((out / "summary.json").read_text())["seconds"]
        value, error = found[figure]["value"], found[figure]["standard_error"]
        print(
            f"{name}: {figure} {value:.2f} +- {error:.2f}, published {published}; {seconds:.0f} s of training",
            flush=True,
        )


if __name__ == "__main__":
    main()
