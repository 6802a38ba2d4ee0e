"""Train with each estimator of the encoder's gradient, and measure the variance of each.

    python benchmarks/gradient_estimators.py --epochs 6 --train-size 10000 --out runs/gradients

Trains recipe `mlp` on MNIST with objective.gradient = pathwise, score-function and none, all from
one seed; then measures the variance of the three gradients of one batch at the first and the best
weights of the pathwise run. Prints a table and draws one plot. "none" leaves the encoder the
gradient of the closed-form divergence only: biased, without variance. Takes some five minutes on
one core.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import vaekit
from command_line import argument_parser
from vaekit.evaluation import GradientVariance, gradient_variance
from vaekit.plots import gradient_estimators, save
from vaekit.runs import Run

Estimator = Literal["pathwise", "score-function", "none"]
ESTIMATORS: tuple[Estimator, ...] = ("pathwise", "score-function", "none")
MOMENTS = ("at the start", "at the end")


def train(estimator: Estimator, options: argparse.Namespace) -> Run:
    """Train with one estimator."""
    return vaekit.train(
        "mlp",
        data={"source": "mnist", "train_size": options.train_size},
        objective={"gradient": estimator},
        latent_dim=options.latent_dim,
        seed=options.seed,
        training={"epochs": options.epochs},
        out=options.out / estimator,
        overwrite=True,
    )


def measure_variances(
    run: Run, options: argparse.Namespace
) -> dict[Estimator, list[GradientVariance]]:
    """By estimator: the variance at the first weights of a run, and at its best weights."""
    x = run.prepare(vaekit.load_data("mnist").train.x[: options.batch_size])
    first = vaekit.build("mlp", "mnist", latent_dim=options.latent_dim, seed=options.seed)
    variances: dict[Estimator, list[GradientVariance]] = {}
    for estimator in ESTIMATORS:
        objective = vaekit.ELBO(gradient=estimator)
        variances[estimator] = [
            gradient_variance(model, objective, x, draws=options.draws, seed=options.seed)
            for model in (first, run.model)
        ]
    return variances


def print_table(
    runs: Mapping[Estimator, Run], variances: Mapping[Estimator, list[GradientVariance]]
) -> None:
    """Print losses, variances and the ratio of each variance to the pathwise one."""
    print("estimator       validation  weights       variance  |mean gradient|^2  to pathwise")
    for i, moment in enumerate(MOMENTS):
        pathwise = variances["pathwise"][i].variance
        for estimator, measured in variances.items():
            loss = runs[estimator].summary["validation"]["loss"]
            variance = measured[i].variance
            print(
                f"{estimator:14}  {loss:10.2f}  {moment:12}  {variance:8.3g}  "
                f"{measured[i].squared_norm:17.3g}  {variance / pathwise:11.3g}"
            )


def main() -> None:
    """Train, measure and draw."""
    parser = argument_parser(__doc__)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--train-size", type=int, default=10_000, help="training examples")
    parser.add_argument("--latent-dim", type=int, default=2)
    parser.add_argument(
        "--batch-size", type=int, default=128, help="examples that variances are measured on"
    )
    parser.add_argument("--draws", type=int, default=100, help="gradients per variance")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/gradients"))
    options = parser.parse_args()
    runs: dict[Estimator, Run] = {estimator: train(estimator, options) for estimator in ESTIMATORS}
    variances = measure_variances(runs["pathwise"], options)
    print_table(runs, variances)

    losses = {estimator: run.history["val_loss"] for estimator, run in runs.items()}
    drawn = {
        estimator: [each.variance for each in measured] for estimator, measured in variances.items()
    }
    examples = f"{options.train_size:,} examples of MNIST, {options.draws} draws of the noise"
    figure = gradient_estimators(losses, drawn, MOMENTS, title=f"Gradient estimators: {examples}")
    print(f"plot   {save(figure, options.out / 'gradient_estimators.png')}")


if __name__ == "__main__":
    main()
