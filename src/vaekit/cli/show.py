"""What the other commands print."""

import os
import sys
import threading
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from vaekit.cli.terminal import as_object, console, say, table, with_error, written

if TYPE_CHECKING:
    from vaekit.data import Dataset
    from vaekit.runs import Run
    from vaekit.workflows.use import Reconstruction


def comparison(found: dict[str, Any], as_json: bool) -> None:
    """What `compare` found: one line a run, and what must be known to read them."""
    if as_json:
        return as_object(found)
    bound = f"bound, K = {found['samples']}"
    terms = {
        "loss": "loss",
        "reconstruction": "reconstruction",
        "divergence": "divergence",
        "importance_weighted_bound": bound,
    }
    terms = {name: text for name, text in terms.items() if name in found["runs"][0]}
    title = f"{found['rows']:,} {found['split']} rows of {found['data']}, seed {found['seed']}; nats per row"
    table = Table(title=Text(title), title_justify="left", box=None, pad_edge=False)
    for column in (
        "run",
        "recipe",
        "rows",
        "latent",
        "parameters",
        *terms.values(),
        "seconds",
        "epochs",
    ):
        table.add_column(
            column, justify="left" if column in ("run", "recipe") else "right", overflow="fold"
        )
    for run in found["runs"]:
        facts = [
            run["run"],
            run["recipe"],
            *(f"{run[name]:,}" for name in ("training_examples", "latent_dim", "parameters")),
        ]
        figures = ["-" if run[name] is None else f"{run[name]['value']:.2f}" for name in terms]
        table.add_row(*map(Text, [*facts, *figures, f"{run['seconds']:.0f}", str(run["epochs"])]))
    console().print(table)
    errors = [
        run[name]["standard_error"] or 0.0 for run in found["runs"] for name in terms if run[name]
    ]
    for note in (f"standard errors up to {max(errors):.2f}", *_ranking(found)):
        say(note)
    return written({"files": found["files"]}, False)


def _ranking(found: dict[str, Any]) -> list[str]:
    """Runs from the best to the worst, with what they are behind it; or why they have no order."""
    if found["ranking"] is None:
        return [
            f"not ranked, their protocols differ in {reason}" for reason in found["why_no_ranking"]
        ]
    best, *others = found["ranking"]
    by = found["ranked_by"].replace("_", " ")
    behind = (f"{row['run']} (behind by {with_error(row['behind'])})" for row in others)
    return [f"ranked by {by}: {best['run']}, {', '.join(behind)}; differences are taken row by row"]


def sweep(found: dict[str, Any], as_json: bool) -> None:
    """A line for each run of a sweep."""
    if as_json:
        return as_object(found)
    table(
        [
            {k: f"{v:.2f}" if isinstance(v, float) else v for k, v in row.items()}
            for row in found["runs"]
        ],
        False,
    )
    return written({"out": found["out"], "files": found["files"]}, False)


def codes(run: "Run", result: "Reconstruction", path: Path, as_json: bool) -> None:
    """Codes of chosen rows."""
    classes = run.config.data.classes
    rows = [
        {
            "index": int(index),
            **(
                {"class": classes[result.labels[i]]}
                if result.labels is not None and classes
                else {}
            ),
            "code": result.codes.mean[i].tolist(),
            "sigma": result.codes.sigma[i].tolist(),
        }
        for i, index in enumerate(result.indices)
    ]
    if as_json:
        return as_object({"rows": rows, "file": str(path)})
    table(
        [{k: _short(v) if isinstance(v, list) else v for k, v in row.items()} for row in rows],
        False,
    )
    return written({"file": str(path)}, False)


def _short(numbers: list[float]) -> str:
    return " ".join(f"{number:.2f}" for number in numbers[:8]) + (
        " ..." if len(numbers) > 8 else ""
    )


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


def serving(address: str, as_json: bool) -> None:
    """Where a server listens, and a first request; at once, as nothing more is printed until it ends."""
    if as_json:
        as_object({"address": address, "description": f"{address}/openapi.json"})
    else:
        first = f"curl --json '{{\"count\": 1}}' {address}/v1/sample"
        written(
            {"address": address, "try": first, "more": f"{address}/openapi.json", "end": "Ctrl-C"},
            False,
        )
    sys.stdout.flush()


def exploring(address: str, browser: bool, as_json: bool) -> None:
    """Where the page is, which the browser is sent to where somebody can see one."""
    if as_json:
        as_object({"address": address})
    else:
        written({"address": address, "end": "Ctrl-C"}, False)
    sys.stdout.flush()
    if browser and (
        sys.platform in ("darwin", "win32") or {"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys()
    ):
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
