"""Every reference system, trained and measured by its one command; prints the table of docs/results.md.

    python benchmarks/reference.py                 # all but the long ones
    python benchmarks/reference.py --rows gumbel vq --out runs/reference
    python benchmarks/reference.py --list

Each row is one recipe; its run folder, with the pictures, stays under --out. Minutes are of two cores.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vaekit import __version__, recipes

LONG = 30  # minutes from which on a row is left out unless it is named


@dataclass(frozen=True)
class Row:
    """One line of the table: run(folder) -> what was measured, in words."""

    system: str
    published: str
    minutes: int
    run: Callable[[Path], Iterator[str]]


ROWS: dict[str, Row] = {}


def row(name: str, system: str, minutes: int, published: str = "-") -> Callable:
    def add(run: Callable[[Path], Iterator[str]]) -> Callable:
        ROWS[name] = Row(system, published, minutes, run)
        return run

    return add


def vaekit(*arguments: Any) -> dict[str, Any]:
    """The JSON that a command prints; the command itself goes to standard error, to be repeated by hand."""
    command = [str(argument) for argument in arguments]
    print("$ vaekit " + " ".join(command), file=sys.stderr, flush=True)
    done = subprocess.run(
        [sys.executable, "-m", "vaekit", *command, "--json"],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return json.loads(done.stdout)


def train(folder: Path, *arguments: Any) -> dict[str, Any]:
    """Train into a folder, unless it holds what this very request, of a recipe that reads the same, left there; its summary."""
    recipe, request = recipes.text(str(arguments[0])), folder / "request.txt"
    asked = "\n".join([__version__, *map(str, arguments), recipe])
    if (
        not (folder / "summary.json").exists()
        or not request.exists()
        or request.read_text() != asked
    ):
        vaekit("train", *arguments, "--out", folder, "--force")
        request.write_text(asked)
    return json.loads((folder / "summary.json").read_text())


def terms(summary: dict[str, Any]) -> str:
    """The test figures of a run."""
    found = summary["test"]
    loss = f"test loss {figure(found['loss'])}"
    if not found["divergence"]:
        return f"{loss} (reconstruction alone)"
    return (
        f"{loss} = {found['reconstruction']['value']:.2f} + {found['divergence']['value']:.2f} nats"
    )


def figure(found: dict[str, Any], digits: int = 2) -> str:
    return f"{found['value']:.{digits}f} ± {found['standard_error']:.{digits}f}"


def parameters(summary: dict[str, Any]) -> str:
    counts = summary["parameters"]
    sides = [
        f"{side} {c['trainable'] + c['fixed']:,} ({c['trainable']:,} trainable)"
        for side, c in counts.items()
    ]
    return ", ".join(sides[:2])


@row("r0", "R0 convolutional VAE", 10, "validation 151.33; 69,076 + 65,089 parameters")
def _(out: Path) -> Iterator[str]:
    summary = train(out / "conv-original", "conv-original")
    yield f"validation {summary['validation']['loss']:.2f}; {parameters(summary)}"


@row("mlp", "R1 MLP, Bernoulli", 8, "test 152.67 at best, 153.04 at the end")
def _(out: Path) -> Iterator[str]:
    yield terms(train(out / "mlp-classic", "mlp-classic"))


@row("gaussian", "R1 MLP, Gaussian with learned variance", 20)
def _(out: Path) -> Iterator[str]:
    for data in ("mnist", "digits"):
        summary = train(
            out / f"mlp-gaussian-{data}", "mlp-gaussian", "--data", data, "--epochs", 100
        )
        yield f"{data}: {summary['epochs']} epochs, {terms(summary)}"


@row("chosen", "R1 chosen digits", 3)
def _(out: Path) -> Iterator[str]:
    train(out / "conv", "conv")
    rows = vaekit("reconstruct", out / "conv", "--index", "0-9")["rows"]
    nines = [row for row in rows if row["class"] == "9"]
    yield "; ".join(
        f"a nine at index {r['index']}: code ({', '.join(f'{c:.2f}' for c in r['code'])})"
        for r in nines
    )


@row(
    "gumbel",
    "R1 discrete VAE, categorical 20 x 10, fixed binarisation",
    12,
    "101.5 (Gumbel-softmax paper)",
)
def _(out: Path) -> Iterator[str]:
    summary = train(out / "gumbel", "gumbel")
    found = vaekit("evaluate", out / "gumbel", "--samples", 1000, "--limit", 1000)
    yield f"{terms(summary)}; 1,000-sample bound {-found['importance_weighted_bound']['value']:.2f} on 1,000 images"
    yield codes(found)


@row("vq", "R1 discrete VAE, vector-quantized with a learned prior", 12)
def _(out: Path) -> Iterator[str]:
    for recipe in ("vq", "fsq"):
        summary = train(out / recipe, recipe)
        yield f"{recipe}: {terms(summary)}; {codes(vaekit('evaluate', out / recipe, '--samples', 1, '--limit', 2000))}"


def codes(found: dict[str, Any]) -> str:
    usage = found["codes"]
    return (
        f"perplexity {usage['perplexity']:.1f}, {usage['used']} of {usage['available']} codes used"
    )


@row(
    "batchnorm",
    "R2 with batch normalisation",
    8,
    "17,208 (17,120 trainable) + 9,137 (7,521) parameters",
)
def _(out: Path) -> Iterator[str]:
    for data in ("mnist", "fashion-mnist"):
        summary = train(out / f"conv-batchnorm-{data}", "conv-batchnorm", "--data", data)
        yield f"{data}: {terms(summary)}; {parameters(summary)}"


@row(
    "dcgan",
    "R2 DCGAN-like",
    60,
    "considerably better pictures after 5 epochs; 8,728,505 parameters (do not fit its layers)",
)
def _(out: Path) -> Iterator[str]:
    summary = train(out / "dcgan", "dcgan", "--epochs", 1)
    yield f"one epoch: {terms(summary)}; {parameters(summary)}"


@row("rgb", "R2 three channels", 12)
def _(out: Path) -> Iterator[str]:
    summary = train(out / "cifar10", "conv", "--data", "cifar10", "--epochs", 1)
    yield f"CIFAR-10, one epoch: {terms(summary)}"
    summary = train(
        out / "cifar10-levels",
        "conv",
        "--data",
        "cifar10",
        "--epochs",
        1,
        "--set",
        "likelihood=discretized-logistic",
    )
    found = vaekit("evaluate", out / "cifar10-levels", "--limit", 1000)
    yield f"discretised logistic, one epoch: {figure(found['bits_per_dimension'], 3)} bits per dimension at most"


@row("autoencoder", "R3 autoencoder against VAE", 12)
def _(out: Path) -> Iterator[str]:
    for data in ("mnist", "fashion-mnist"):
        folders = [out / f"{recipe}-{data}" for recipe in ("autoencoder", "conv")]
        for folder, recipe in zip(folders, ("autoencoder", "conv"), strict=True):
            yield f"{data}, {recipe}: {terms(train(folder, recipe, '--data', data))}"
        vaekit("compare", *folders, "--out", out / f"compare-{data}.png", "--force")


@row("ablations", "R3 ablations", 5)
def _(out: Path) -> Iterator[str]:
    for recipe in ("reconstruction-only", "divergence-only"):
        yield f"{recipe}: {terms(train(out / recipe, recipe))}"


@row("conditional", "R3 conditional VAE", 12, "at least 95 % wanted")
def _(out: Path) -> Iterator[str]:
    for data in ("mnist", "fashion-mnist"):
        folder = out / f"conditional-{data}"
        summary = train(folder, "conv", "--conditional", "--data", data)
        found = vaekit("evaluate", folder, "--agreement", 100, "--limit", 1000)[
            "generated_class_accuracy"
        ]
        share, sure = 100 * found["share"], 100 * found["classifier_accuracy"]
        yield f"{data}: {terms(summary)}; {share:.1f} % of samples as wanted, by a classifier that is right on {sure:.1f} %"


@row("traversals", "R3 traversals", 4)
def _(out: Path) -> Iterator[str]:
    summary = train(out / "conv-8", "conv", "--latent-dim", 8)
    vaekit("plot", out / "conv-8", "traversals", "interpolations")
    yield f"{terms(summary)}; traversals.png"


@row("samples", "R4 MLP, K samples: closed form and Monte Carlo", 3)
def _(out: Path) -> Iterator[str]:
    for divergence in ("closed-form", "monte-carlo"):
        options = (
            "--set",
            f"objective.divergence={divergence}",
            "--set",
            "objective.samples=5",
            "--epochs",
            10,
        )
        yield f"{divergence}, K = 5, 10 epochs: {terms(train(out / f'mlp-500-{divergence}', 'mlp-500', *options))}"


@row("overfitting", "R4 MLP, 500 images and all", 35)
def _(out: Path) -> Iterator[str]:
    few, all_ = out / "mlp-500", out / "mlp-60000"
    yield f"500 images: {terms(train(few, 'mlp-500'))}"
    yield f"all: {terms(train(all_, 'mlp-500', '--set', 'data.train_size=null'))}"
    vaekit("compare", few, all_, "--out", out / "compare-overfitting.png", "--force")


@row("categorical", "R4 categorical likelihood, 8 x 8 digits, L = 17", 2)
def _(out: Path) -> Iterator[str]:
    summary = train(out / "categorical-digits", "categorical-digits")
    found = vaekit("evaluate", out / "categorical-digits", "--samples", 1000)
    yield f"{terms(summary)}; {figure(found['bits_per_dimension'], 3)} bits per dimension at most (K = 1,000)"


@row("gradients", "R4 gradient estimators", 8)
def _(out: Path) -> Iterator[str]:
    script = Path(__file__).with_name("gradient_estimators.py")
    done = subprocess.run(
        [sys.executable, script, "--out", out / "gradients"],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield done.stdout.strip().replace("\n", "; ")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--rows",
        nargs="+",
        choices=ROWS,
        default=[name for name, row in ROWS.items() if row.minutes < LONG],
    )
    parser.add_argument("--out", type=Path, default=Path("runs/reference"))
    parser.add_argument("--list", action="store_true", help="list the rows with their minutes")
    options = parser.parse_args()
    if options.list:
        for name, row in ROWS.items():
            print(
                f"{name:12} {row.minutes:3} min{' (only if named)' if row.minutes >= LONG else '':16}  {row.system}"
            )
        return
    print("| system | published | measured |\n|---|---|---|", flush=True)
    for name in options.rows:
        row, started = ROWS[name], time.perf_counter()
        measured = "<br>".join(row.run(options.out))
        print(f"| {row.system} | {row.published} | {measured} |", flush=True)
        print(
            f"{name}: {(time.perf_counter() - started) / 60:.1f} min", file=sys.stderr, flush=True
        )


if __name__ == "__main__":
    main()
