"""`vaekit push`, `vaekit pull` and `vaekit export --hub`: runs on the Hugging Face Hub."""

import json
import os
import re
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

import vaekit
from vaekit import config as configuration
from vaekit import hub, runs
from vaekit.arguments import as_path
from vaekit.config import MODEL_PARTS, Custom, Settings
from vaekit.errors import ConfigError, OutputError, RunError
from vaekit.evaluation.protocol import protocol
from vaekit.files.atomic import atomic_folder, atomic_write_bytes
from vaekit.hub.shared_folder import CARD, LIBRARY, MODEL_CONFIG
from vaekit.json_types import JsonObject
from vaekit.run_plots.registry import LATENT_PATH_PLOTS, PLOTS
from vaekit.runs import Run, load_config, load_run, load_split
from vaekit.runtime.library_call import library_call
from vaekit.runtime.terminal_progress import print_line, progress_console

SHARED_SUMMARY = (
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
    "threads",
    runs.RUN_ID,
    "verdict",
)
SHARED_VERSIONS = ("vaekit", "python", "torch", "lightning", "numpy")
DATA_PLOTS = ("reconstructions", "nearest", "interpolations")
"""Plots that show examples of the data."""

WHOLE_COLUMNS = ("epoch", "step")
"""Columns of metrics.csv with whole numbers."""


@dataclass(frozen=True)
class SharedFolder:
    """The result of `export_hub`.

    Attributes:
        folder: The shared folder.
        files: Its files.
        data_plots: Its plots that show examples of the data.
    """

    folder: Path
    files: tuple[Path, ...]
    data_plots: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        """The result as JSON values."""
        return {
            "folder": str(self.folder),
            "files": [str(path) for path in self.files],
            "data_plots": list(self.data_plots),
        }


@library_call
def export_hub(
    run: Run | str | os.PathLike,
    out: str | os.PathLike,
    *,
    license: str | None = None,
    overwrite: bool = False,
) -> SharedFolder:
    """Write a run as a folder for the Hugging Face Hub: a run folder with a model card.

    Paths in its configuration are reduced to their last names; of RUN/plots it takes what
    `vaekit plot` drew.

    Args:
        run: A run or its folder.
        out: The folder to write.
        license: Identifier of the license on the Hub, such as "mit".
        overwrite: Overwrite an existing shared folder.

    Returns:
        The folder and its files.

    Raises:
        ConfigError: The run has modules of your own, or the license is invalid.
        OutputError: The folder exists and `overwrite` is false, or is not a shared run.

    >>> import vaekit
    >>> vaekit.export_hub("runs/conv", "shared", license="mit").data_plots
    ('plots/reconstructions.png', 'plots/nearest.png')
    """
    run = _shareable(run)
    out = as_path("out", out)
    if os.path.realpath(out) == os.path.realpath(run.folder):
        raise OutputError(f"{out} is the run itself. Choose another folder.")
    hub.check_target(out, overwrite)
    _check_license(license)

    with _locked(out), atomic_folder(out) as folder:
        _write(folder, run, license)
    files = tuple(path for path in sorted(out.rglob("*")) if path.is_file())
    return SharedFolder(out, files, _data_plots(out))


@library_call
def push(
    run: Run | str | os.PathLike,
    repository: str,
    *,
    private: bool = False,
    message: str = "Push a run of vaekit",
    license: str | None = None,
    console: Console | None = None,
) -> str:
    """Push a run to the Hugging Face Hub: what `export_hub` writes, as one commit.

    The repository is created if it does not exist. Plots of an earlier push are deleted, other
    files are kept.

    Args:
        run: A run or its folder.
        repository: OWNER/NAME.
        private: Whether the repository must be private.
        message: The message of the commit.
        license: Identifier of the license on the Hub, such as "mit".
        console: Where to note which plots show examples of the data; default standard error.

    Returns:
        The URL of the commit.

    Raises:
        ConfigError: huggingface_hub is not installed, or the run has modules of your own.
        OutputError: No permission to write, or the repository is public and `private` is true.
        NetworkError: The request failed.

    >>> import vaekit
    >>> vaekit.push("runs/mnist", "ada/digits", license="mit")  # doctest: +SKIP
    """
    name, revision = hub.parse_name(repository)
    if revision is not None:
        raise ConfigError.for_value(
            "repository",
            repository,
            "OWNER/NAME without a revision",
            problem="a run cannot be pushed to a revision",
            fix=f"Push to {name}",
        )
    run = _shareable(run)
    _check_license(license)

    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        _write(folder, run, license, name)
        url = hub.upload_folder(folder, name, private=private, message=message)
        shown = _data_plots(folder)
    if shown:
        note = f"note: plots with examples of the data were pushed: {', '.join(shown)}"
        print_line(console or progress_console(), note)
    return url


