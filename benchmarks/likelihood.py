"""Likelihoods next to published ones: the same nets, data and bound, with our own schedule.

    python benchmarks/likelihood.py vae examples --out runs/likelihood

vae: 784-200-200-50 on MNIST with stochastic binarization, bound of 5,000 samples: -86.76 in Burda
et al. (2016), -86.35 in the re-run of nbip/IWAE. iwae: the same net with the importance-weighted
objective, K = 5: -85.54. examples: the network of PyTorch's examples, 784-400-20 on gray pixels as
soft labels, ten epochs: a negative ELBO of 105.59.

Existing runs are read and not trained again; interrupted runs are resumed. On one quiet core,
examples takes a minute, vae 50 and iwae 70, and each bound of 5,000 samples some minutes more.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from command_line import argument_parser, output_of, vaekit_command, vaekit_json


@dataclass(frozen=True)
class Experiment:
    """A training, and the metric that is published.

    Attributes:
        training: Recipe and options of `vaekit train`.
        importance_samples: K of the bound.
        metric: Name of the metric.
        published: Its published value, in nats.
    """

    training: tuple[str, ...]
    importance_samples: int
    metric: str
    published: float


EXPERIMENTS = {
    "vae": Experiment(("mlp-200",), 5000, "importance_weighted_bound", -86.76),
    "iwae": Experiment(
        (
            "mlp-200",
            "--set=objective.kind=importance-weighted",
            "--set=objective.samples=5",
            "--precision=bf16-mixed",
        ),
        5000,
        "importance_weighted_bound",
        -85.54,
    ),
    "examples": Experiment(
        (
            "mlp",
            "--latent-dim=20",
            "--epochs=10",
            "--batch-size=128",
            "--set=encoder.hidden=[400]",
            "--set=decoder.hidden=[400]",
        ),
        1,
        "loss",
        105.59,
    ),
}


def ensure_trained(experiment: Experiment, out: Path, epochs: int | None) -> None:
    """Train, or resume an interrupted training, unless the run is complete."""
    if (out / "summary.json").exists():
        return
    if (out / "config.yaml").exists():
        output_of(vaekit_command("train", "--resume", out))
        return
    options = [] if epochs is None else ["--epochs", epochs]
    output_of(vaekit_command("train", *experiment.training, "--out", out, *options))


def main() -> None:
    """Train and evaluate the selected experiments."""
    parser = argument_parser(__doc__)
    parser.add_argument("experiments", nargs="*", choices=EXPERIMENTS, default=list(EXPERIMENTS))
    parser.add_argument("--epochs", type=int, help="instead of the epochs of each experiment")
    parser.add_argument("--out", type=Path, default=Path("runs/likelihood"))
    options = parser.parse_args()
    for name in options.experiments:
        experiment = EXPERIMENTS[name]
        out = options.out / name
        ensure_trained(experiment, out, options.epochs)
        samples = experiment.importance_samples
        evaluation = vaekit_json("evaluate", out, "--importance-samples", samples)
        metric = evaluation[experiment.metric]
        seconds = json.loads((out / "summary.json").read_text())["seconds"]
        print(
            f"{name}: {experiment.metric} {metric['value']:.2f} +- "
            f"{metric['standard_error']:.2f}, published {experiment.published}; "
            f"{seconds:.0f} s of training",
            flush=True,
        )


if __name__ == "__main__":
    main()
