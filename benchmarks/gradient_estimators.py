"""How the gradient reaches the encoder: training with each estimator, and the variance of each at common weights.

    python benchmarks/gradient_estimators.py --epochs 6 --limit 10000 --out runs/gradients

Trains recipe `mlp` on MNIST with objective.gradient = pathwise, score-function and none, all from one seed; then measures the
variance of the three gradients of one batch at the weights that the pathwise run starts from and ends with. Prints a table and
draws one picture. "none" leaves the encoder the gradient of the closed-form divergence alone: wrong, and without variance.
Takes some five minutes on one core.
"""

import argparse
from pathlib import Path
from typing import Literal

import vaekit
from vaekit.core.vae import VAE
from vaekit.evaluation import GradientVariance, gradient_variance
from vaekit.plots import gradient_estimators, save
from vaekit.runs import Run

Estimator = Literal["pathwise", "score-function", "none"]
ESTIMATORS: tuple[Estimator, ...] = ("pathwise", "score-function", "none")
MOMENTS = ("at the start", "at the end")


def train(estimator: Estimator, options: argparse.Namespace) -> Run:
    return vaekit.train(
        "mlp",
        data={"source": "mnist", "limit": options.limit},
        objective={"gradient": estimator},
        latent_dim=options.latent_dim,
        seed=options.seed,
        training={"epochs": options.epochs},
        out=options.out / estimator,
        force=True,
    )


def measure(run: Run, options: argparse.Namespace) -> dict[Estimator, list[GradientVariance]]:
    """By estimator: at the weights that the run started from, and at those that it kept."""
    x = run.prepare(vaekit.load_data("mnist").train.x[: options.rows])
    start = vaekit.build("mlp", "mnist", latent_dim=options.latent_dim, seed=options.seed)

    def at(model: VAE, estimator: Estimator) -> GradientVariance:
        return gradient_variance(
            model, vaekit.ELBO(gradient=estimator), x, draws=options.draws, seed=options.seed
        )

    return {
        estimator: [at(model, estimator) for model in (start, run.model)]
        for estimator in ESTIMATORS
    }


def show(runs: dict[Estimator, Run], found: dict[Estimator, list[GradientVariance]]) -> None:
    print("estimator       validation  weights       variance  |mean gradient|^2  to pathwise")
    for i, moment in enumerate(MOMENTS):
        for estimator, measured in found.items():
            loss = runs[estimator].summary["validation"]["loss"]
            ratio = measured[i].variance / found["pathwise"][i].variance
            print(
                f"{estimator:14}  {loss:10.2f}  {moment:12}  {measured[i].variance:8.3g}  "
                f"{measured[i].squared_norm:17.3g}  {ratio:11.3g}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--limit", type=int, default=10_000, help="training rows")
    parser.add_argument("--latent-dim", type=int, default=2)
    parser.add_argument(
        "--rows", type=int, default=128, help="in the batch that the variances are measured on"
    )
    parser.add_argument("--draws", type=int, default=100, help="of the noise")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/gradients"))
    options = parser.parse_args()
    runs: dict[Estimator, Run] = {estimator: train(estimator, options) for estimator in ESTIMATORS}
    found = measure(runs["pathwise"], options)
    show(runs, found)
    losses = {estimator: run.history["val_loss"] for estimator, run in runs.items()}
    variances = {
        estimator: [measured.variance for measured in at] for estimator, at in found.items()
    }
    rows = f"{options.limit:,} rows of MNIST, {options.draws} draws of the noise"
    figure = gradient_estimators(losses, variances, MOMENTS, title=f"Gradient estimators: {rows}")
    print(f"picture   {save(figure, options.out / 'gradient_estimators.png')}")


if __name__ == "__main__":
    main()