@library_call
def pull(
    repository: str, folder: str | os.PathLike | None = None, *, overwrite: bool = False
) -> Run:
    """Pull a run from the Hugging Face Hub.

    Only files of a run folder are downloaded, of announced and bounded sizes; they are checked as
    `load_run` does before the folder gets its name.

    Args:
        repository: OWNER/NAME, or OWNER/NAME@REVISION.
        folder: The target; default runs/NAME.
        overwrite: Overwrite an existing run.

    Returns:
        The run.

    Raises:
        RunError: The repository does not exist or has no valid run.
        OutputError: The folder exists and `overwrite` is false.
        ConfigError: huggingface_hub is not installed.
        NetworkError: The request failed.

    >>> import vaekit
    >>> run = vaekit.pull("ada/digits")  # doctest: +SKIP
    """
    name, revision = hub.parse_name(repository)
    target = Path("runs") / name.split("/")[1] if folder is None else as_path("folder", folder)
    hub.check_target(target, overwrite)

    remote = hub.find_repository(name, revision)
    for file in (runs.CONFIG, runs.WEIGHTS):
        if file not in remote.sizes:
            raise RunError(f"{name} is not a run of vaekit: {file} is missing. Check the name.")

    with _locked(target), atomic_folder(target) as temporary:
        # The smallest first: a damaged one ends the download before the large ones.
        for file in sorted(remote.sizes, key=remote.sizes.__getitem__):
            hub.download_file(remote, file, temporary)
        run = _load_valid(temporary, name)
    return replace(run, path=target)


def _locked(folder: Path) -> AbstractContextManager[object]:
    """The lock of an existing folder, so that no run is replaced while it is trained."""
    return runs.FolderLock(folder) if folder.is_dir() else nullcontext()


def _load_valid(folder: Path, repository: str) -> Run:
    """The run of a folder, if it is valid; messages name the repository."""
    try:
        run = load_run(folder)
        if (folder / runs.SPLIT).exists():
            load_split(folder, run.run_id, run.summary)
    except RunError as error:
        raise RunError(str(error).replace(str(folder), repository)) from None
    return run


def _shareable(run: Run | str | os.PathLike) -> Run:
    """The run, if its model has only parts of vaekit."""
    path = run.folder if isinstance(run, Run) else Path(run)
    config = run.config if isinstance(run, Run) else load_config(run)
    for name in MODEL_PARTS:
        options = config.part(name)
        if isinstance(options, Custom):
            raise ConfigError(
                f"{path} cannot be shared: its {name} is your own module {options.name}, and a "
                "shared folder contains no code. Share a run of vaekit's own parts.",
                parameter=name,
            )
    return run if isinstance(run, Run) else load_run(run)


def _check_license(license: str | None) -> None:
    if license is not None and not re.fullmatch(r"[a-z0-9][a-z0-9.+-]{0,49}", license):
        raise ConfigError.for_value(
            "license", license, "an identifier of the Hub such as mit, apache-2.0 or cc-by-4.0"
        )


# --- Files ---------------------------------------------------------------------------------------


def _write(folder: Path, run: Run, license: str | None, repository: str = "OWNER/NAME") -> None:
    config = _without_paths(run.config)
    summary = _shared_summary(run.summary)
    runs.save_config(folder, config, run.run_id)
    runs.save_weights(folder, run.model, run.run_id)
    if run.history:
        runs.save_metrics(folder, _history_rows(run.history), run.run_id)
    if runs.has_file(run.folder, runs.SPLIT):
        runs.save_split(folder, load_split(run.folder, run.run_id, run.summary), run.run_id)
    if summary:
        runs.save_summary(folder, summary)

    plots = dict(runs.saved_plots(run.folder, (*PLOTS, *LATENT_PATH_PLOTS)))
    for name, content in plots.items():
        atomic_write_bytes(folder / runs.PLOTS / f"{name}.png", content)

    model_config = _model_config(run, config)
    atomic_write_bytes(folder / MODEL_CONFIG, json.dumps(model_config, indent=2) + "\n")
    card = hub.model_card(model_config, summary, protocol(run), list(plots), license, repository)
    atomic_write_bytes(folder / CARD, card)


def _history_rows(history: dict[str, list[float]]) -> list[dict[str, float]]:
    """The rows of metrics.csv, one per epoch; whole numbers without decimals in counts."""
    rows = zip(*history.values(), strict=True)
    return [
        {
            name: _count(value) if name in WHOLE_COLUMNS else value
            for name, value in zip(history, row, strict=True)
        }
        for row in rows
    ]


def _count(value: float) -> float:
    return int(value) if value == int(value) else value


def _without_paths(config: Settings) -> Settings:
    """The configuration with the last names of its paths, which may reveal who trained it."""
    names = {key: _last_name(getattr(config.data, key)) for key in ("source", "test")}
    return config.changed({"data": names})


def _last_name(source: str | None) -> str | None:
    if source is None:
        return None
    path = source.partition("?")[0] if "://" in source else source
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1] or "data"


def _shared_summary(summary: JsonObject) -> JsonObject:
    """The fields that `train` writes, without any that were added since."""
    if not summary:
        return {}
    fields = {name: summary[name] for name in SHARED_SUMMARY if name in summary}
    versions = summary.get("versions", {}).items()
    known = {name: version for name, version in versions if name in SHARED_VERSIONS}
    return fields | {"versions": known}


def _model_config(run: Run, config: Settings) -> JsonObject:
    """The content of config.json, for tools that read no YAML."""
    counts = run.model.count_parameters()
    codebook = run.model.codebook
    codes = None
    if codebook is not None:
        codes = {"positions": codebook.positions, "count": codebook.count}
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
        "codes": codes,
        "conditional": bool(run.model.classes),
        "classes": list(config.data.classes),
        "parts": {name: config.part(name).kind for name in MODEL_PARTS},
        "objective": config.part("objective").kind,
        "parameters": {side: count.total for side, count in counts.items()},
    }


def _data_plots(folder: Path) -> tuple[str, ...]:
    """Plots of a shared folder that show examples of the data."""
    names = (f"{runs.PLOTS}/{name}.png" for name in DATA_PLOTS)
    return tuple(name for name in names if (folder / name).exists())
