"""What commands print: tables for people, one JSON object for programs."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from vaekit.data import Dataset
    from vaekit.store import Run
    from vaekit.workflows.use import Reconstruction


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
    if found["bits_per_dimension"] is None:
        _print(f"no bits per dimension: {found['why_no_bits_per_dimension']}")
    return None


def _terms(title: str, found: dict[str, Any]) -> None:
    names = {
        "loss": "loss (negative ELBO)" if found["divergence"] else "loss (no ELBO: the posterior is deterministic)",
        "reconstruction": "  reconstruction",
        "divergence": "  divergence",
        "importance_weighted_bound": f"importance-weighted bound, K = {found.get('samples')}",
        "bits_per_dimension": "bits per dimension at most",
    }
    table = Table(title=title, title_justify="left", box=None)
    for column in ("nats per row", "mean", "standard error"):
        table.add_column(column, justify="left" if column == "nats per row" else "right")
    for name, text in names.items():
        if found.get(name):
            digits = 4 if name == "bits_per_dimension" else 2
            value, error = found[name]["value"], found[name]["standard_error"]
            table.add_row(text, f"{value:.{digits}f}", "-" if error is None else f"{error:.{digits}f}")
    _console().print(table)


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
        "train": len(found.train),
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
