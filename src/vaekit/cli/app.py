"""The commands and their options; a command's help is its docstring."""

from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import typer

from vaekit.cli import figures, parse, show, terminal

app = typer.Typer(
    help="Train variational autoencoders on your own data, judge them honestly, look at them, use them.",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
recipes_app = typer.Typer(help="List the recipes; `recipes show NAME` prints one as a file to change.")
app.add_typer(recipes_app, name="recipes", invoke_without_command=True)

RunPath = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Split = Annotated[str | None, typer.Option(help="Rows: train, validation or test. Default: test; of other data all.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite a file that is there.")]
Data = Annotated[str | None, typer.Option(help="Other rows than the run's own: a path.")]
Indices = Annotated[str | None, typer.Option("--index", help="Rows, such as 0,1,7 or 0-9; with --label, of that class.")]
Label = Annotated[str | None, typer.Option(help="The class, of a conditional run. Default: all in turn.")]
License = Annotated[str | None, typer.Option(help="For the Hub's model card, such as mit. Default: left to you to state.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of the noise.")]


def _print_version(wanted: bool) -> None:
    if wanted:
        print(metadata.version("vaekit"))
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    """Options of every command; `main` reads --debug itself, wherever it stands."""
    if context.invoked_subcommand is None:
        print(context.get_help())


@app.command()
def train(
    recipe: Annotated[
        str | None, typer.Argument(help="A recipe or a configuration file (.yaml). Default: what suits the data.")
    ] = None,
    data: Annotated[str | None, typer.Option(help="A name (see `vaekit data`) or a path. Default: mnist.")] = None,
    test: Annotated[str | None, typer.Option(help="A path with the test rows.")] = None,
    support: Annotated[str | None, typer.Option(help="What values can be: binary, unit, integers:L, real.")] = None,
    binarize: Annotated[str | None, typer.Option(help="Gray to binary: threshold, fixed (one draw), dynamic.")] = None,
    resize: Annotated[str | None, typer.Option(metavar="HxW", help="Resize images, such as 64x64.")] = None,
    limit: Annotated[int | None, typer.Option(help="Draw that many training rows, by seed.")] = None,
    latent_dim: Annotated[int | None, typer.Option(help="Latent dimensions.")] = None,
    conditional: Annotated[
        bool | None, typer.Option("--conditional", help="Give the class to encoder, decoder and prior.", show_default=False)
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training rows.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Rows per update.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of split, start, order and noise.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or cuda:N.")] = None,
    devices: Annotated[int | None, typer.Option(help="Processes per machine. Default: by torchrun or SLURM, or 1.")] = None,
    nodes: Annotated[int | None, typer.Option(help="Machines. Default: by torchrun or SLURM, or 1.")] = None,
    precision: Annotated[str | None, typer.Option(help="auto, 32-true, 64-true or bf16-mixed.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Any other key, such as objective.beta=4.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The run folder. Default: runs/RECIPE-DATA-TIME.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a run that is there.")] = False,
    resume: Annotated[Path | None, typer.Option(metavar="RUN", help="Go on with an interrupted run.")] = None,
    json: Json = False,
) -> None:
    """Train a model: a run folder with weights, figures and pictures."""
    from vaekit import config, workflows
    from vaekit.errors import ConfigError
    from vaekit.workflows.train import is_first

    options = {
        "data": {
            "source": data,
            "test": test,
            "support": support,
            "binarize": binarize,
            "resize": parse.size(resize),
            "limit": limit,
        },
        "training": {
            "epochs": epochs,
            "batch_size": batch_size,
            "device": device,
            "devices": devices,
            "nodes": nodes,
            "precision": precision,
        },
        "latent_dim": latent_dim,
        "conditional": conditional,
        "seed": seed,
    }
    given = _without_none(options)
    if resume is not None:
        if recipe or given or settings or out:
            raise ConfigError("--resume takes a run folder and nothing that would change the run: leave the other options out")
        run = workflows.resume(resume)
    else:
        chosen = config.merge(given, config.assignments(settings or []))
        run = workflows.train(recipe, out=out, force=force or _may_overwrite(out), **chosen)
    if is_first(run.config.training):
        figures.trained(run, json)


@app.command()
def sweep(
    recipe: Annotated[str | None, typer.Argument(help="A recipe or a configuration file (.yaml).")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=V1,V2", help="A key with its values; several keys: all pairs.")
    ] = None,
    data: Annotated[str | None, typer.Option(help="A name (see `vaekit data`) or a path. Default: mnist.")] = None,
    out: Annotated[Path, typer.Option(help="A folder, for a run folder each. Run again, a sweep goes on.")] = Path("sweep"),
    json: Json = False,
) -> None:
    """Train a recipe under several settings: a run each, one table, one picture of rate and distortion."""
    from vaekit import workflows

    show.sweep(workflows.sweep(recipe, parse.grid(settings or []), data=data, out=out), json)


@app.command()
def evaluate(
    run: RunPath,
    split: Split = None,
    samples: Annotated[int, typer.Option(help="K of the importance-weighted bound.")] = 20,
    annealing: Annotated[int, typer.Option(help="Steps of annealed importance sampling, a closer bound; 0: none.")] = 0,
    chains: Annotated[int, typer.Option(help="Of annealing, per row.")] = 16,
    generated: Annotated[int, typer.Option(help="Samples to judge beside as many real rows; 0: none.")] = 10_000,
    features: Annotated[
        str | None,
        typer.Option(
            help="What samples are compared by: components, classifier, a file of Inception's weights. Default: by the data."
        ),
    ] = None,
    data: Data = None,
    agreement: Annotated[
        int, typer.Option(help="Conditional runs: samples per class that a classifier, trained for it (a minute), checks.")
    ] = 0,
    limit: Annotated[int | None, typer.Option(help="The first so many rows only.")] = None,
    report: Annotated[bool, typer.Option("--report", help="Also write RUN/report.html, a page that explains it all.")] = False,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Loss, its two terms, bounds of log p(x), latent space, reconstructions and samples, with standard errors."""
    from vaekit import workflows

    bounds = {"samples": samples, "annealing": annealing, "chains": chains}
    quality = {"generated": generated, "features": features, "agreement": agreement}
    options = {"data": data, "limit": limit, "seed": seed}
    found = workflows.evaluate(run, split=parse.part(split), **bounds, **quality, **options)
    figures.evaluated(found | ({"report": str(workflows.report(run, found))} if report else {}), json)


@app.command()
def sample(
    run: RunPath,
    count: Annotated[int, typer.Option(help="How many.")] = 64,
    label: Label = None,
    draw: Annotated[bool, typer.Option("--draw", help="Draw the values too, instead of showing their means.")] = False,
    mixture: Annotated[
        bool, typer.Option("--mixture", help="Codes from a Gaussian mixture over those of training rows, not from the prior.")
    ] = False,
    data: Annotated[str | None, typer.Option(help="For --mixture: the run's data, where they are not where they were.")] = None,
    out: Annotated[Path | None, typer.Option(help="A sheet (.png, .pdf, .svg) or values (.npy).")] = None,
    force: Force = False,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Draw new rows: codes from the prior, or a mixture, through the decoder."""
    from vaekit.data.raw import safe_name
    from vaekit.store import load_run
    from vaekit.workflows import files, fit_mixture, use

    loaded = load_run(run)
    kind = "mixture" if mixture else "sample"
    name = f"{kind}{'' if label is None else '-' + safe_name(label)}-{seed}{files.suffix_for(loaded)}"
    place = files.check_values(_free(out, force) if out else run / "plots" / name, loaded, count)
    codes = fit_mixture(loaded, data=data).draw if mixture else None
    values = use.sample_by_part(loaded, count, label=label, seed=seed, draw=draw, codes=codes)
    source = "codes from a mixture, " if mixture else ""
    of_class = "" if label is None else f" of class {label}"
    path = files.save_values(place, loaded, values, count, title=f"{count} samples{of_class}, {source}{run.name}")
    terminal.written({"count": count, "label": label, "seed": seed, "file": str(path)}, json)


@app.command()
def reconstruct(
    run: RunPath,
    data: Annotated[str | None, typer.Argument(metavar="[FILE]", help="Rows of your own: an image, folder or array.")] = None,
    index: Indices = None,
    label: Annotated[str | None, typer.Option(help="Only rows of this class.")] = None,
    split: Split = None,
    out: Annotated[Path | None, typer.Option(help="A picture (.png, .pdf, .svg) or the decoded values (.npy).")] = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Chosen rows through the model and back, with their codes."""
    from vaekit.store import load_run
    from vaekit.workflows import use
    from vaekit.workflows.plot import save_reconstruction

    place = _free(out, force) if out else run / "plots" / "reconstruct.png"
    loaded = load_run(run)
    result = use.reconstruct(loaded, indices=parse.indices(index), label=label, split=parse.part(split), data=data)
    path = save_reconstruction(place, loaded, result)
    show.codes(loaded, result, path, json)


@app.command()
def encode(
    run: RunPath,
    data: Annotated[
        str | None, typer.Argument(metavar="[FILE]", help="Rows of your own. Default: a split of the run's.")
    ] = None,
    split: Split = None,
    out: Annotated[Path, typer.Option(help="Codes, .npz or .csv; or means, .npy.")] = Path("codes.npz"),
    force: Force = False,
    json: Json = False,
) -> None:
    """Write the codes of rows: means and standard deviations of q(z given x)."""
    from vaekit.store import load_run
    from vaekit.workflows import files
    from vaekit.workflows.rows import find_rows

    place, loaded = files.check_codes(_free(out, force)), load_run(run)
    rows, part = find_rows(loaded, parse.part(split), data)
    path = files.encode_to(place, loaded, rows)
    terminal.written({"rows": len(rows), "of": part, "latent_dim": loaded.config.latent_dim, "file": str(path)}, json)


@app.command()
def impute(
    run: RunPath,
    data: Annotated[Path, typer.Argument(metavar="FILE", help="Rows, .npy, NaN where a value is missing.")],
    missing: Annotated[Path | None, typer.Option(metavar="MASK", help="Where values are missing: .npy, True there.")] = None,
    out: Annotated[Path, typer.Option(help="The rows filled in: .npy, or a sheet (.png, .pdf, .svg).")] = Path("imputed.npy"),
    sweeps: Annotated[int, typer.Option(help="Rounds of the sampler.")] = 100,
    candidates: Annotated[int, typer.Option(help="Codes that are tried for a row in each round.")] = 50,
    force: Force = False,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Fill in missing values with what the model expects there, given the others."""
    from vaekit.store import load_run
    from vaekit.workflows import files
    from vaekit.workflows.impute import impute, load_incomplete
    from vaekit.workflows.rows import find_rows

    loaded = load_run(run)
    values, gone = load_incomplete(data, missing)
    place = files.check_values(_free(out, force), loaded, len(values))
    rows, _ = find_rows(loaded, None, values)
    found = impute(loaded, rows, gone, sweeps=sweeps, candidates=candidates, seed=seed)
    path = files.save_values(place, loaded, iter([found]), len(found), title=f"{len(found)} rows filled in, {run.name}")
    terminal.written({"rows": len(found), "missing": f"{gone.mean():.1%} of the values", "file": str(path)}, json)


@app.command()
def score(
    run: RunPath,
    data: Annotated[
        str | None, typer.Argument(metavar="[FILE]", help="Rows of your own. Default: a split of the run's.")
    ] = None,
    by: Annotated[str, typer.Option(help="bound (-log p(x)), loss, reconstruction, latent, typicality, density.")] = "bound",
    samples: Annotated[int, typer.Option(help="Draws of z per row.")] = 20,
    split: Split = None,
    out: Annotated[Path, typer.Option(help="Scores, .csv or .npy.")] = Path("scores.csv"),
    force: Force = False,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Write how unlike the training rows each row is: the higher, the odder. density finds classes that were not seen best."""
    from vaekit.store import load_run
    from vaekit.workflows import files
    from vaekit.workflows.rows import find_rows
    from vaekit.workflows.score import score

    place, loaded = files.check_scores(_free(out, force)), load_run(run)
    rows, part = find_rows(loaded, parse.part(split), data)
    found = score(loaded, rows, by, samples=samples, seed=seed)
    names = None if rows.y is None else [loaded.config.data.classes[y] for y in rows.y]
    oddest = ", ".join(str(row) for row in found.argsort()[::-1][:10])
    facts = {"rows": len(rows), "of": part, "by": by, "mean": round(float(found.mean()), 3), "oddest": oddest}
    terminal.written(facts | {"file": str(files.save_scores(place, found, names))}, json)


@app.command()
def decode(
    run: RunPath,
    codes: Annotated[Path | None, typer.Argument(metavar="[CODES]", help="Codes: .npz, .npy or .csv.")] = None,
    z: Annotated[list[str] | None, typer.Option("--z", help="One code, such as --z=0.5,-1; may be repeated.")] = None,
    label: Annotated[str | None, typer.Option(help="The class, of a conditional run. Default: those in the file.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="A sheet (.png, .pdf, .svg) or values (.npy). Default: decoded.png, or .npy of what is no image."),
    ] = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Decode codes to the means of p(x given z)."""
    from vaekit.errors import ConfigError
    from vaekit.store import load_run
    from vaekit.workflows import files, use

    if (codes is None) == (not z):
        raise ConfigError("decode takes either a file of codes or --z=0.5,-1")
    loaded = load_run(run)
    given, classes = files.load_codes(codes) if codes else (parse.code(z or []), None)
    place = files.check_values(_free(out or Path(f"decoded{files.suffix_for(loaded)}"), force), loaded, len(given))
    values = use.decode_by_part(loaded, given, label if label is not None or not loaded.model.classes else classes)
    path = files.save_values(place, loaded, values, len(given), title=f"{len(given)} decoded codes, {run.name}")
    terminal.written({"rows": len(given), "file": str(path)}, json)


@app.command()
def export(
    run: RunPath,
    out: Annotated[
        Path, typer.Argument(metavar="[FOLDER]", help="Where encoder.onnx and decoder.onnx go; or PAGE.html, for the explorer.")
    ] = Path("exported"),
    hub: Annotated[
        Path | None, typer.Option("--hub", metavar="DIR", help="Write a folder for the Hugging Face Hub instead, with a card.")
    ] = None,
    license: License = None,
    split: Split = None,
    data: Data = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that are there.")] = False,
    json: Json = False,
) -> None:
    """Write encoder and decoder as ONNX and as torch.export programs, or the explorer as a page; held to the model on rows."""
    from vaekit import workflows

    if hub is not None:
        return terminal.written(workflows.export_hub(run, hub, license=license, force=force), json)
    if out.suffix.lower() in (".html", ".htm"):
        return terminal.written(workflows.export_page(run, out, split=parse.part(split), data=data, force=force), json)
    parse.no_rows_chosen(split)
    found = workflows.export_onnx(run, out, data=data, force=force)
    return terminal.written(found, json) if json else figures.exported(found)


@app.command()
def explore(
    run: RunPath,
    split: Split = None,
    data: Data = None,
    port: Annotated[int, typer.Option(help="0: any that is free.")] = 0,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")] = True,
    json: Json = False,
) -> None:
    """Open a page about the latent space, for this machine, until Ctrl-C: a map of codes, the decoder under the pointer."""
    from vaekit import workflows

    ready = lambda address: show.exploring(address, browser, json)  # noqa: E731
    workflows.explore(run, split=parse.part(split), data=data, port=port, ready=ready)


@app.command()
def serve(
    run: RunPath,
    host: Annotated[
        str, typer.Option(help="An address of this machine. Another than a loopback one is open to its network.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0: any that is free.")] = 8000,
    rows_at_once: Annotated[
        int | None, typer.Option(help="Of concurrent requests, computed together; 1: each alone. Default: by their size.")
    ] = None,
    json: Json = False,
) -> None:
    """Answer HTTP requests to encode, decode, sample and score, until Ctrl-C."""
    from vaekit import workflows
    from vaekit.server import Limits

    limits = None if rows_at_once is None else Limits(rows_at_once=rows_at_once)
    workflows.serve(run, host=host, port=port, limits=limits, ready=lambda address: show.serving(address, json))


@app.command()
def push(
    run: RunPath,
    repo: Annotated[str, typer.Argument(metavar="OWNER/NAME", help="A repository of the Hugging Face Hub.")],
    private: Annotated[bool, typer.Option("--private", help="For you alone: the repository is made private.")] = False,
    message: Annotated[str, typer.Option(help="Of the commit.")] = "Push a run of vaekit",
    license: License = None,
    json: Json = False,
) -> None:
    """Put a run on the Hugging Face Hub, as `export --hub` writes it (pip install "vaekit[hub]")."""
    from vaekit import workflows

    address = workflows.push(run, repo, private=private, message=message, license=license)
    terminal.written({"repository": repo, "commit": address}, json)


@app.command()
def pull(
    repo: Annotated[str, typer.Argument(metavar="OWNER/NAME[@REVISION]", help="A repository of the Hugging Face Hub.")],
    folder: Annotated[Path | None, typer.Argument(metavar="[FOLDER]", help="The run folder. Default: runs/NAME.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a run that was pulled there before.")] = False,
    json: Json = False,
) -> None:
    """Take a run from the Hugging Face Hub: nothing in it is executed (pip install "vaekit[hub]")."""
    from vaekit import workflows

    run = workflows.pull(repo, folder, force=force)
    terminal.written({"run": str(run.path), "recipe": run.config.recipe, "data": run.config.data.source}, json)


@app.command()
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
        str | None, typer.Option(metavar="LOW:HIGH", help="Grid: range of the first axis, as --across=-2:2.")
    ] = None,
    down: Annotated[str | None, typer.Option(metavar="LOW:HIGH", help="Grid: range of the second axis.")] = None,
    projection: Annotated[str, typer.Option(help="More than two dimensions: active or pca.")] = "active",
    label: Label = None,
    split: Split = None,
    data: Data = None,
    out: Annotated[
        Path | None,
        typer.Option(help="A folder, or a file for one picture (.png, .pdf, .svg; .gif or .webp to see latent walks move)."),
    ] = None,
    format: Annotated[
        str | None, typer.Option(help="Of pictures in a folder: png, or pdf and svg, of vectors. [default: png]")
    ] = None,
    force: Force = False,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Draw the pictures of a run."""
    from vaekit import workflows

    if out is not None and out.suffix:
        _free(out, force)

    view = {
        "across": parse.interval(across),
        "down": parse.interval(down),
        "indices": parse.indices(index),
        "projection": projection,
        "label": label,
        "seed": seed,
    }
    paths = workflows.plot(run, names or (), data=data, split=parse.part(split), out=out, format=format, **view)
    terminal.written({"files": [str(path) for path in paths]}, json)


@app.command()
def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN RUN ...", help="Run folders, 2 to 8, of the same data.")],
    split: Split = "test",
    limit: Annotated[int | None, typer.Option(help="The first so many rows only.")] = None,
    samples: Annotated[int | None, typer.Option(help="Add the importance-weighted bound of so many samples.")] = None,
    out: Annotated[
        Path, typer.Option(help="A picture (.png, .pdf, .svg); the curves of training go beside it, as NAME-curves.")
    ] = Path("compare.png"),
    force: Force = False,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Runs side by side on the same rows: a table, a picture of what they do, and their curves."""
    from vaekit import workflows

    for path in (out, workflows.curves_beside(out)):
        _free(path, force)
    found = workflows.compare(runs, split=parse.part(split), limit=limit, samples=samples, out=out, seed=seed)
    show.comparison(found, json)


@app.command()
def data(
    source: Annotated[str | None, typer.Argument(help="A name or a path to look at. Default: list the names.")] = None,
    support: Annotated[str | None, typer.Option(help="What values can be: binary, unit, integers:L, real.")] = None,
    resize: Annotated[str | None, typer.Option(metavar="HxW", help="Resize images, such as 64x64.")] = None,
    json: Json = False,
) -> None:
    """List the datasets that have names, or say what is in one of your own."""
    from vaekit import data as datasets

    if source is None:
        terminal.table(datasets.describe(), json)
    else:
        show.dataset(datasets.load(source, support=support, resize=parse.size(resize)), json)


@recipes_app.callback()
def list_recipes(context: typer.Context, json: Json = False) -> None:
    """List the recipes; `recipes show NAME` prints one as a file to change."""
    from vaekit import recipes

    if context.invoked_subcommand is None:
        terminal.table([{"name": name, "description": recipes.describe(name)} for name in recipes.names()], json)


@recipes_app.command("show")
def show_recipe(name: Annotated[str, typer.Argument(help="A recipe.")]) -> None:
    """Print a recipe: a file to change and train with `vaekit train FILE`."""
    from vaekit import recipes

    print(recipes.text(name), end="")


def _without_none(options: dict[str, Any]) -> dict[str, Any]:
    nested = {k: _without_none(v) if isinstance(v, dict) else v for k, v in options.items()}
    return {k: v for k, v in nested.items() if v is not None and v != {}}


def _free(path: Path, force: bool) -> Path:
    """A file to write; OutputError where there is one that may not be overwritten, or that belongs to a run."""
    import sys

    from vaekit.errors import OutputError
    from vaekit.store import FILES

    if (path.parent / "config.yaml").is_file() and path.name in FILES:
        raise OutputError(f"{path} is a file of the run in {path.parent}: choose another --out")
    if path.exists() and not force and not (sys.stdin.isatty() and typer.confirm(f"{path} exists: overwrite it?", err=True)):
        raise OutputError(f"{path} exists: choose another --out, or overwrite it with --force")
    return path


def _may_overwrite(out: Path | None) -> bool:
    """Ask, where a run is there and somebody can answer: of several processes none does."""
    import os
    import sys

    there = out is not None and (out / "config.yaml").is_file() and "LOCAL_RANK" not in os.environ
    return there and sys.stdin.isatty() and typer.confirm(f"{out} exists: overwrite the run in it?", err=True)
