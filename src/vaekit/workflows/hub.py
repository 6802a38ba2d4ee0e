"""Give a run to others, and take theirs: a folder in the layout of the Hugging Face Hub, pushed and pulled."""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console

import vaekit
from vaekit import config as configuration
from vaekit import hub, runs
from vaekit.atomic_io import atomic_folder, atomic_write_bytes
from vaekit.config import MODEL_PARTS, Custom, Settings
from vaekit.errors import ConfigError, OutputError, RunError
from vaekit.evaluation.protocol import protocol
from vaekit.hub.contents import CARD, FACTS, LIBRARY
from vaekit.run_plots.registry import LATENT_PATH_PLOTS, PLOTS
from vaekit.runs import Run, load_config, load_run, load_split

SUMMARY = (
    "format",
    "recipe",
    "data",
    "parameters",
    "epochs",
    "best_epoch",
    "unit",
    "validation",
    "test",
    "seed",
    "seconds",
)
SHOW_ROWS = ("reconstructions", "nearest", "interpolations")
PNG = b"\x89PNG\r\n\x1a\n"


def export_hub(
    run: Run | str | os.PathLike,
    out: str | os.PathLike,
    *,
    license: str | None = None,
    force: bool = False,
) -> dict[str, Any]:
    """Write a run as the folder `out` in the layout of the Hugging Face Hub: a run folder with a model card beside.

    Paths in its configuration are reduced to their last names, and of RUN/plots it takes the pictures that `plot` draws; what
    is returned says which of them show rows of the data. license: as the Hub writes it, such as "mit".
    Raises ConfigError for a run with modules of your own, OutputError where the folder is there and `force` is not given.
    """
    run, out = _shareable(run), Path(out)
    if out.resolve() == run.path.resolve():
        raise OutputError(f"{out} is the run itself: choose another folder")
    hub.check_place(out, force)
    with atomic_folder(out) as folder:
        _write(folder, run, _checked(license))
    files = [str(path) for path in sorted(out.rglob("*")) if path.is_file()]
    return {"folder": str(out), "files": files, "shows_rows": _shown_rows(out)}


def push(
    run: Run | str | os.PathLike,
    repo: str,
    *,
    private: bool = False,
    message: str = "Push a run of vaekit",
    license: str | None = None,
    console: Console | None = None,
) -> str:
    """Put what `export_hub` writes into the repository OWNER/NAME of the Hugging Face Hub; the address of the commit.

    The repository is made where it is not there. Its other files stay, pictures of an earlier push that are no longer go.
    console: where it is noted which pictures show rows of the data, by default standard error.
    Raises ConfigError where huggingface_hub is not installed or the run has modules of your own, OutputError where you may not
    write there, WorkError where the hub does not answer.
    """
    name, revision = hub.check_name(repo)
    if revision is not None:
        raise ConfigError(f"{repo!r} names a revision: push to {name}")
    run = _shareable(run)
    with TemporaryDirectory() as folder:
        _write(Path(folder), run, _checked(license), name)
        address, shown = (
            hub.upload_folder(Path(folder), name, private=private, message=message),
            _shown_rows(Path(folder)),
        )
    if shown:
        note = f"note: these pictures show rows of the data: {shown}"
        (console or Console(stderr=True)).print(note, highlight=False, markup=False, soft_wrap=True)
    return address


def pull(repo: str, folder: str | os.PathLike | None = None, *, force: bool = False) -> Run:
    """Take a run from the repository OWNER/NAME, or OWNER/NAME@REVISION, of the Hugging Face Hub into `folder`.

    Only files of a run folder are taken, of sizes that were announced and bounded, and they are read as `load_run` reads any
    before the folder gets its name. folder: by default runs/NAME.
    Raises RunError where the repository is missing or holds no usable run, OutputError where the folder is there and `force` is
    not given, ConfigError where huggingface_hub is not installed, WorkError where the hub does not answer.
    """
    name, revision = hub.check_name(repo)
    place = Path(folder) if folder is not None else Path("runs") / name.split("/")[1]
    hub.check_place(place, force)
    remote = hub.find_repository(name, revision)
    if missing := next(
        (file for file in (runs.CONFIG, runs.WEIGHTS) if file not in remote.files), None
    ):
        raise RunError(f"{name} holds no run of vaekit: it has no {missing}")
    with atomic_folder(place) as temporary:
        for file in sorted(
            remote.files, key=remote.files.__getitem__
        ):  # the large ones last, if the small ones are sound
            hub.download_file(remote, file, temporary)
        run = _sound(temporary, name)
    return replace(run, path=place)


