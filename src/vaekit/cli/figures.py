"""What `evaluate` and the end of a training print: figures with their standard errors, a section each."""

from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from vaekit.cli.terminal import as_object, console, say, with_error

if TYPE_CHECKING:
    from vaekit.runs import Run

MOST_CLASSES = 20


def trained(run: "Run", as_json: bool) -> None:
    """The end of a training: figures, and where things are."""
    pictures = sorted(str(path) for path in (run.path / "plots").glob("*.png"))
    if as_json:
        return as_object({"run": str(run.path), "summary": run.summary, "plots": pictures})
    once = run.config.data.validation != "test"
    terms(
        "Test rows, seen once, at the end" if once else "Test rows, which chose the weights too",
        run.summary["test"],
    )
    say(f"run       {run.path}")
    for picture in pictures:
        say(f"picture   {picture}")
    return None


def evaluated(found: dict[str, Any], as_json: bool) -> None:
    """What `evaluate` found."""
    if as_json:
        return as_object(found)
    terms(
        f"{found['run']}, {found['rows']:,} rows ({found['split']} of {found['data']}), seed {found['seed']}",
        found,
    )
    _latent(found.get("latent", {}))
    _reconstructions(found["reconstructions"])
    _samples(found)
    for name, value in found["protocol"].items():
        say(f"{name:<12}{value}")
    bits = found["bits_per_dimension"]
    say(
        f"no bits per dimension: {found['why_no_bits_per_dimension']}"
        if bits is None
        else f"bits are of {bits['of']}"
    )
    if codes := found.get("codes"):
        used = f"{codes['used']:,} of {codes['available']:,} used"
        say(
            f"codes: {used}, perplexity {codes['perplexity']:.2f}, {codes['positions']:,} in one row"
        )
    if agreement := found.get("generated_class_accuracy"):
        _agreement(agreement)
    if "report" in found:
        say(f"report      {found['report']}")
    return None


def _latent(found: dict[str, Any]) -> None:
    """The latent space, a line for each figure, and warnings."""
    texts = {
        "active": lambda n: (
            f"{n} of {found['dimensions']} dimensions active (their means vary by more than 0.01 over rows)"
        ),
        "divergence_per_dimension": lambda d: f"divergence by dimension {_largest(d)}",
        "mutual_information": lambda v: (
            f"codes say {with_error(v)} nats about their rows (I(x; z), {found['rows']:,} rows)"
        ),
        "marginal_kl": lambda v: (
            f"all codes together are {with_error(v)} nats from the prior (KL(q(z) || p(z)))"
        ),
        "prior_holes": lambda share: (
            f"{share:.1%} of the prior's draws are far from every code (1 % where codes fill it)"
        ),
        "probes": lambda p: (
            f"classes read off codes: {p['linear']:.1%} by a linear probe, {p['nearest']:.1%} by neighbours, "
            f"{p['most_frequent']:.1%} by the most frequent class alone"
        ),
    }
    for name, text in texts.items():
        if name in found:
            say(text(found[name]))
    for warning in found.get("warnings", ()):
        say(f"warning: {warning}")


def _reconstructions(found: dict[str, Any]) -> None:
    names = {
        "mse": ("squared error of a value", 5),
        "psnr": ("PSNR in decibels", 2),
        "ssim": ("SSIM", 4),
    }
    figures = (
        f"{text} {with_error(found[name], digits)}"
        for name, (text, digits) in names.items()
        if name in found
    )
    say(f"reconstructions: {', '.join(figures)}")


SAMPLES = {
    "frechet": "Frechet distance",
    "kernel": "kernel distance",
    "precision": "precision",
    "recall": "recall",
    "density": "density",
    "coverage": "coverage",
    "nearest_training_distance": "distance to the closest of these (of the floor: of the real rows)",
}


