"""From what was asked for to what will be done: configuration, data and split that fit each other."""

import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from vaekit import config as configuration
from vaekit import data as datasets
from vaekit import store
from vaekit.compose import describe_part, resolve
from vaekit.config import MODEL_PARTS, Settings, merge
from vaekit.data import Dataset, Split
from vaekit.errors import ConfigError, DataError, OutputError, RunError
from vaekit.files import writing
from vaekit.training.machine import check_loggers, find_device, find_precision

IN_MEMORY = "in-memory"
RECORDED = {"support": None, "shape": None, "classes": (), "fingerprint": None}


def split_modules(parts: Mapping[str, Any]) -> tuple[dict[str, nn.Module], dict[str, Any]]:
    """Which parts are modules of the user's own, and the configuration with their names in their places."""
    modules = {name: part for name, part in parts.items() if isinstance(part, nn.Module)}
    for name in modules:
        if name not in MODEL_PARTS:
            raise ConfigError(f"{name} cannot be a module: {', '.join(MODEL_PARTS)} can")
    return modules, {**parts, **{name: describe_part(name, module) for name, module in modules.items()}}


def load_data(config: Settings, data: Any = None) -> Dataset:
    """The rows that the configuration names, or those given in their place."""
    options = config.data
    source = options.source if data is None or isinstance(data, Mapping) else data
    if isinstance(source, str) and source == IN_MEMORY:
        raise DataError("this run was trained on arrays in memory: give them again (data=...), or a path")
    return datasets.load(source, test=options.test, support=options.support, resize=options.resize)


def named(data: Any) -> dict[str, Any]:
    """The part of a configuration that says where `data` come from; what was recorded about other data goes."""
    if data is None:
        return {}
    if isinstance(data, Mapping):
        return {"data": {**(RECORDED if "source" in data else {}), **data}}
    source = str(data) if isinstance(data, str | Path) else IN_MEMORY
    return {"data": {**RECORDED, "source": source}}


def fit_to_data(config: Settings, dataset: Dataset, accepts: tuple[str, ...] | None = None) -> Settings:
    """The configuration with all that the data decide filled in and recorded; DataError where the data have changed.

    accepts: the supports that a likelihood of the user's own accepts.
    """
    recorded, found = config.data.fingerprint, dataset.fingerprint()
    if recorded is not None and recorded != found:
        raise DataError(
            f"{dataset.name!r} is not what it was when this configuration was recorded: bring its old content back, or remove "
            "data.fingerprint to use what is there now"
        )
    shown = dataset.support.transform(accepts or ("binary", "unit", "real"))
    config = resolve(config, dataset.shape, shown.kind)
    facts = {"support": str(dataset.support), "classes": dataset.classes, "fingerprint": found}
    return configuration.validate(merge(config.model_dump(), {"data": facts}))


def draw_split(config: Settings, dataset: Dataset) -> Split:
    return datasets.split(dataset, seed=config.seed, validation=config.data.validation, limit=config.data.limit)


def stored_split(folder: Path) -> Split:
    """The split that a run was trained with; RunError where it is missing or damaged."""
    try:
        with (folder / store.SPLIT).open("rb") as file:
            return Split.load(file)
    except (OSError, DataError) as error:
        raise RunError(f"{folder / store.SPLIT} cannot be read: {getattr(error, 'strerror', None) or error}") from None


def fit_to_machine(config: Settings, rows: int) -> Settings:
    """The configuration with number of epochs, device and precision filled in."""
    options = config.training
    per_epoch = -(-rows // options.batch_size)
    device = find_device(options.device)
    check_loggers(options.loggers)
    filled = {
        "epochs": options.epochs or -(-options.updates // per_epoch),
        "device": str(device),
        "precision": find_precision(options.precision, device),
    }
    return configuration.validate(merge(config.model_dump(), {"training": filled}))


def claim_folder(out: str | os.PathLike | None, name: str, force: bool) -> Path:
    """An empty folder for a run; OutputError where there is something that may not be replaced."""
    folder = Path(out) if out is not None else _unused(Path("runs") / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}")
    with writing(folder):
        if folder.exists() and not folder.is_dir():
            raise OutputError(f"{folder} exists and is not a folder: choose another --out")
        if folder.exists() and any(folder.iterdir()):
            _clear(folder, force)
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def _unused(folder: Path) -> Path:
    """`folder`, or with a number behind it, so that two runs of one second do not meet."""
    number, free = 1, folder
    while free.exists():
        number += 1
        free = folder.with_name(f"{folder.name}-{number}")
    return free


def _clear(folder: Path, force: bool) -> None:
    if not (folder / store.CONFIG).is_file():
        raise OutputError(f"{folder} exists and is not a run folder: choose another --out, or empty it yourself")
    if not force:
        raise OutputError(f"{folder} exists: choose another --out, or overwrite it with --force")
    for name in (store.CONFIG, store.WEIGHTS, store.METRICS, store.SUMMARY, store.SPLIT):
        (folder / name).unlink(missing_ok=True)
    for name in ("checkpoints", store.PLOTS, "tensorboard"):
        if (folder / name).is_dir() and not (folder / name).is_symlink():
            shutil.rmtree(folder / name)
