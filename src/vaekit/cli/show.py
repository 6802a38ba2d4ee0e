"""What commands print: tables for people, one JSON object for programs."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from vaekit.data import Dataset
    from vaekit.store import Run
    from vaekit.workflows.use import Reconstruction

MOST_CLASSES = 20


def trained(run: "Run", as_json: bool) -> None:
    """The end of a training: figures, and where things are."""
    pictures = sorted(str(path) for path in (run.path / "plots").glob("*.png"))
    if as_json:
        return _json({"run": str(run.path), "summary": run.summary, "plots": pictures})
    once = run.config.data.validation != "test"
    _terms("Test rows, seen once, at the end" if once else "Test rows, which chose the weights too", run.summary["test"])
    _print(f"run       {run.path}")
    for picture in pictures:
        _print(f"picture   {picture}")
    return None


def figures(found: dict[str, Any], as_json: bool) -> None:
    """What `evaluate` found."""
    if as_json:
        return _json(found)
    _terms(f"{found['run']}, {found['rows']:,} rows ({found['split']} of {found['data']}), seed {found['seed']}", found)
    _latent(found.get("latent", {}))
    for name, value in found["protocol"].items():
        _print(f"{name:<12}{value}")
    if found["bits_per_dimension"] is None:
        _print(f"no bits per dimension: {found['why_no_bits_per_dimension']}")
    if codes := found.get("codes"):
        used = f"{codes['used']:,} of {codes['available']:,} used"
        _print(f"codes: {used}, perplexity {codes['perplexity']:.2f}, {codes['positions']:,} in one row")
    if agreement := found.get("label_agreement"):
        _agreement(agreement)
    if "report" in found:
        _print(f"report      {found['report']}")
    return None


def _latent(found: dict[str, Any]) -> None:
    """The latent space, a line for each figure, and warnings."""
    texts = {
        "active": lambda n: f"{n} of {found['dimensions']} dimensions active (their means vary by more than 0.01 over rows)",
        "divergence_per_dimension": lambda d: f"divergence by dimension {_largest(d)}",
        "mutual_information": lambda v: f"codes say {_with_error(v)} nats about their rows (I(x; z), {found['rows']:,} rows)",
        "from_prior": lambda v: f"all codes together are {_with_error(v)} nats from the prior (KL(q(z) || p(z)))",
        "holes": lambda share: f"{share:.1%} of the prior's draws are far from every code (1 % where codes fill it)",
        "probes": lambda p: (
            f"classes read off codes: {p['linear']:.1%} by a linear probe, {p['nearest']:.1%} by neighbours, "
            f"{p['most_frequent']:.1%} by the most frequent class alone"
        ),
    }
    for name, text in texts.items():
        if name in found:
            _print(text(found[name]))
    for warning in found.get("warnings", ()):
        _print(f"warning: {warning}")


def _largest(values: list[float]) -> str:
    ordered = sorted(values, reverse=True)
    return " ".join(f"{value:.2f}" for value in ordered[:10]) + (f" ... {ordered[-1]:.2f}" if len(ordered) > 10 else "")


def _agreement(found: dict[str, Any]) -> None:
    """Shares of samples and of real rows that the classifier is right about; by class, the lowest first."""
    lowest = sorted(found["per_class"].items(), key=lambda item: item[1]["share"])
    hidden = f", the {MOST_CLASSES} lowest of {len(lowest):,} classes" if len(lowest) > MOST_CLASSES else ""
    title = f"{found['samples_per_class']:,} samples per class, {found['classifier_rows']:,} test rows{hidden}"
    table = Table(title=title, title_justify="left", box=None)
    for column in ("class", "samples recognised", "standard error", "test rows recognised"):
        table.add_column(column, justify="left" if column == "class" else "right")
    table.add_row("all", *map(_percent, (found["share"], found["standard_error"], found["classifier_accuracy"])))
    for name, shares in lowest[:MOST_CLASSES]:
        table.add_row(Text(f"  {name}"), _percent(shares["share"]), "", _percent(shares["classifier_accuracy"]))
    _console().print(table)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _terms(title: str, found: dict[str, Any]) -> None:
    names = {
        "loss": "loss (negative ELBO)" if found["divergence"] else "loss (no ELBO: the posterior is deterministic)",
        "reconstruction": "  reconstruction",
        "divergence": "  divergence",
        "importance_weighted_bound": f"importance-weighted bound, K = {found.get('samples')}",
        "log_likelihood": "log p(x), the sum over all codes",
        "bits_per_dimension": "bits per dimension at most",
    }
    if annealed := found.get("annealed_bound"):
        taken = "" if annealed["acceptance"] is None else f", {annealed['acceptance']:.0%} accepted"
        names["annealed_bound"] = f"annealed bound, {annealed['steps']:,} steps, {annealed['chains']:,} chains{taken}"
    table = Table(title=title, title_justify="left", box=None)
    for column in ("nats per row", "mean", "standard error"):
        table.add_column(column, justify="left" if column == "nats per row" else "right")
    for name, text in names.items():
        if found.get(name):
            digits = 4 if name == "bits_per_dimension" else 2
            value, error = found[name]["value"], found[name]["standard_error"]
            table.add_row(text, f"{value:.{digits}f}", "-" if error is None else f"{error:.{digits}f}")
    _console().print(table)


def comparison(found: dict[str, Any], as_json: bool) -> None:
    """What `compare` found: one line a run, and what must be known to read them."""
    if as_json:
        return _json(found)
    bound = f"bound, K = {found['samples']}"
    terms = {"loss": "loss", "reconstruction": "reconstruction", "divergence": "divergence", "importance_weighted_bound": bound}
    terms = {name: text for name, text in terms.items() if name in found["runs"][0]}
    title = f"{found['rows']:,} {found['split']} rows of {found['data']}, seed {found['seed']}; nats per row"
    table = Table(title=Text(title), title_justify="left", box=None, pad_edge=False)
    for column in ("run", "recipe", "rows", "latent", "parameters", *terms.values(), "seconds", "epochs"):
        table.add_column(column, justify="left" if column in ("run", "recipe") else "right", overflow="fold")
    for run in found["runs"]:
        facts = [run["run"], run["recipe"], *(f"{run[name]:,}" for name in ("training_rows", "latent_dim", "parameters"))]
        figures = ["-" if run[name] is None else f"{run[name]['value']:.2f}" for name in terms]
        table.add_row(*map(Text, [*facts, *figures, f"{run['seconds']:.0f}", str(run["epochs"])]))
    _console().print(table)
    errors = [run[name]["standard_error"] or 0.0 for run in found["runs"] for name in terms if run[name]]
    for note in (f"standard errors up to {max(errors):.2f}", *_ranking(found)):
        _print(note)
    return written({"files": found["files"]}, False)


def _ranking(found: dict[str, Any]) -> list[str]:
    """Runs from the best to the worst, with what they are behind it; or why they have no order."""
    if found["ranking"] is None:
        return [f"not ranked, their protocols differ in {reason}" for reason in found["why_no_ranking"]]
    best, *others = found["ranking"]
    by = found["ranked_by"].replace("_", " ")
    behind = (f"{row['run']} (behind by {_with_error(row['behind'])})" for row in others)
    return [f"ranked by {by}: {best['run']}, {', '.join(behind)}; differences are taken row by row"]


def _with_error(figure: dict[str, Any]) -> str:
    error = figure["standard_error"]
    return f"{figure['value']:.2f}" if error is None else f"{figure['value']:.2f} +- {error:.2f}"


def sweep(found: dict[str, Any], as_json: bool) -> None:
    """A line for each run of a sweep."""
    if as_json:
        return _json(found)
    table([{k: f"{v:.2f}" if isinstance(v, float) else v for k, v in row.items()} for row in found["runs"]], False)
    return written({"out": found["out"], "files": found["files"]}, False)


def codes(run: "Run", result: "Reconstruction", path: Path, as_json: bool) -> None:
    """Codes of chosen rows."""
    classes = run.config.data.classes
    rows = [
        {
            "index": int(index),
            **({"class": classes[result.labels[i]]} if result.labels is not None and classes else {}),
            "code": result.codes.mean[i].tolist(),
            "sigma": result.codes.sigma[i].tolist(),
        }
        for i, index in enumerate(result.indices)
    ]
    if as_json:
        return _json({"rows": rows, "file": str(path)})
    table([{k: _short(v) if isinstance(v, list) else v for k, v in row.items()} for row in rows], False)
    return written({"file": str(path)}, False)


def _short(numbers: list[float]) -> str:
    return " ".join(f"{number:.2f}" for number in numbers[:8]) + (" ..." if len(numbers) > 8 else "")


def dataset(found: "Dataset", as_json: bool) -> None:
    """What is in a dataset."""
    facts = {
        "name": found.name,
        "shape": list(found.shape),
        "support": str(found.support),
        "dtype": str(found.train.x.dtype),
        **({} if found.stream is None else {"shards": len(found.stream.places)}),
        "train" if found.stream is None else "set aside": len(found.train),
        "test": len(found.test) if found.test is not None else None,
        "classes": list(found.classes),
    }
    written(facts, as_json)


def table(rows: list[dict[str, Any]], as_json: bool) -> None:
    """Rows with the same keys."""
    if as_json:
        return _json({"rows": rows})
    shown = Table(box=None, pad_edge=False)
    for column in rows[0]:
        shown.add_column(column, overflow="fold")
    for row in rows:
        shown.add_row(*("" if value is None else str(value) for value in row.values()))
    return _console().print(shown)


def written(facts: dict[str, Any], as_json: bool) -> None:
    """Facts by name, one a line."""
    if as_json:
        return _json(facts)
    for name, value in facts.items():
        for line in value if name == "files" else [value]:
            _print(f"{name.removesuffix('s') if name == 'files' else name:<11}{'none' if line is None or line == [] else line}")
    return None


def _console() -> Console:
    """The terminal in its own width; a file or a pipe has none, and gets lines as long as they need."""
    return Console() if sys.stdout.isatty() else Console(width=200)


def _print(text: str) -> None:
    _console().print(text, markup=False, highlight=False, soft_wrap=True)


def _json(facts: dict[str, Any]) -> None:
    print(json.dumps(facts, indent=2))
