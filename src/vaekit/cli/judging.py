"""Commands that judge runs, and that show them."""

from pathlib import Path
from typing import Annotated

import typer

from vaekit.cli import figures, parse, show, terminal
from vaekit.cli.options import Data, Force, Indices, Json, Label, RunPath, Seed, Split, free


def evaluate(
    run: RunPath,
    split: Split = None,
    samples: Annotated[int, typer.Option(help="K of the importance-weighted bound.")] = 20,
    annealing: Annotated[
        int, typer.Option(help="Steps of annealed importance sampling, a closer bound; 0: none.")
    ] = 0,
    chains: Annotated[int, typer.Option(help="Of annealing, per row.")] = 16,
    generated: Annotated[
        int, typer.Option(help="Samples to judge beside as many real rows; 0: none.")
    ] = 10_000,
    features: Annotated[
        str | None,
        typer.Option(
            help="What samples are compared by: components, classifier, a file of Inception's weights. Default: by the data."
        ),
    ] = None,
    data: Data = None,
    agreement: Annotated[
        int,
        typer.Option(
            help="Conditional runs: samples per class that a classifier, trained for it (a minute), checks."
        ),
    ] = 0,
    limit: Annotated[int | None, typer.Option(help="The first so many rows only.")] = None,
    report: Annotated[
        bool,
        typer.Option("--report", help="Also write RUN/report.html, a page that explains it all."),
    ] = False,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Loss, its two terms, bounds of log p(x), latent space, reconstructions and samples, with standard errors."""
    from vaekit import workflows

    bounds = {"samples": samples, "annealing": annealing, "chains": chains}
    quality = {"generated": generated, "features": features, "agreement": agreement}
    options = {"data": data, "train_size": limit, "seed": seed}
    found = workflows.evaluate(run, split=parse.part(split), **bounds, **quality, **options)
    figures.evaluated(
        found | ({"report": str(workflows.report(run, found))} if report else {}), json
    )


def score(
    run: RunPath,
    data: Annotated[
        str | None,
        typer.Argument(metavar="[FILE]", help="Rows of your own. Default: a split of the run's."),
    ] = None,
    by: Annotated[
        str,
        typer.Option(help="bound (-log p(x)), loss, reconstruction, latent, typicality, density."),
    ] = "bound",
    samples: Annotated[int, typer.Option(help="Draws of z per row.")] = 20,
    split: Split = None,
    out: Annotated[Path, typer.Option(help="Scores, .csv or .npy.")] = Path("scores.csv"),
    force: Force = False,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Write how unlike the training rows each row is: the higher, the odder. density finds classes that were not seen best."""
    from vaekit.runs import load_run
    from vaekit.runs.run_data import find_examples
    from vaekit.workflows import files
    from vaekit.workflows.score import score

    place, loaded = files.check_scores(free(out, force)), load_run(run)
    rows, part = find_examples(loaded, parse.part(split), data)
    found = score(loaded, rows, by, samples=samples, seed=seed)
    names = None if rows.y is None else [loaded.config.data.classes[y] for y in rows.y]
    oddest = ", ".join(str(row) for row in found.argsort()[::-1][:10])
    facts = {
        "rows": len(rows),
        "of": part,
        "by": by,
        "mean": round(float(found.mean()), 3),
        "oddest": oddest,
    }
    terminal.written(facts | {"file": str(files.save_scores(place, found, names))}, json)


def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN RUN ...", help="Run folders, 2 to 8, of the same data."),
    ],
    split: Split = "test",
    limit: Annotated[int | None, typer.Option(help="The first so many rows only.")] = None,
    samples: Annotated[
        int | None, typer.Option(help="Add the importance-weighted bound of so many samples.")
    ] = None,
    out: Annotated[
        Path,
        typer.Option(
            help="A picture (.png, .pdf, .svg); the curves of training go beside it, as NAME-curves."
        ),
    ] = Path("compare.png"),
    force: Force = False,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Runs side by side on the same rows: a table, a picture of what they do, and their curves."""
    from vaekit import workflows

    for path in (out, workflows.curves_beside(out)):
        free(path, force)
    found = workflows.compare(
        runs, split=parse.part(split), limit=limit, samples=samples, out=out, seed=seed
    )
    show.comparison(found, json)


def plot(
    run: RunPath,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Pictures by name: latent, grid, reconstructions, samples, nearest, classes, curves, dimensions, usage, "
            "losses; traversals, interpolations. Default: all that suit the run, but for the last two."
        ),
    ] = None,
    index: Indices = None,
    across: Annotated[
        str | None,
        typer.Option(metavar="LOW:HIGH", help="Grid: range of the first axis, as --across=-2:2."),
    ] = None,
    down: Annotated[
        str | None, typer.Option(metavar="LOW:HIGH", help="Grid: range of the second axis.")
    ] = None,
    projection: Annotated[
        str, typer.Option(help="More than two dimensions: active or pca.")
    ] = "active",
    label: Label = None,
    split: Split = None,
    data: Data = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="A folder, or a file for one picture (.png, .pdf, .svg; .gif or .webp to see latent walks move)."
        ),
    ] = None,
    format: Annotated[
        str | None,
        typer.Option(
            help="Of pictures in a folder: png, or pdf and svg, of vectors. [default: png]"
        ),
    ] = None,
    force: Force = False,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Draw the pictures of a run."""
    from vaekit import workflows

    if out is not None and out.suffix:
        free(out, force)

    view = {
        "across": parse.interval(across),
        "down": parse.interval(down),
        "indices": parse.indices(index),
        "projection": projection,
        "label": label,
        "seed": seed,
    }
    paths = workflows.plot(
        run, names or (), data=data, split=parse.part(split), out=out, format=format, **view
    )
    terminal.written({"files": [str(path) for path in paths]}, json)


def explore(
    run: RunPath,
    split: Split = None,
    data: Data = None,
    port: Annotated[int, typer.Option(help="0: any that is free.")] = 0,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")
    ] = True,
    json: Json = False,
) -> None:
    """Open a page about the latent space, for this machine, until Ctrl-C: a map of codes, the decoder under the pointer."""
    from vaekit import workflows

    ready = lambda address: show.exploring(address, browser, json)  # noqa: E731
    workflows.explore(run, split=parse.part(split), data=data, port=port, ready=ready)
