"""`vaekit score`."""

from pathlib import Path
from typing import Annotated

import typer

from vaekit.cli import output
from vaekit.cli.options import Json, Overwrite, OwnExamples, RunPath, Seed, Split, check_output
from vaekit.json_types import JsonObject

MAX_SHOWN = 10


def score(
    run: RunPath,
    data: OwnExamples = None,
    split: Split = None,
    metric: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="bound (-log p(x)), loss, reconstruction, latent, typicality or density; "
            "density detects unseen classes best.",
        ),
    ] = "bound",
    samples: Annotated[int, typer.Option(metavar="N", help="Samples of z per example.")] = 20,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Scores (.csv, .npy).")] = Path(
        "scores.csv"
    ),
    overwrite: Overwrite = False,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Write an anomaly score per example (higher = more anomalous)."""
    from vaekit import workflows
    from vaekit.runs.run_scores import check_metric

    check_metric(metric)
    scored = workflows.score(
        run,
        check_output(out, overwrite),
        data=data,
        split=split,
        metric=metric,
        samples=samples,
        seed=seed,
    )
    highest = scored.scores.argsort()[::-1][:MAX_SHOWN].tolist()
    facts: JsonObject = {
        "examples": len(scored.scores),
        "part": scored.part,
        "metric": metric,
        "mean": round(float(scored.scores.mean()), 3),
        "most_anomalous": highest if json else ", ".join(map(str, highest)),
        "file": str(scored.path),
    }
    if scored.files is not None:
        names = [scored.files[index] for index in highest]
        facts["most_anomalous_files"] = names if json else ", ".join(names)
    output.print_result(facts, json)