def _samples(found: dict[str, Any]) -> None:
    """Samples by where their codes come from, training rows last: what real rows would get."""
    judged = found.get("sample_quality")
    if judged is None:
        if "why_no_sample_quality" in found:
            say(f"no figures of samples: {found['why_no_samples_judged']}")
        return
    say(
        f"samples, {judged['values']}, against {judged['rows']:,} real rows; by {judged['features']}:"
    )
    table = Table(box=None)
    columns = {
        "prior": "from the prior",
        "mixture": "from a mixture over codes",
        "real_data_baseline": f"{judged['floor_of']}, the floor",
    }
    columns = {name: text for name, text in columns.items() if name in judged}
    table.add_column("")
    for text in columns.values():
        table.add_column(text, justify="right")
    for name, text in SAMPLES.items():
        digits = 2 if name == "nearest_training_distance" else 3
        table.add_row(text, *(with_error(judged[column][name], digits) for column in columns))
    console().print(table)
    for warning in judged["warnings"]:
        say(f"warning: {warning}")


def _largest(values: list[float]) -> str:
    ordered = sorted(values, reverse=True)
    return " ".join(f"{value:.2f}" for value in ordered[:10]) + (
        f" ... {ordered[-1]:.2f}" if len(ordered) > 10 else ""
    )


def _agreement(found: dict[str, Any]) -> None:
    """Shares of samples and of real rows that the classifier is right about; by class, the lowest first."""
    lowest = sorted(found["per_class"].items(), key=lambda item: item[1]["share"])
    hidden = (
        f", the {MOST_CLASSES} lowest of {len(lowest):,} classes"
        if len(lowest) > MOST_CLASSES
        else ""
    )
    title = f"{found['samples_per_class']:,} samples per class, {found['classifier_rows']:,} test rows{hidden}"
    table = Table(title=title, title_justify="left", box=None)
    for column in ("class", "samples recognised", "standard error", "test rows recognised"):
        table.add_column(column, justify="left" if column == "class" else "right")
    table.add_row(
        "all",
        *map(_percent, (found["share"], found["standard_error"], found["classifier_accuracy"])),
    )
    for name, shares in lowest[:MOST_CLASSES]:
        table.add_row(
            Text(f"  {name}"),
            _percent(shares["share"]),
            "",
            _percent(shares["classifier_accuracy"]),
        )
    console().print(table)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def terms(title: str, found: dict[str, Any]) -> None:
    names = {
        "loss": "loss (negative ELBO)"
        if found["divergence"]
        else "loss (no ELBO: the posterior is deterministic)",
        "reconstruction": "  reconstruction",
        "divergence": "  divergence",
        "importance_weighted_bound": f"importance-weighted bound, K = {found.get('samples')}",
        "log_likelihood": "log p(x), the sum over all codes",
        "bits_per_dimension": "bits per dimension at most",
    }
    if annealed := found.get("ais_bound"):
        taken = "" if annealed["acceptance"] is None else f", {annealed['acceptance']:.0%} accepted"
        names["ais_bound"] = (
            f"annealed bound, {annealed['steps']:,} steps, {annealed['chains']:,} chains{taken}"
        )
    table = Table(title=title, title_justify="left", box=None)
    for column in ("nats per row", "mean", "standard error"):
        table.add_column(column, justify="left" if column == "nats per row" else "right")
    for name, text in names.items():
        if found.get(name):
            digits = 4 if name == "bits_per_dimension" else 2
            value, error = found[name]["value"], found[name]["standard_error"]
            table.add_row(
                text, f"{value:.{digits}f}", "-" if error is None else f"{error:.{digits}f}"
            )
    console().print(table)


def exported(found: dict[str, Any]) -> None:
    """What `export` wrote, and how far it is from the model."""
    for file in found["files"]:
        say(f"file       {file}")
    for name, difference in found["largest_difference"].items():
        say(
            f"{name} is within {difference:.1e} of the model on {found['rows_compared']} rows (share of the largest value)"
        )
