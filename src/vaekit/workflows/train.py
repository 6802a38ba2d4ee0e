"""Train, resume, build."""

import math
import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from torch import Tensor

import vaekit
from vaekit import config as configuration
from vaekit import runs as store
from vaekit.config import MODEL_PARTS, Settings
from vaekit.config.builder import build_model, build_part, describe_model, describe_part
from vaekit.core.vae import VAE
from vaekit.data import Dataset, Split
from vaekit.errors import ConfigError
from vaekit.evaluation import bound_sums, elbo_sums
from vaekit.inputs import MAX_VALUES, ModelInputs, StochasticBinarization
from vaekit.inputs.streaming import StreamedInputs
from vaekit.objectives import ELBO
from vaekit.optim.optimizers import Adam
from vaekit.optim.schedules import Linear
from vaekit.runs import Run, claim_folder, load_run, load_split, save_split
from vaekit.training.processes import (
    check_batch_division,
    check_restartable,
    is_rank_zero,
    is_restarted,
    launch,
)
from vaekit.training.stages import Stage, freeze_except
from vaekit.workflows.evaluate import bound_figures
from vaekit.workflows.plot import plot
from vaekit.workflows.training_setup import (
    check_condition,
    check_objective,
    count_epochs,
    count_rows,
    draw_split,
    fit_to_data,
    load_data,
    load_recipe,
    resolve_training,
    split_modules,
)


def build(recipe: str | None = None, data: Any = None, **parts: Any) -> VAE:
    """A model of five parts, as a plain `torch.nn.Module`, that fits the data.

    recipe: a recipe's name or the path of a configuration; default what suits the data: `conv`, `resnet` for large images in
        colour, `mlp` for what is no image.
    data: a name, a path, an array or a `Dataset`; default what the recipe says, MNIST.
    parts: keys of the configuration on top of the recipe, such as `latent_dim=8`, `likelihood={"kind": "gaussian"}`; a
        module of your own stands in for encoder, posterior, prior, decoder or likelihood.

    >>> import numpy as np, torch
    >>> model = build("mlp", np.zeros((10, 6)), latent_dim=2, likelihood={"kind": "gaussian", "scale": "learned"})
    >>> model.encode(torch.zeros(3, 6)).mean.shape
    torch.Size([3, 2])
    """
    modules, options = split_modules(parts)
    config, dataset = load_recipe(recipe, data, options)
    config = fit_to_data(config, dataset, _accepts(modules.get("likelihood")))
    return build_model(config, modules)


def train(
    model: str | VAE | None = None,
    *,
    data: Any = None,
    out: str | os.PathLike | None = None,
    force: bool = False,
    again: bool = False,
    objective: Any = None,
    console: Console | None = None,
    **overrides: Any,
) -> Run:
    """Train a model and leave a run folder: weights, configuration, figures, pictures.

    model: a recipe's name (default as for `build`), the path of a configuration, or a `VAE` of your own making, trained in
        place.
    data: a name, a path, an array, (x, y) or a `Dataset`, or options such as {"source": "mnist", "train_size": 500}; default what
        the recipe says, MNIST.
    out: the run folder; default runs/<recipe>-<data>-<time>. force: overwrite a run that is there.
        again: go on with one of the same configuration, whole or not.
    objective: the configured one's options, or an object of your own in its place.
    overrides: keys of the configuration, such as `latent_dim=8`, `seed=1`, `training={"epochs": 3}`, or modules as in `build`.

    Raises RequestError where something asked for cannot be, before anything is written; WorkError where training fails.

    >>> run = train("conv", data="mnist", latent_dim=2)  # doctest: +SKIP
    """
    own = model if isinstance(model, VAE) else None
    modules, options = split_modules(overrides)
    if objective is not None:
        given = isinstance(objective, Mapping | str)
        options["objective"] = objective if given else describe_part("objective", objective)
        objective = None if given else objective
    if own is not None:
        for name in options.keys() & {*MODEL_PARTS, "latent_dim", "conditional"}:
            raise ConfigError(
                f"{name} cannot be set for a model that is already built: build it so, or give a recipe's name"
            )
        options = {"recipe": "custom", **describe_model(own), **options}
    config, dataset = load_recipe("mlp" if own is not None else model, data, options)  # type: ignore[arg-type]
    likelihood = own.likelihood if own is not None else modules.get("likelihood")
    config = fit_to_data(config, dataset, _accepts(likelihood))
    split = draw_split(config, dataset)
    rows = count_rows(config, dataset, split)
    config = resolve_training(config, rows)
    built = own if own is not None else build_model(config, modules)
    dataset.support.transform(
        built.likelihood.accepts
    )  # refuses data that do not suit, before anything is written
    config = config.changed(describe_model(built))
    check_condition(built, dataset)
    check_restartable(out)
    stages = _stages(built, config, objective, rows)
    check_batch_division(stages, _pieces(dataset, split), config.training)
    with freeze_except(built, stages[0]):
        check_objective(built, stages[0].objective)
    if out is not None and (again or is_restarted()) and _is_run_of(Path(out), config):
        return resume(
            out,
            model=built,
            data=None if isinstance(data, Mapping) else data,
            objective=objective,
            console=console,
        )
    folder = Path(out or "")
    if is_rank_zero(config.training):
        folder = claim_folder(out, f"{config.recipe}-{dataset.name}", force)
        store.save_config(folder, config)
        save_split(folder, split)
    return _fit(built, config, dataset, split, folder, objective, console, resume=False)


