"""From a request to a training that can start: configuration, data, split, model and stages that
fit each other, each made once."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from vaekit import config as configuration
from vaekit import data as datasets
from vaekit.config import (
    MODEL_PARTS,
    DataProfile,
    Settings,
    build_model,
    describe_model,
    describe_part,
    resolve,
)
from vaekit.config.memory import copies_in_training
from vaekit.config.schema import PlainOptions
from vaekit.core.modules import eval_mode
from vaekit.core.vae import VAE
from vaekit.data import Dataset, Split
from vaekit.data.readers.shards import is_shards
from vaekit.data.splits import SplitName
from vaekit.errors import ConfigError, DataError
from vaekit.inputs import ModelInputs, StochasticBinarization
from vaekit.inputs.augmentation import AugmentedTransform
from vaekit.inputs.streaming import StreamedInputs
from vaekit.objectives import Objective
from vaekit.runs.dataset_source import IN_MEMORY, load_dataset
from vaekit.runtime.seeding import seeded_noise
from vaekit.runtime.threads import cpu_threads
from vaekit.training.stages import Stage
from vaekit.workflows.data_profile import profile_data
from vaekit.workflows.training_length import build_stages, resolve_training

CLEARED_BY_OTHER_DATA = {
    "test": None,
    "support": None,
    "shape": None,
    "classes": (),
    "fingerprint": None,
    "streamed_examples": None,
}
"""Keys of the data section that belong to its source."""


@dataclass
class TrainingSetup:
    """A training that can start.

    Attributes:
        config: The complete configuration.
        model: The model to train, in place.
        dataset: The dataset.
        split: The examples of each part.
        stages: The stages of the training.
        choices: A phrase for each choice that the data made, with its reason.
    """

    config: Settings
    model: VAE
    dataset: Dataset
    split: Split
    stages: list[Stage]
    choices: tuple[str, ...] = ()

    @property
    def epoch_examples(self) -> int:
        """The number of examples that an epoch trains on."""
        return count_epoch_examples(self.config, self.dataset, self.split)

    @property
    def divisible_count(self) -> int:
        """The number of examples, or shards, that processes divide among themselves."""
        if self.dataset.stream is None:
            return len(self.split.train)
        return len(self.dataset.stream)

    def inputs(self, split: SplitName) -> ModelInputs:
        """The examples of a part as inputs of the model."""
        examples, indices = self.split.where(self.dataset, split)
        y = examples.y if self.model.classes else None
        transform = self.dataset.support.transform(self.model.likelihood.accepts)
        return ModelInputs(examples.x, transform, indices, y)

    def training_inputs(self) -> ModelInputs:
        """The examples to train on: as they are, changed anew each time, or out of shards."""
        options, dataset = self.config.data, self.dataset
        inputs = self.inputs("train")
        if dataset.gray is not None:
            transform = StochasticBinarization("binary", dataset.gray_max)
            inputs = replace(inputs, x=dataset.gray, transform=transform)
        if options.augment:
            base = inputs.transform
            changed = AugmentedTransform(base.kind, base.divisor, base, options.augment)
            inputs = replace(inputs, transform=changed)
        if options.balance:
            inputs = replace(inputs, balance=dataset.train.y)
        if dataset.stream is None:
            return inputs
        return StreamedInputs(
            **vars(inputs),
            stream=dataset.stream,
            epoch_examples=self.epoch_examples,
            shuffle_buffer=self.config.data.shuffle_buffer,
            num_workers=self.config.data.num_workers,
            support=dataset.support,
            classes=dataset.classes,
        )


def separate_modules(parts: Mapping[str, Any]) -> tuple[dict[str, nn.Module], PlainOptions]:
    """Modules of the user's own among the parts, and the configuration with their names instead."""
    modules = {name: part for name, part in parts.items() if isinstance(part, nn.Module)}
    for name in modules:
        if name not in MODEL_PARTS:
            raise ConfigError(
                f"{name} cannot be a module: expected one of {', '.join(MODEL_PARTS)}.",
                parameter=name,
            )
    described = {name: describe_part(name, module) for name, module in modules.items()}
    return modules, {**parts, **described}


