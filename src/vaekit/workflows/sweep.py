"""The same recipe under several settings: ordinary runs side by side, a table, and what they pay for their codes."""

import os
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from rich.console import Console

from vaekit import config as configuration
from vaekit.data.raw_dataset import dataset_name
from vaekit.errors import ConfigError
from vaekit.runs import Run
from vaekit.workflows.train import train

MOST = 100
PICTURE = "rate-distortion.png"


def sweep(
    recipe: str | None,
    grid: Mapping[str, Sequence[str]],
    *,
    out: str | os.PathLike,
    data: Any = None,
    console: Console | None = None,
    **overrides: Any,
) -> dict[str, Any]:
    """Train a recipe under every combination of settings, each into a run folder of `out`, and put their test figures together.

    grid: by key of the configuration, such as objective.beta, the values in turn, written as for --set. A key with one
        value is the same for all.
    data, overrides: as for `train`, the same for all.
    Run again, it goes on: runs that are whole are read, one that was interrupted is resumed.

    Raises ConfigError where a folder holds a run of another configuration, and whatever `train` raises.

    >>> sweep("mlp", {"objective.beta": ["0.5", "1", "2"]}, out="runs/betas")  # doctest: +SKIP
    """
    swept = {key: values for key, values in grid.items() if len(values) > 1}
    same = [f"{key}={values[0]}" for key, values in grid.items() if key not in swept]
    combinations = [dict(zip(swept, values, strict=True)) for values in product(*swept.values())]
    if not 2 <= len(combinations) <= MOST:
        raise ConfigError(
            f"a sweep has 2 to {MOST} runs, not {len(combinations)}: --set objective.beta=0.5,1,2 makes three"
        )
    console = console or Console(stderr=True)
    places = {_name(chosen): chosen for chosen in combinations}
    if len(places) < len(combinations):
        raise ConfigError(
            "a sweep has every combination of settings once: some of these are the same"
        )
    rows = []
    for number, (name, chosen) in enumerate(places.items(), 1):
        pairs = [f"{key}={value}" for key, value in chosen.items()]
        console.print(
            f"{number} of {len(places)}: {', '.join(pairs)}", highlight=False, soft_wrap=True
        )
        settings = configuration.merge(overrides, configuration.assignments(same + pairs))
        rows_of = _with_options(data, settings.pop("data", {}))
        run = train(
            recipe,
            data=rows_of,
            out=Path(out) / name,
            continue_existing=True,
            console=console,
            **settings,
        )
        rows.append(_row(run, name, chosen))
    return {
        "out": str(out),
        "unit": "nats per row",
        "runs": rows,
        "files": [str(path) for path in _picture(Path(out), rows)],
    }


def _with_options(data: Any, options: Mapping[str, Any]) -> Any:
    """Where data are read from, and how; ConfigError for rows in memory, which are not read any more."""
    if not options:
        return data
    if not (data is None or isinstance(data, str | os.PathLike | Mapping)):
        raise ConfigError(
            f"data.{min(options)} is about data that are read: give a path or a name, not rows in memory"
        )
    named = (
        data if isinstance(data, Mapping) else {} if data is None else {"source": os.fspath(data)}
    )
    return {**named, **options}


def _name(chosen: Mapping[str, str]) -> str:
    """A folder's name, such as beta=0.5,latent_dim=8."""
    return ",".join(
        f"{key.rsplit('.', 1)[-1]}={dataset_name(value)}" for key, value in chosen.items()
    )


def _row(run: Run, name: str, chosen: Mapping[str, str]) -> dict[str, Any]:
    test = run.summary["test"]
    figures = {term: test[term]["value"] for term in ("loss", "reconstruction", "divergence")}
    return {
        "run": name,
        **chosen,
        **figures,
        "epochs": run.summary["epochs"],
        "seconds": round(run.summary["seconds"]),
    }


def _picture(out: Path, rows: list[dict[str, Any]]) -> list[Path]:
    from vaekit.plots import rate_distortion, save

    shown = [row for row in rows if row["divergence"] is not None]
    if len(shown) < 2:
        return []
    names, rate, distortion = (
        [row[key] for row in shown] for key in ("run", "divergence", "reconstruction")
    )
    return [
        save(
            rate_distortion(names, rate, distortion, title=f"{out.name}: what codes cost and give"),
            out / PICTURE,
        )
    ]