def resume(
    path: str | os.PathLike,
    *,
    model: VAE | None = None,
    data: Any = None,
    objective: Any = None,
    console: Console | None = None,
) -> Run:
    """Go on with a run that was interrupted, to the same weights, rows and summary as if it had not been.

    model, data, objective: handed over again where they were objects of your own.
    """
    folder = Path(path)
    config = store.load_config(folder)
    if store.load_summary(folder):
        return load_run(folder, model=model)
    dataset = load_data(config, data)
    built = model if model is not None else build_model(config)
    if (folder / store.SPLIT).exists():
        split = load_split(folder)
    else:  # stopped between the first two files: drawn again, it is the same
        split = draw_split(config, dataset)
        if is_rank_zero(config.training):
            save_split(folder, split)
    stages = _stages(built, config, objective, count_rows(config, dataset, split))
    check_batch_division(stages, _pieces(dataset, split), config.training)
    return _fit(built, config, dataset, split, folder, objective, console, resume=True)


def _fit(
    model: VAE,
    config: Settings,
    dataset: Dataset,
    split: Split,
    folder: Path,
    objective: Any,
    console: Console | None,
    *,
    resume: bool,
) -> Run:
    from vaekit.training.fit import fit

    console = (
        (console or Console(stderr=True)) if is_rank_zero(config.training) else Console(quiet=True)
    )
    rows, validation = (
        count_rows(config, dataset, split),
        _inputs(model, dataset, split, "validation"),
    )
    _announce(console, model, config, dataset, split, folder)
    _note_scale(console, dataset)
    processes = launch(config, folder)
    folder = processes.broadcast(folder)
    stages = _stages(model, config, objective, rows)
    outcome = fit(
        processes,
        model,
        _training_inputs(model, config, dataset, split),
        config,
        folder,
        stages=stages,
        validate=_validate(stages[0].objective, validation, config.seed),
        console=console,
        resume=resume,
    )
    run = load_run(folder, model=model.cpu())
    if processes.process.rank == 0:
        run.summary = _summary(run, dataset, split, outcome)
        plot(run, data=dataset)
        store.save_summary(folder, run.summary)  # last: a folder that has it is complete
    run.summary = processes.broadcast(run.summary)
    return run


def _validate(objective: Any, rows: ModelInputs, seed: int) -> Callable[..., Tensor]:
    """What gives the sums of a validation, the bound among them where the objective is judged by it."""
    if getattr(objective, "selection_metric", "loss") == "bound":
        return partial(bound_sums, rows=rows, samples=getattr(objective, "samples", 1), seed=seed)
    return partial(elbo_sums, rows=rows, seed=seed)


def _pieces(dataset: Dataset, split: Split) -> int:
    """What processes share out: the training rows, or shards."""
    return len(split.train) if dataset.stream is None else len(dataset.stream.places)


def _is_run_of(folder: Path, config: Settings) -> bool:
    """Whether the folder holds a run, whole or not, of this configuration."""
    return (folder / store.CONFIG).exists() and store.load_config(folder) == config


def _stages(model: VAE, config: Settings, objective: Any, rows: int) -> list[Stage]:
    """All parts together; behind that, where the prior has a stage of its own, the prior alone on the codes of all else."""
    options, later = config.training, config.prior_stage
    apart = getattr(model.prior, "second_stage", False)
    together = Stage(
        name="last",
        trainable=tuple(name for name in MODEL_PARTS if name != "prior" or not apart),
        objective=objective or build_part(config, "objective"),
        optimizer=build_part(config, "optimizer"),
        schedule=build_part(config, "schedule"),
        epochs=options.epochs or 1,
        batch_size=options.batch_size,
        patience=options.patience,
        clip=options.grad_clip_norm,
    )
    alone = Stage(
        name="prior",
        trainable=("prior",),
        objective=ELBO(divergence="monte-carlo"),
        optimizer=Adam(lr=later.lr),
        schedule=Linear(),
        epochs=later.epochs or count_epochs(later.max_steps, rows, later.batch_size),
        batch_size=later.batch_size,
        clip=1.0,
    )
    return [together, alone] if apart else [together]