def _sound(folder: Path, repo: str) -> Run:
    """The run in a folder, if it is usable; its name in messages is the repository's."""
    try:
        run = load_run(folder)
        if (folder / runs.SPLIT).exists():
            load_split(folder)
    except RunError as error:
        raise RunError(str(error).replace(str(folder), repo)) from None
    return run


def _shareable(run: Run | str | os.PathLike) -> Run:
    """The run, read where it is a path; ConfigError where its model is not made of vaekit's parts alone."""
    path, config = (run.path, run.config) if isinstance(run, Run) else (Path(run), load_config(run))
    for name in MODEL_PARTS:
        if isinstance(options := config.part(name), Custom):
            raise ConfigError(
                f"the {name} of {path} is a module of your own, {options.name}, and a shared folder holds no code: share runs "
                "of vaekit's own parts, or this one together with its code by other means"
            )
    return run if isinstance(run, Run) else load_run(run)


def _checked(license: str | None) -> str | None:
    if license is not None and not re.fullmatch(r"[a-z0-9][a-z0-9.+-]{0,49}", license):
        raise ConfigError(
            f"license {license!r}: write it as the Hub does, such as mit, apache-2.0 or cc-by-4.0"
        )
    return license


def _write(folder: Path, run: Run, license: str | None, repo: str = "OWNER/NAME") -> None:
    config, summary = _without_places(run.config), _public(run.summary)
    runs.save_config(folder, config)
    runs.save_weights(folder, run.model)
    if run.history:
        columns = {
            name: map(_whole, column) if name == "epoch" else column
            for name, column in run.history.items()
        }
        runs.save_metrics(
            folder,
            [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)],
        )
    if (run.path / runs.SPLIT).is_file():
        atomic_write_bytes(folder / runs.SPLIT, (run.path / runs.SPLIT).read_bytes())
    if summary:
        runs.save_summary(folder, summary)
    facts, pictures = _facts(run, config), dict(_pictures(run.path / runs.PLOTS))
    atomic_write_bytes(folder / FACTS, json.dumps(facts, indent=2) + "\n")
    for name, content in pictures.items():
        atomic_write_bytes(folder / runs.PLOTS / f"{name}.png", content)
    atomic_write_bytes(
        folder / CARD, hub.card(facts, summary, protocol(run), list(pictures), license, repo)
    )


def _whole(number: float) -> float:
    return int(number) if number == int(number) else number


def _without_places(config: Settings) -> Settings:
    """The configuration with the last names of its paths, as they lead nowhere elsewhere and may tell who made the run."""
    places = {name: _last_name(getattr(config.data, name)) for name in ("source", "test")}
    return config.changed({"data": places})


def _last_name(place: str | None) -> str | None:
    if place is None:
        return None
    path = place.partition("?")[0] if "://" in place else place
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1] or "data"


def _public(summary: dict[str, Any]) -> dict[str, Any]:
    """What `train` writes, and nothing that was added since."""
    kept = {name: summary[name] for name in SUMMARY if name in summary}
    libraries = {
        name: version for name, version in summary.get("versions", {}).items() if name in _LIBRARIES
    }
    return kept | {"versions": libraries} if kept else {}


_LIBRARIES = ("vaekit", "python", "torch", "lightning", "numpy")


def _facts(run: Run, config: Settings) -> dict[str, Any]:
    """What config.json says, for tools that read no YAML."""
    counts, codes = run.model.count_parameters(), run.model.codebook
    return {
        "library": LIBRARY,
        "version": vaekit.__version__,
        "format": configuration.FORMAT,
        "recipe": config.recipe,
        "data": {
            "name": config.data.source,
            "shape": list(run.model.data_shape),
            "support": str(run.support),
        },
        "latent_dim": run.model.latent_shape.numel(),
        "codes": None if codes is None else {"positions": codes.positions, "count": codes.count},
        "conditional": bool(run.model.classes),
        "classes": list(config.data.classes),
        "parts": {name: config.part(name).kind for name in MODEL_PARTS},
        "objective": config.part("objective").kind,
        "parameters": {side: count.total for side, count in counts.items()},
    }


def _shown_rows(folder: Path) -> str | None:
    """Which pictures of a shared folder show rows of the data."""
    names = (f"{runs.PLOTS}/{name}.png" for name in SHOW_ROWS)
    return ", ".join(name for name in names if (folder / name).exists()) or None


def _pictures(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The run's pictures that `plot` draws, by name: what else is in the folder, or is a link, stays."""
    for name in (*PLOTS, *LATENT_PATH_PLOTS):
        path = folder / f"{name}.png"
        if (
            path.is_file()
            and not path.is_symlink()
            and (content := path.read_bytes()).startswith(PNG)
        ):
            yield name, content
