"""The length of a training: numbers of steps and epochs, and the stages."""

from collections.abc import Mapping
from typing import Any

from vaekit import config as configuration
from vaekit.config import MODEL_PARTS, Settings, build_part
from vaekit.config.schema import FAMILIES, PlainOptions, TrainingOptions, to_plain
from vaekit.core.vae import VAE
from vaekit.objectives import ELBO, Objective
from vaekit.optim.optimizers import Adam
from vaekit.optim.schedules import Linear
from vaekit.runtime.device import check_loggers, find_device, find_precision
from vaekit.training.batches import count_batches
from vaekit.training.budget import MAX_BATCH_SIZE, default_batch_size, default_steps
from vaekit.training.stages import Stage

PRIOR_GRAD_CLIP_NORM = 1.0


def resolve_training(
    config: Settings,
    model: VAE,
    epoch_examples: int,
    recipe: str | None,
    options: Mapping[str, Any],
) -> Settings:
    """The configuration with batch size, numbers of steps and epochs, device and precision.

    Args:
        config: The configuration.
        model: Its model.
        epoch_examples: The number of examples that an epoch trains on.
        recipe: The recipe or the file that it started from; None for the default one.
        options: The options that changed it.
    """
    config = _by_steps_where_asked(config, options)
    training = config.training
    device = find_device(training.device)
    check_loggers(training.loggers)
    batch_size = training.batch_size or default_batch_size(epoch_examples)
    training = training.model_copy(update={"batch_size": batch_size})
    resolved = {
        "batch_size": batch_size,
        "max_steps": training.max_steps or default_steps(model, epoch_examples, batch_size),
        "epochs": _training_epochs(training, model, epoch_examples),
        "device": str(device),
        "precision": find_precision(training.precision, device),
    }
    config = config.changed({"training": resolved})
    if not getattr(FAMILIES["prior"].get(config.part("prior").kind), "second_stage", False):
        return config
    prior_epochs = _prior_epochs(config, model, epoch_examples, recipe, options)
    return config.changed({"prior_stage": {"epochs": prior_epochs}})


def _by_steps_where_asked(config: Settings, options: Mapping[str, Any]) -> Settings:
    """Without the epochs of the recipe for a stage whose number of steps alone is an option."""
    changed = to_plain(options)
    for section in ("training", "prior_stage"):
        given = changed.get(section, {})
        if given.get("max_steps") and not given.get("epochs"):
            config = config.changed({section: {"epochs": None}})
    return config


def _training_epochs(training: TrainingOptions, model: VAE, epoch_examples: int) -> int:
    """The number of epochs of options with a batch size."""
    if training.epochs:
        return training.epochs
    batch_size = training.batch_size or 1
    steps = training.max_steps or default_steps(model, epoch_examples, batch_size)
    return count_epochs(steps, epoch_examples, batch_size)


def _prior_epochs(
    config: Settings,
    model: VAE,
    epoch_examples: int,
    recipe: str | None,
    options: Mapping[str, Any],
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
    usual = usual.model_copy(update={"batch_size": training.batch_size})
    usual_epochs = _training_epochs(usual, model, epoch_examples)
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
        batch_size=options.batch_size or MAX_BATCH_SIZE,
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
