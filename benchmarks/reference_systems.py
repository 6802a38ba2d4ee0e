"""Train and measure every reference system by its one command; print the table of docs/results.md.

    python benchmarks/reference_systems.py                 # all but the long ones
    python benchmarks/reference_systems.py --systems gumbel vq --out runs/reference
    python benchmarks/reference_systems.py --list

Each system is one recipe; its run folder, with the plots, stays under --out, and a run that the
same command has trained before is not trained again. Minutes are of two cores.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from command_line import argument_parser, output_of, vaekit_json
from vaekit import __version__, recipes

MIN_LONG_MINUTES = 30
"""A system that takes as long as this runs only if it is named."""

Measure = Callable[[Path], Iterator[str]]
"""From the folder of the runs to what was measured, in words."""

Json = dict[str, Any]


@dataclass(frozen=True)
class System:
    """A line of the table.

    Attributes:
        title: What the system is.
        published: Its published metrics.
        minutes: How long it takes.
        measure: Trains and measures it.
    """

    title: str
    published: str
    minutes: int
    measure: Measure

    @property
    def is_long(self) -> bool:
        """Whether it runs only if it is named."""
        return self.minutes >= MIN_LONG_MINUTES


SYSTEMS: dict[str, System] = {}


def system(
    name: str, title: str, minutes: int, published: str = "-"
) -> Callable[[Measure], Measure]:
    """Register a function that measures a system."""

    def register(measure: Measure) -> Measure:
        SYSTEMS[name] = System(title, published, minutes, measure)
        return measure

    return register


def vaekit(*arguments: object) -> Json:
    """Run a command and return its JSON; the command is printed, so that it can be repeated."""
    print("$ vaekit " + " ".join(map(str, arguments)), file=sys.stderr, flush=True)
    return vaekit_json(*arguments)


def train(folder: Path, recipe: str, *options: object) -> Json:
    """The summary of a recipe, trained in a folder unless the same request has done so before."""
    request = folder / "request.txt"
    content = "\n".join([__version__, recipe, *map(str, options), recipes.text(recipe)])
    is_trained = (folder / "summary.json").exists() and request.exists()
    if not is_trained or request.read_text() != content:
        vaekit("train", recipe, *options, "--out", folder, "--overwrite")
        request.write_text(content)
    return json.loads((folder / "summary.json").read_text())


def evaluate(folder: Path, *options: object) -> Json:
    """Evaluate a run."""
    return vaekit("evaluate", folder, *options)


# --- Metrics in words ----------------------------------------------------------------------------


def describe_loss(summary: Json) -> str:
    """The test loss of a run and its two terms."""
    test = summary["test"]
    loss = f"test loss {describe_metric(test['loss'])}"
    divergence = test["divergence"]["value"]
    if divergence is None:
        return f"{loss} (reconstruction alone)"
    return f"{loss} = {test['reconstruction']['value']:.2f} + {divergence:.2f} nats"


def describe_metric(metric: Json, digits: int = 2) -> str:
    """A metric with its standard error."""
    return f"{metric['value']:.{digits}f} ± {metric['standard_error']:.{digits}f}"


def describe_parameters(summary: Json) -> str:
    """The parameter counts of encoder and decoder."""
    sides = []
    for side in ("encoder", "decoder"):
        count = summary["parameters"][side]
        total = count["trainable"] + count["fixed"]
        sides.append(f"{side} {total:,} ({count['trainable']:,} trainable)")
    return ", ".join(sides)


def describe_codes(evaluation: Json) -> str:
    """The use of discrete codes."""
    codes = evaluation["codes"]
    return (
        f"perplexity {codes['perplexity']:.1f}, {codes['used']} of {codes['available']} codes used"
    )


# --- Systems -------------------------------------------------------------------------------------


@system(
    "keras",
    "Convolutional VAE of the Keras example",
    10,
    "validation 151.33; 69,076 + 65,089 parameters",
)
def measure_keras_example(out: Path) -> Iterator[str]:
    """The protocol of the Keras example."""
    summary = train(out / "conv-original", "conv-original")
    yield f"validation {summary['validation']['loss']:.2f}; {describe_parameters(summary)}"


@system(
    "mlp",
    "MLP, Bernoulli, of the classic Keras script",
    8,
    "test 152.67 at best, 153.04 at the end",
)
def measure_classic_mlp(out: Path) -> Iterator[str]:
    """The classic Keras script."""
    yield describe_loss(train(out / "mlp-classic", "mlp-classic"))


@system("gaussian", "MLP, Gaussian with learned variance (Kingma & Welling, 2014)", 20)
def measure_gaussian_mlp(out: Path) -> Iterator[str]:
    """A Gaussian likelihood on images and digits."""
    for data in ("mnist", "digits"):
        folder = out / f"mlp-gaussian-{data}"
        summary = train(folder, "mlp-gaussian", "--data", data, "--epochs", 100)
        yield f"{data}: {summary['epochs']} epochs, {describe_loss(summary)}"


@system("selected", "Codes of selected digits", 3)
def measure_selected_codes(out: Path) -> Iterator[str]:
    """The codes of the first two nines."""
    train(out / "conv", "conv")
    examples = vaekit("reconstruct", out / "conv", "--index", "0-9")["examples"]
    for example in examples:
        if example["class"] == "9":
            code = ", ".join(f"{value:.2f}" for value in example["code"])
            yield f"a nine at index {example['index']}: code ({code})"


@system(
    "gumbel",
    "Discrete, categorical 20 x 10, fixed binarization (Jang et al., 2017)",
    12,
    "101.5",
)
def measure_categorical_vae(out: Path) -> Iterator[str]:
    """A categorical posterior by Gumbel-softmax."""
    summary = train(out / "gumbel", "gumbel")
    options = ["--importance-samples", 1000, "--max-examples", 1000]
    evaluation = evaluate(out / "gumbel", *options)
    bound = -evaluation["importance_weighted_bound"]["value"]
    yield f"{describe_loss(summary)}; bound of 1,000 samples {bound:.2f} on 1,000 images"
    yield describe_codes(evaluation)


@system(
    "vq",
    "Discrete, vector-quantized with a learned prior (van den Oord et al., 2017); "
    "finite scalar quantization (Mentzer et al., 2024)",
    12,
)
def measure_quantized_vaes(out: Path) -> Iterator[str]:
    """Both quantized posteriors."""
    for recipe in ("vq", "fsq"):
        summary = train(out / recipe, recipe)
        options = ["--importance-samples", 1, "--max-examples", 2000]
        evaluation = evaluate(out / recipe, *options)
        yield f"{recipe}: {describe_loss(summary)}; {describe_codes(evaluation)}"


@system(
    "batchnorm",
    "Convolutional VAE with batch normalization",
    8,
    "17,208 (17,120 trainable) + 9,137 (7,521) parameters",
)
def measure_batch_norm(out: Path) -> Iterator[str]:
    """Batch normalization on two datasets."""
    for data in ("mnist", "fashion-mnist"):
        summary = train(out / f"conv-batchnorm-{data}", "conv-batchnorm", "--data", data)
        yield f"{data}: {describe_loss(summary)}; {describe_parameters(summary)}"


@system(
    "dcgan",
    "VAE with DCGAN-like nets",
    60,
    "considerably better images after 5 epochs; 8,728,505 parameters, which do not fit its layers",
)
def measure_dcgan(out: Path) -> Iterator[str]:
    """One epoch of the nets of a DCGAN."""
    summary = train(out / "dcgan", "dcgan", "--epochs", 1)
    yield f"one epoch: {describe_loss(summary)}; {describe_parameters(summary)}"


@system("color", "Three channels", 12)
def measure_color(out: Path) -> Iterator[str]:
    """Color images with two likelihoods."""
    options = ["--data", "cifar10", "--epochs", 1]
    summary = train(out / "cifar10", "conv", *options)
    yield f"CIFAR-10, one epoch: {describe_loss(summary)}"
    discretized = out / "cifar10-levels"
    train(discretized, "conv", *options, "--set", "likelihood=discretized-logistic")
    evaluation = evaluate(discretized, "--max-examples", 1000)
    bits = describe_metric(evaluation["bits_per_dimension"], 3)
    yield f"discretized logistic, one epoch: {bits} bits per dimension at most"


@system("autoencoder", "Autoencoder against VAE, a lecture's comparison", 12)
def measure_autoencoder(out: Path) -> Iterator[str]:
    """The same nets with and without a divergence, with a plot of both."""
    for data in ("mnist", "fashion-mnist"):
        folders = {recipe: out / f"{recipe}-{data}" for recipe in ("autoencoder", "conv")}
        for recipe, folder in folders.items():
            yield f"{data}, {recipe}: {describe_loss(train(folder, recipe, '--data', data))}"
        plot = out / f"compare-{data}.png"
        vaekit("compare", *folders.values(), "--out", plot, "--overwrite")


@system("ablations", "Ablations, a lecture's comparison", 5)
def measure_ablations(out: Path) -> Iterator[str]:
    """Each term of the loss alone."""
    for recipe in ("reconstruction-only", "divergence-only"):
        yield f"{recipe}: {describe_loss(train(out / recipe, recipe))}"


@system("conditional", "Conditional VAE", 12, "at least 95 %")
def measure_conditional(out: Path) -> Iterator[str]:
    """How often samples have the requested class."""
    for data in ("mnist", "fashion-mnist"):
        folder = out / f"conditional-{data}"
        summary = train(folder, "conv", "--conditional", "--data", data)
        options = ["--class-accuracy-samples", 100, "--max-examples", 1000]
        accuracy = evaluate(folder, *options)["generated_class_accuracy"]
        yield (
            f"{data}: {describe_loss(summary)}; {accuracy['accuracy']:.1%} of samples have the "
            f"requested class, by a classifier with {accuracy['classifier_accuracy']:.1%} accuracy"
        )


@system("traversals", "Traversals", 4)
def measure_traversals(out: Path) -> Iterator[str]:
    """Eight latent dimensions, with plots of traversals and interpolations."""
    summary = train(out / "conv-8", "conv", "--latent-dim", 8)
    vaekit("plot", out / "conv-8", "traversals", "interpolations")
    yield f"{describe_loss(summary)}; traversals.png"


@system("samples", "MLP, K = 5 samples, closed form and Monte Carlo", 3)
def measure_monte_carlo(out: Path) -> Iterator[str]:
    """The divergence in closed form and estimated."""
    for divergence in ("closed-form", "monte-carlo"):
        settings = [
            f"--set=objective.divergence={divergence}",
            "--set=objective.samples=5",
            "--epochs=10",
        ]
        summary = train(out / f"mlp-500-{divergence}", "mlp-500", *settings)
        yield f"{divergence}, K = 5, 10 epochs: {describe_loss(summary)}"


@system("overfitting", "MLP, 500 images and all", 35)
def measure_overfitting(out: Path) -> Iterator[str]:
    """The same net on few images and on all, with a plot of both."""
    few = out / "mlp-500"
    many = out / "mlp-60000"
    yield f"500 images: {describe_loss(train(few, 'mlp-500'))}"
    yield f"all: {describe_loss(train(many, 'mlp-500', '--set', 'data.train_size=null'))}"
    vaekit("compare", few, many, "--out", out / "compare-overfitting.png", "--overwrite")


@system("categorical", "Categorical likelihood, 8 x 8 digits, L = 17", 2)
def measure_categorical_likelihood(out: Path) -> Iterator[str]:
    """Digits as numbers of 17 levels."""
    folder = out / "categorical-digits"
    summary = train(folder, "categorical-digits")
    evaluation = evaluate(folder, "--importance-samples", 1000)
    bits = describe_metric(evaluation["bits_per_dimension"], 3)
    yield f"{describe_loss(summary)}; {bits} bits per dimension at most (K = 1,000)"


@system("gradients", "Gradient estimators (10,000 images, 6 epochs)", 8)
def measure_gradients(out: Path) -> Iterator[str]:
    """The table of gradient_estimators.py."""
    script = Path(__file__).with_name("gradient_estimators.py")
    printed = output_of([sys.executable, str(script), "--out", str(out / "gradients")])
    yield printed.strip().replace("\n", "; ")


def print_systems() -> None:
    """List the systems with their minutes."""
    for name, entry in SYSTEMS.items():
        note = " (only if named)" if entry.is_long else ""
        print(f"{name:12} {entry.minutes:3} min{note:16}  {entry.title}")


def main() -> None:
    """Measure the selected systems."""
    short = [name for name, entry in SYSTEMS.items() if not entry.is_long]
    parser = argument_parser(__doc__)
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=short)
    parser.add_argument("--out", type=Path, default=Path("runs/reference"))
    parser.add_argument("--list", action="store_true", help="list the systems with their minutes")
    options = parser.parse_args()
    if options.list:
        print_systems()
        return
    print("| system | published | measured |\n|---|---|---|", flush=True)
    for name in options.systems:
        entry = SYSTEMS[name]
        start = time.perf_counter()
        measured = "<br>".join(entry.measure(options.out))
        print(f"| {entry.title} | {entry.published} | {measured} |", flush=True)
        minutes = (time.perf_counter() - start) / 60
        print(f"{name}: {minutes:.1f} min", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