def _summary(run: Run, dataset: Dataset, split: Split, outcome: dict[str, Any]) -> dict[str, Any]:
    """Final figures; the test rows are seen here for the first time, and once."""
    config, best = run.config, outcome["best_epoch"]
    validation = {
        k.removeprefix("val_"): v[best - 1] for k, v in run.history.items() if k.startswith("val_")
    }
    test = bound_figures(run.model, _inputs(run.model, dataset, split, "test"), seed=config.seed)
    counts = run.model.count_parameters()
    return {
        "format": configuration.FORMAT,
        "recipe": config.recipe,
        "data": {
            "name": dataset.name,
            "fingerprint": config.data.fingerprint,
            "rows": {part: len(getattr(split, part)) for part in ("train", "validation", "test")},
            **(
                {}
                if dataset.stream is None
                else {
                    "streamed": {
                        "shards": len(dataset.stream.places),
                        "rows": count_rows(config, dataset, split),
                    }
                }
            ),
            "validation": "the test rows, as in the original protocol"
            if split.validates_on_test
            else "held out of training",
        },
        "parameters": {
            side: {"trainable": count.trainable, "fixed": count.fixed}
            for side, count in counts.items()
        },
        "epochs": outcome["epochs"],
        "best_epoch": best,
        "unit": "nats per row",
        "validation": validation,
        "test": test,
        "seed": config.seed,
        "seconds": outcome["seconds"],
        "versions": _versions(),
    }


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    libraries = {name: version(name) for name in ("torch", "lightning", "numpy")}
    return {"vaekit": vaekit.__version__, "python": platform.python_version(), **libraries}


def _announce(
    console: Console, model: VAE, config: Settings, dataset: Dataset, split: Split, folder: Path
) -> None:
    sides = model.count_parameters()
    counts = " + ".join(f"{sides[side].total:,}" for side in ("encoder", "decoder"))
    counts_of = (count_rows(config, dataset, split), len(split.validation), len(split.test))
    rows = " / ".join(f"{count:,}" for count in counts_of)
    dimensions = f"{config.latent_dim} latent dimension{'' if config.latent_dim == 1 else 's'}"
    console.print(
        f"{config.recipe} on {dataset.name}: {counts} parameters (encoder + decoder), {dimensions}; "
        f"{rows} rows to train / validate / test; {config.training.device}, {config.training.precision}; into {folder}",
        highlight=False,
        soft_wrap=True,
    )


def _note_scale(console: Console, dataset: Dataset) -> None:
    """Say so where real values are far from the scale that nets start on."""
    if dataset.support.kind != "real":
        return
    rows = max(2, min(10_000, MAX_VALUES // math.prod(dataset.shape)))
    sample = dataset.train.x[:rows].reshape(len(dataset.train.x[:rows]), -1).astype("float64")
    largest = max(abs(sample.mean(0)).max(), sample.std(0).max())
    if largest > 10:
        console.print(
            f"note: the values have means or deviations of up to {largest:.3g}; nets learn best on columns of mean 0 and "
            "deviation 1: rescale them first",
            soft_wrap=True,
        )


def _accepts(likelihood: Any) -> tuple[str, ...] | None:
    return getattr(likelihood, "accepts", None)


def _inputs(model: VAE, dataset: Dataset, split: Split, part: Any) -> ModelInputs:
    rows, indices = split.where(dataset, part)
    y = rows.y if model.classes else None
    return ModelInputs(rows.x, dataset.support.transform(model.likelihood.accepts), indices, y)


def _training_inputs(model: VAE, config: Settings, dataset: Dataset, split: Split) -> ModelInputs:
    """The rows to train on: as they are, drawn anew from gray ones each time, or out of shards."""
    inputs = _inputs(model, dataset, split, "train")
    if dataset.gray is not None:
        return replace(
            inputs, x=dataset.gray.x, transform=StochasticBinarization("binary", dataset.gray.top)
        )
    if dataset.stream is None:
        return inputs
    return StreamedInputs(
        **vars(inputs),
        stream=dataset.stream,
        epoch_rows=count_rows(config, dataset, split),
        buffer=config.data.shuffle_buffer,
        readers=config.data.num_workers,
        support=dataset.support,
        classes=dataset.classes,
    )
