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
from vaekit import recipes
from vaekit.config import MODEL_PARTS, Settings, build_part, describe_part, resolve
from vaekit.config.schema import FAMILIES, PlainOptions, to_plain
from vaekit.core.modules import eval_mode
from vaekit.core.vae import VAE
from vaekit.data import Dataset, Split
from vaekit.data.readers.shards import is_shards
from vaekit.data.splits import SplitName
from vaekit.errors import ConfigError, DataError
from vaekit.inputs import ModelInputs, StochasticBinarization
from vaekit.inputs.streaming import StreamedInputs
from vaekit.objectives import ELBO, Objective
from vaekit.optim.optimizers import Adam
from vaekit.optim.schedules import Linear
from vaekit.runs.dataset_source import IN_MEMORY, load_dataset
from vaekit.runtime.device import check_loggers, find_device, find_precision
from vaekit.runtime.seeding import seeded_noise
from vaekit.training.batches import count_batches
from vaekit.training.stages import Stage

CLEARED_BY_OTHER_DATA = {
    "test": None,
    "support": None,
    "shape": None,
    "classes": (),
    "fingerprint": None,
    "streamed_examples": None,
}
"""Keys of the data section that belong to its source."""

PRIOR_GRAD_CLIP_NORM = 1.0


@dataclass
class TrainingSetup:
    """A training that can start.

    Attributes:
        config: The complete configuration.
        model: The model to train, in place.
        dataset: The dataset.
        split: The examples of each part.
        stages: The stages of the training.
    """

    config: Settings
    model: VAE
    dataset: Dataset
    split: Split
    stages: list[Stage]

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
        """The examples to train on: as they are, binarized anew each time, or out of shards."""
        inputs, dataset = self.inputs("train"), self.dataset
        if dataset.gray is not None:
            transform = StochasticBinarization("binary", dataset.gray_max)
            return replace(inputs, x=dataset.gray, transform=transform)
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
    """The configuration of a recipe and its dataset; the default recipe suits the data.

    All options, except options of the nets in which such recipes differ, are validated before any
    data are read.
    """
    if recipe:
        config = configuration.load_config_file(recipe, data_options(data), options)
        return config, load_dataset(config, data)
    dataset = load_dataset(_config_before_data(data, options), data)
    recipe = recipes.default_for(dataset.shape)
    return configuration.load_config_file(recipe, data_options(data), options), dataset


def check_request(recipe: str | None, data: Any, options: Mapping[str, Any]) -> None:
    """Raise ConfigError for options that no run can have, before any data are read."""
    _, described = separate_modules(options)
    if recipe:
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
    config: Settings, dataset: Dataset, accepts: tuple[str, ...] | None = None
) -> Settings:
    """The configuration with everything that depends on the data filled in and recorded.

    Args:
        config: The configuration.
        dataset: Its dataset.
        accepts: The supports that a likelihood of the user's own accepts.
    """
    if config.conditional and not dataset.classes:
        raise DataError(
            f"a conditional model needs labels, but {dataset.name!r} has none. "
            "Label the data, or train without conditional.",
            parameter="conditional",
        )
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
    resolved = resolve(config, dataset.shape, transform.kind, dataset.support.levels)
    return resolved.changed({"data": recorded})


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


def resolve_training(
    config: Settings, epoch_examples: int, recipe: str | None, options: Mapping[str, Any]
) -> Settings:
    """The configuration with numbers of epochs, device and precision filled in.

    Args:
        config: The configuration.
        epoch_examples: The number of examples that an epoch trains on.
        recipe: The recipe or the file that the configuration started from.
        options: The options that changed it.
    """
    training = config.training
    device = find_device(training.device)
    check_loggers(training.loggers)
    epochs = training.epochs
    if epochs is None:
        epochs = count_epochs(training.max_steps, epoch_examples, training.batch_size)
    precision = find_precision(training.precision, device)
    resolved = {"epochs": epochs, "device": str(device), "precision": precision}
    config = config.changed({"training": resolved})
    if not getattr(FAMILIES["prior"].get(config.part("prior").kind), "second_stage", False):
        return config
    prior_epochs = _prior_epochs(config, epoch_examples, recipe, options)
    return config.changed({"prior_stage": {"epochs": prior_epochs}})


def _prior_epochs(
    config: Settings, epoch_examples: int, recipe: str | None, options: Mapping[str, Any]
) -> int:
    """The number of epochs of the prior's stage.

    If the options change the duration of training and not that of the prior's stage, the latter
    changes in the same proportion.
    """
    training, stage = config.training, config.prior_stage
    epochs = stage.epochs or count_epochs(stage.max_steps, epoch_examples, stage.batch_size)
    changed = to_plain(options)
    if _sets_duration(changed, "prior_stage") or not _sets_duration(changed, "training"):
        return epochs
    usual = configuration.load_config_file(recipe or config.recipe).training
    usual_epochs = usual.epochs or count_epochs(
        usual.max_steps, epoch_examples, training.batch_size
    )
    return max(1, round(epochs * (training.epochs or 1) / usual_epochs))


def _sets_duration(options: PlainOptions, section: str) -> bool:
    return bool({"epochs", "max_steps"} & options.get(section, {}).keys())


def count_epochs(steps: int, epoch_examples: int, batch_size: int) -> int:
    """The number of epochs that make at least `steps` steps."""
    return -(-steps // count_batches(epoch_examples, batch_size))


def build_stages(
    model: VAE, config: Settings, objective: Objective | None, epoch_examples: int
) -> list[Stage]:
    """The stages of a training: all parts, then the prior alone if it has a stage of its own."""
    has_prior_stage = getattr(model.prior, "second_stage", False)
    options = config.training
    trainable = tuple(name for name in MODEL_PARTS if name != "prior" or not has_prior_stage)
    joint = Stage(
        name="last",
        trainable=trainable,
        objective=objective or build_part(config, "objective"),
        optimizer=build_part(config, "optimizer"),
        schedule=build_part(config, "schedule"),
        epochs=options.epochs or 1,
        batch_size=options.batch_size,
        patience=options.patience,
        grad_clip_norm=options.grad_clip_norm,
    )
    return [joint, _prior_stage(config, epoch_examples)] if has_prior_stage else [joint]


def _prior_stage(config: Settings, epoch_examples: int) -> Stage:
    options = config.prior_stage
    epochs = options.epochs or count_epochs(options.max_steps, epoch_examples, options.batch_size)
    return Stage(
        name="prior",
        trainable=("prior",),
        objective=ELBO(divergence="monte-carlo"),
        optimizer=Adam(lr=options.lr),
        schedule=Linear(),
        epochs=epochs,
        batch_size=options.batch_size,
        grad_clip_norm=PRIOR_GRAD_CLIP_NORM,
    )
