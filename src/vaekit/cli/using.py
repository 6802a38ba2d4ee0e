"""Commands that use a model on rows and codes."""

from pathlib import Path
from typing import Annotated

import typer

from vaekit.cli import parse, show, terminal
from vaekit.cli.options import Force, Indices, Json, Label, RunPath, Seed, Split, free


def sample(
    run: RunPath,
    count: Annotated[int, typer.Option(help="How many.")] = 64,
    label: Label = None,
    draw: Annotated[
        bool, typer.Option("--draw", help="Draw the values too, instead of showing their means.")
    ] = False,
    mixture: Annotated[
        bool,
        typer.Option(
            "--mixture",
            help="Codes from a Gaussian mixture over those of training rows, not from the prior.",
        ),
    ] = False,
    data: Annotated[
        str | None,
        typer.Option(help="For --mixture: the run's data, where they are not where they were."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="A sheet (.png, .pdf, .svg) or values (.npy).")
    ] = None,
    force: Force = False,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Draw new rows: codes from the prior, or a mixture, through the decoder."""
    from vaekit.data.raw_dataset import dataset_name
    from vaekit.runs import load_run
    from vaekit.workflows import files, fit_mixture, use

    loaded = load_run(run)
    kind = "mixture" if mixture else "sample"
    name = f"{kind}{'' if label is None else '-' + dataset_name(label)}-{seed}{files.suffix_for(loaded)}"
    place = files.check_values(free(out, force) if out else run / "plots" / name, loaded, count)
    codes = fit_mixture(loaded, data=data).draw if mixture else None
    values = use.iter_sample(loaded, count, label=label, seed=seed, draw=draw, codes=codes)
    source = "codes from a mixture, " if mixture else ""
    of_class = "" if label is None else f" of class {label}"
    path = files.save_values(
        place, loaded, values, count, title=f"{count} samples{of_class}, {source}{run.name}"
    )
    terminal.written({"count": count, "label": label, "seed": seed, "file": str(path)}, json)


def reconstruct(
    run: RunPath,
    data: Annotated[
        str | None,
        typer.Argument(metavar="[FILE]", help="Rows of your own: an image, folder or array."),
    ] = None,
    index: Indices = None,
    label: Annotated[str | None, typer.Option(help="Only rows of this class.")] = None,
    split: Split = None,
    out: Annotated[
        Path | None, typer.Option(help="A picture (.png, .pdf, .svg) or the decoded values (.npy).")
    ] = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Chosen rows through the model and back, with their codes."""
    from vaekit.runs import load_run
    from vaekit.workflows import use
    from vaekit.workflows.plot import save_reconstruction

    place = free(out, force) if out else run / "plots" / "reconstruct.png"
    loaded = load_run(run)
    result = use.reconstruct(
        loaded, indices=parse.indices(index), label=label, split=parse.part(split), data=data
    )
    path = save_reconstruction(place, loaded, result)
    show.codes(loaded, result, path, json)


def encode(
    run: RunPath,
    data: Annotated[
        str | None,
        typer.Argument(metavar="[FILE]", help="Rows of your own. Default: a split of the run's."),
    ] = None,
    split: Split = None,
    out: Annotated[Path, typer.Option(help="Codes, .npz or .csv; or means, .npy.")] = Path(
        "codes.npz"
    ),
    force: Force = False,
    json: Json = False,
) -> None:
    """Write the codes of rows: means and standard deviations of q(z given x)."""
    from vaekit.runs import load_run
    from vaekit.runs.run_data import find_examples
    from vaekit.workflows import files

    place, loaded = files.check_codes(free(out, force)), load_run(run)
    rows, part = find_examples(loaded, parse.part(split), data)
    path = files.encode_to(place, loaded, rows)
    terminal.written(
        {"rows": len(rows), "of": part, "latent_dim": loaded.config.latent_dim, "file": str(path)},
        json,
    )


def decode(
    run: RunPath,
    codes: Annotated[
        Path | None, typer.Argument(metavar="[CODES]", help="Codes: .npz, .npy or .csv.")
    ] = None,
    z: Annotated[
        list[str] | None, typer.Option("--z", help="One code, such as --z=0.5,-1; may be repeated.")
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(help="The class, of a conditional run. Default: those in the file."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="A sheet (.png, .pdf, .svg) or values (.npy). Default: decoded.png, or .npy of what is no image."
        ),
    ] = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Decode codes to the means of p(x given z)."""
    from vaekit.errors import ConfigError
    from vaekit.runs import load_run
    from vaekit.workflows import files, use

    if (codes is None) == (not z):
        raise ConfigError("decode takes either a file of codes or --z=0.5,-1")
    loaded = load_run(run)
    given, classes = files.load_codes(codes) if codes else (parse.code(z or []), None)
    place = files.check_values(
        free(out or Path(f"decoded{files.suffix_for(loaded)}"), force), loaded, len(given)
    )
    values = use.iter_decode(
        loaded, given, label if label is not None or not loaded.model.classes else classes
    )
    path = files.save_values(
        place, loaded, values, len(given), title=f"{len(given)} decoded codes, {run.name}"
    )
    terminal.written({"rows": len(given), "file": str(path)}, json)


def impute(
    run: RunPath,
    data: Annotated[
        Path, typer.Argument(metavar="FILE", help="Rows, .npy, NaN where a value is missing.")
    ],
    missing: Annotated[
        Path | None,
        typer.Option(metavar="MASK", help="Where values are missing: .npy, True there."),
    ] = None,
    out: Annotated[
        Path, typer.Option(help="The rows filled in: .npy, or a sheet (.png, .pdf, .svg).")
    ] = Path("imputed.npy"),
    sweeps: Annotated[int, typer.Option(help="Rounds of the sampler.")] = 100,
    candidates: Annotated[
        int, typer.Option(help="Codes that are tried for a row in each round.")
    ] = 50,
    force: Force = False,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Fill in missing values with what the model expects there, given the others."""
    from vaekit.runs import load_run
    from vaekit.runs.run_data import find_examples
    from vaekit.workflows import files
    from vaekit.workflows.impute import impute, load_incomplete

    loaded = load_run(run)
    values, gone = load_incomplete(data, missing)
    place = files.check_values(free(out, force), loaded, len(values))
    rows, _ = find_examples(loaded, None, values)
    found = impute(loaded, rows, gone, sweeps=sweeps, candidates=candidates, seed=seed)
    path = files.save_values(
        place, loaded, iter([found]), len(found), title=f"{len(found)} rows filled in, {run.name}"
    )
    terminal.written(
        {"rows": len(found), "missing": f"{gone.mean():.1%} of the values", "file": str(path)}, json
    )