def load_config_and_dataset(
    recipe: str | None, data: Any, options: Mapping[str, Any]
) -> tuple[Settings, Dataset]:
    """The configuration of a recipe and its dataset.

    All options, except options of the nets if no recipe is named, are validated before any data
    are read.
    """
    if recipe is not None:
        config = configuration.load_config_file(recipe, data_options(data), options)
    else:
        config = _config_before_data(data, options)
    return config, load_dataset(config, data)


def choose_recipe(profile: DataProfile, data: Any, options: Mapping[str, Any]) -> Settings:
    """The configuration of the default recipe for the data."""
    recipe = configuration.default_recipe(profile)
    return configuration.load_config_file(recipe, data_options(data), options)


def check_request(recipe: str | None, data: Any, options: Mapping[str, Any]) -> None:
    """Raise ConfigError for options that no run can have, before any data are read."""
    _, described = separate_modules(options)
    if recipe is not None:
        configuration.load_config_file(recipe, data_options(data), described)
    else:
        _config_before_data(data, described)


def _config_before_data(data: Any, options: Mapping[str, Any]) -> Settings:
    """The configuration without options of nets, whose kinds the default recipe decides."""
    early = {name: value for name, value in options.items() if name not in ("encoder", "decoder")}
    return configuration.load_config_file(None, data_options(data), early)


def data_options(data: Any) -> PlainOptions:
    """The configuration of where data come from; what was recorded about other data is cleared."""
    if data is None:
        return {}
    if isinstance(data, Mapping):
        cleared = CLEARED_BY_OTHER_DATA if "source" in data else {}
        options = {key: str(v) if isinstance(v, Path) else v for key, v in data.items()}
        return {"data": cleared | options}
    source = str(data) if isinstance(data, str | Path) else IN_MEMORY
    return {"data": {**CLEARED_BY_OTHER_DATA, "source": source}}


def resolve_data(
    config: Settings,
    dataset: Dataset,
    profile: DataProfile,
    accepts: tuple[str, ...] | None = None,
) -> Settings:
    """The configuration with everything that depends on the data filled in and recorded.

    Args:
        config: The configuration.
        dataset: Its dataset.
        profile: Properties of its training examples.
        accepts: The supports that a likelihood of the user's own accepts.
    """
    if config.conditional and not dataset.classes:
        raise DataError(
            f"a conditional model needs labels, but {dataset.name!r} has none. "
            "Label the data, or train without conditional.",
            parameter="conditional",
        )
    _check_changes(config, dataset)
    transform = dataset.support.transform(accepts or ("binary", "unit", "real"))
    raw_support = config.data.support if config.data.binarize else str(dataset.support)
    recorded: PlainOptions = {
        "support": raw_support,
        "classes": dataset.classes,
        "fingerprint": dataset.fingerprint(),
        "source": _absolute(config.data.source),
        "test": _absolute(config.data.test),
    }
    if dataset.stream is not None and not config.data.train_size:
        streamed = config.data.streamed_examples or dataset.stream.count()
        recorded["streamed_examples"] = streamed
    resolved = resolve(config, replace(profile, support=transform.kind))
    return resolved.changed({"data": recorded})


def _check_changes(config: Settings, dataset: Dataset) -> None:
    """DataError for changes of the training examples that the data do not allow."""
    options = config.data
    if options.augment and len(dataset.shape) != 3:
        raise DataError.for_value(
            "data.augment",
            ", ".join(options.augment),
            "no augmentation for examples that are no images",
            fix="Leave it out",
        )
    if not options.balance:
        return
    if not dataset.classes or dataset.stream is not None:
        raise DataError(
            "balanced classes need labels in memory, but the data have none. "
            "Label the data, or leave data.balance out.",
            parameter="data.balance",
        )


def _absolute(source: str | None) -> str | None:
    """A path as it is found from any folder; a name as it is."""
    if source is None or source in datasets.NAMES or "://" in source:
        return source
    if not Path(source).exists() and not is_shards(source):
        return source
    return str(Path(source).resolve())


def check_condition(model: VAE, dataset: Dataset) -> None:
    """DataError if a conditional model has another number of classes than the data."""
    if model.classes and model.classes != len(dataset.classes):
        raise DataError.for_value(
            "data",
            f"{len(dataset.classes)} classes in {dataset.name!r}",
            f"{model.classes}, the classes of the model",
            problem="another number of classes",
        )


