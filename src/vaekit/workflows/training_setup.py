"""From what was asked for to what will be done: configuration, data and split that fit each other."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from vaekit import config as configuration
from vaekit import data as datasets
from vaekit import recipes
from vaekit.config import MODEL_PARTS, Settings
from vaekit.config.builder import describe_part, resolve
from vaekit.core.vae import VAE, eval_mode
from vaekit.data import Dataset, Split
from vaekit.data.binarization import binarize
from vaekit.data.cache import local_folder
from vaekit.data.file_reading import data_errors
from vaekit.data.readers.shards import is_shards
from vaekit.errors import ConfigError, DataError
from vaekit.objectives import Objective
from vaekit.runtime.device import check_loggers, find_device, find_precision
from vaekit.runtime.seeding import seeded_noise
from vaekit.training.batches import count_batches

IN_MEMORY = "in-memory"
RECORDED = {
    "support": None,
    "shape": None,
    "classes": (),
    "fingerprint": None,
    "streamed_examples": None,
}


def split_modules(parts: Mapping[str, Any]) -> tuple[dict[str, nn.Module], dict[str, Any]]:
    """Which parts are modules of the user's own, and the configuration with their names in their places."""
    modules = {name: part for name, part in parts.items() if isinstance(part, nn.Module)}
    for name in modules:
        if name not in MODEL_PARTS:
            raise ConfigError(f"{name} cannot be a module: {', '.join(MODEL_PARTS)} can")
    return modules, {
        **parts,
        **{name: describe_part(name, module) for name, module in modules.items()},
    }


def load_recipe(
    recipe: str | None, data: Any, options: Mapping[str, Any]
) -> tuple[Settings, Dataset]:
    """The configuration of a recipe and its data; where no recipe is named, of the one that suits the data.

    All options but those of the nets, in which such recipes differ, are checked before any data are read.
    """
    early = (
        options
        if recipe
        else {name: value for name, value in options.items() if name not in ("encoder", "decoder")}
    )
    config = configuration.load_config_file(recipe, named(data), early)
    dataset = load_data(config, data)
    if not recipe:
        config = configuration.load_config_file(
            recipes.default_for(dataset.shape), named(data), options
        )
    return config, dataset


def load_data(config: Settings, data: Any = None) -> Dataset:
    """The rows that the configuration names, or those given in their place; DataError where recorded ones have changed."""
    options = config.data
    if isinstance(data, Dataset):
        return _unchanged(config, binarize(data, options.binarize))
    source = options.source if data is None or isinstance(data, Mapping) else data
    if isinstance(source, str) and source == IN_MEMORY:
        raise DataError(
            "this run was trained on arrays in memory: give them again (data=...), or --data PATH"
        )
    if data is None and options.fingerprint:
        _check_there(source, options.test)
    dataset = datasets.load(
        source, test=options.test, support=options.support, resize=options.resize
    )
    return _unchanged(config, binarize(dataset, options.binarize))


def _check_there(*places: str | None) -> None:
    """DataError where recorded data are not where they were, or come from another machine."""
    for place in places:
        if place is not None and is_gone(place):
            lost = (
                "is not there any more: bring it back, or"
                if Path(place).is_absolute()
                else "is not here:"
            )
            raise DataError(f"{place}, which this run was trained on, {lost} give --data PATH")


def is_gone(source: Any) -> bool:
    """Whether a place where data were, or would be in this folder or in $VAEKIT_DATA, is empty."""
    if not isinstance(source, str) or source in datasets.NAMES or is_shards(source):
        return False
    with data_errors(source):
        return not Path(source).exists() and local_folder(source) is None


def _unchanged(config: Settings, dataset: Dataset) -> Dataset:
    recorded = config.data.fingerprint
    if recorded is not None and recorded != dataset.fingerprint():
        raise DataError(
            f"{dataset.name!r} is not what it was when this configuration was recorded: bring its old content back; to use a "
            "run on what is there now, give it with --data, and to train on it, remove data.fingerprint"
        )
    return dataset


def named(data: Any) -> dict[str, Any]:
    """The part of a configuration that says where `data` come from; what was recorded about other data goes."""
    if data is None:
        return {}
    if isinstance(data, Mapping):
        return {"data": {**(RECORDED if "source" in data else {}), **data}}
    source = str(data) if isinstance(data, str | Path) else IN_MEMORY
    return {"data": {**RECORDED, "source": source}}


def fit_to_data(
    config: Settings, dataset: Dataset, accepts: tuple[str, ...] | None = None
) -> Settings:
    """The configuration with all that the data decide filled in and recorded.

    accepts: the supports that a likelihood of the user's own accepts.
    """
    shown = dataset.support.transform(accepts or ("binary", "unit", "real"))
    support = (
        config.data.support if config.data.binarize else str(dataset.support)
    )  # of the raw data
    facts = {"support": support, "classes": dataset.classes, "fingerprint": dataset.fingerprint()}
    if dataset.stream is not None and not config.data.train_size:
        facts["streamed_examples"] = config.data.streamed_examples or dataset.stream.count()
    located = {name: _absolute(getattr(config.data, name)) for name in ("source", "test")}
    if config.conditional and not dataset.classes:
        raise DataError(
            f"a conditional model needs labels, {dataset.name!r} has none: label them, or leave out --conditional"
        )
    return resolve(config, dataset.shape, shown.kind, dataset.support.levels).changed(
        {"data": {**facts, **located}}
    )


def check_condition(model: VAE, dataset: Dataset) -> None:
    """DataError where a conditional model is for another number of classes than the data have."""
    if model.classes and model.classes != len(dataset.classes):
        raise DataError(
            f"the model is conditional on {model.classes} classes, {dataset.name!r} has {len(dataset.classes)}"
        )


def _absolute(place: str | None) -> str | None:
    """A path as it is found from any folder; a name as it is."""
    if (
        place is None
        or place in datasets.NAMES
        or not (Path(place).exists() or is_shards(place))
        or "://" in place
    ):
        return place
    return str(Path(place).resolve())


def check_objective(model: VAE, objective: Objective) -> None:
    """Whatever ConfigError the objective has for this model, before anything is written."""
    x = torch.zeros(2, *model.data_shape).to(next(model.parameters()))
    with eval_mode(model), seeded_noise(0):
        objective(model, x, *(() if (y := model.dummy_condition(2)) is None else (y,)))


def draw_split(config: Settings, dataset: Dataset) -> Split:
    limit = None if dataset.stream else config.data.train_size
    return datasets.split(dataset, seed=config.seed, validation=config.data.validation, limit=limit)


def count_rows(config: Settings, dataset: Dataset, split: Split) -> int:
    """How many rows an epoch trains on."""
    return (
        len(split.train)
        if dataset.stream is None
        else config.data.train_size or config.data.streamed_examples or 0
    )


def resolve_training(config: Settings, rows: int) -> Settings:
    """The configuration with number of epochs, device and precision filled in."""
    options = config.training
    device = find_device(options.device)
    check_loggers(options.loggers)
    filled = {
        "epochs": options.epochs or count_epochs(options.max_steps, rows, options.batch_size),
        "device": str(device),
        "precision": find_precision(options.precision, device),
    }
    return config.changed({"training": filled})


def count_epochs(updates: int, rows: int, batch_size: int) -> int:
    """How many epochs make at least so many updates."""
    return -(-updates // count_batches(rows, batch_size))