def check_objective(model: VAE, objective: Objective) -> None:
    """The ConfigError that the objective has for this model, if any, before anything is written."""
    x = torch.zeros(2, *model.data_shape).to(next(model.parameters()))
    y = model.dummy_condition(2)
    condition = () if y is None else (y,)
    with eval_mode(model), seeded_noise(0):
        objective(model, x, *condition)


def check_single_examples(model: VAE, stage: Stage, count: int) -> None:
    """ConfigError if a batch has one example and batch normalization needs two.

    Args:
        model: The model; a copy of it is tried.
        stage: The stage.
        count: The number of training examples, or of shards.
    """
    if min(stage.batch_size, count) > 1:
        return
    model = copy.deepcopy(model).train()
    for part in stage.frozen(model):
        part.eval()
    x = torch.zeros(1, *model.data_shape).to(next(model.parameters()))
    y = model.dummy_condition(1)
    try:
        with seeded_noise(0):
            stage.objective(model, x, *(() if y is None else (y,)))
    except ValueError as error:
        if "more than 1 value per channel" not in str(error):
            raise
        parameter = "training.batch_size" if count > 1 else "data.train_size"
        raise ConfigError.for_value(
            parameter,
            1,
            "at least 2",
            problem="batch normalization needs batches of two examples or more",
            fix="Train on larger batches, or leave batch normalization out",
        ) from None


def draw_split(config: Settings, dataset: Dataset) -> Split:
    """Draw the split of a dataset as configured."""
    train_size = None if dataset.stream else config.data.train_size
    return datasets.split(
        dataset, seed=config.seed, validation=config.data.validation, train_size=train_size
    )


def count_epoch_examples(config: Settings, dataset: Dataset, split: Split) -> int:
    """The number of examples that an epoch trains on."""
    if dataset.stream is None:
        return len(split.train)
    return config.data.train_size or config.data.streamed_examples or 0


def prepare_training(
    model: str | VAE | None, data: Any, objective: Any, overrides: Mapping[str, Any]
) -> tuple[TrainingSetup, Any]:
    """A training that can start, and its objective if that is an object of the user's own.

    Args:
        model: The name of a recipe, the path of a configuration, or a model.
        data: As for `train`.
        objective: As for `train`.
        overrides: Keys of the configuration, or modules.

    Raises:
        RequestError: A request that cannot be fulfilled.
    """
    modules, options = separate_modules(overrides)
    custom_objective = None
    if objective is not None:
        if isinstance(objective, Mapping | str):
            options["objective"] = objective
        else:
            custom_objective = objective
            options["objective"] = describe_part("objective", objective)
    own = model if isinstance(model, VAE) else None
    recipe = "mlp" if isinstance(model, VAE) else model
    likelihood = modules.get("likelihood")
    if own is not None:
        likelihood = own.likelihood
        options = _options_of_built(own, options)
    config, dataset = load_config_and_dataset(recipe, data, options)
    split = draw_split(config, dataset)
    profile = profile_data(dataset, split)
    if recipe is None:
        config = choose_recipe(profile, data, options)
    choices = configuration.explain_defaults(config, profile)
    config = resolve_data(config, dataset, profile, accepted_supports(likelihood))
    epoch_examples = count_epoch_examples(config, dataset, split)
    copies = copies_in_training(config)
    with cpu_threads(config.training.threads):
        built = build_model(config, modules, copies=copies) if own is None else own
    config = resolve_training(config, built, epoch_examples, recipe, options)
    dataset.support.transform(built.likelihood.accepts)  # DataError for data that do not suit
    config = config.changed(describe_model(built))
    check_condition(built, dataset)
    stages = build_stages(built, config, custom_objective, epoch_examples)
    return TrainingSetup(config, built, dataset, split, stages, choices), custom_objective


def _options_of_built(model: VAE, options: PlainOptions) -> PlainOptions:
    """The configuration of a model that is built already, with options that do not change it."""
    for name in options.keys() & {*MODEL_PARTS, "latent_dim", "conditional"}:
        raise ConfigError(
            f"{name} cannot be set for a model that is built already. "
            "Build the model with it, or pass the name of a recipe.",
            parameter=name,
        )
    return {"recipe": "custom", **describe_model(model), **options}


def accepted_supports(likelihood: Any) -> tuple[str, ...] | None:
    """The supports that a likelihood of the user's own accepts; None without one."""
    return getattr(likelihood, "accepts", None)
