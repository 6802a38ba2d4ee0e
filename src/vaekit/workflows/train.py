"""Train, resume and build models."""

import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from rich.console import Console
from torch import Tensor

import vaekit
from vaekit import config as configuration
from vaekit import runs
from vaekit.arguments import as_path
from vaekit.config import Settings, build_model
from vaekit.core.vae import VAE
from vaekit.data import Dataset, Split
from vaekit.errors import WorkError
from vaekit.evaluation.code_usage import code_usage
from vaekit.evaluation.metric import Metric
from vaekit.evaluation.results import TermMetrics
from vaekit.evaluation.verdict import LossCurves, TrainingFacts, verdict
from vaekit.inference.bounds import bound_sums, elbo_per_example, elbo_sums
from vaekit.json_types import JsonObject
from vaekit.runs import Run, load_run
from vaekit.runs.dataset_source import load_dataset
from vaekit.runs.run_data import RunData
from vaekit.runtime.library_call import library_call
from vaekit.runtime.terminal_progress import print_line, progress_console
from vaekit.runtime.threads import cpu_threads
from vaekit.training.freezing import freeze_except
from vaekit.training.graceful_interrupt import resumable
from vaekit.training.processes import (
    Processes,
    check_batch_division,
    check_restartable,
    is_rank_zero,
    is_restarted,
    launch,
)
from vaekit.workflows.announcement import announce, print_notes
from vaekit.workflows.data_profile import profile_data
from vaekit.workflows.evaluate import term_metrics
from vaekit.workflows.plot import plot_run_data
from vaekit.workflows.training_length import build_stages
from vaekit.workflows.training_setup import (
    TrainingSetup,
    accepted_supports,
    check_objective,
    check_single_examples,
    choose_recipe,
    count_epoch_examples,
    draw_split,
    load_config_and_dataset,
    prepare_training,
    resolve_data,
    separate_modules,
)

if TYPE_CHECKING:
    from vaekit.training.fit import FitResult


@library_call
def build(recipe: str | None = None, data: Any = None, **parts: Any) -> VAE:
    """Build a model of five parts, as a plain `torch.nn.Module`, that fits the data.

    Args:
        recipe: The name of a recipe, or the path of a configuration; default what suits the data:
            `plane` for small, nearly binary gray images, `images` for others, `vectors` for other
            data than images.
        data: A name, a path, an array or a `Dataset`; default that of the recipe, MNIST.
        **parts: Keys of the configuration, such as `latent_dim=8` or
            `likelihood={"kind": "gaussian"}`; a module of your own in the place of an encoder,
            posterior, prior, decoder or likelihood.

    Returns:
        The model, with new weights.

    Raises:
        ConfigError: Options that do not exist or parts that do not fit.
        DataError: Data that cannot be read or do not suit the likelihood.

    >>> import numpy as np, torch
    >>> likelihood = {"kind": "gaussian", "scale": "learned"}
    >>> model = build("mlp", np.zeros((10, 6)), latent_dim=2, likelihood=likelihood)
    >>> model.encode(torch.zeros(3, 6)).mean.shape
    torch.Size([3, 2])
    """
    modules, options = separate_modules(parts)
    config, dataset = load_config_and_dataset(recipe, data, options)
    profile = profile_data(dataset)
    if recipe is None:
        config = choose_recipe(profile, data, options)
    accepts = accepted_supports(modules.get("likelihood"))
    config = resolve_data(config, dataset, profile, accepts)
    return build_model(config, modules)


@library_call
def train(
    model: str | VAE | None = None,
    *,
    data: Any = None,
    out: str | os.PathLike | None = None,
    overwrite: bool = False,
    continue_existing: bool = False,
    objective: Any = None,
    console: Console | None = None,
    **overrides: Any,
) -> Run:
    """Train a model and write a run folder: weights, configuration, metrics, plots.

    Args:
        model: The name of a recipe (default as for `build`), the path of a configuration, or a
            `VAE` of your own, which is trained in place.
        data: A name, a path, an array, (x, y) or a `Dataset`, or options such as
            {"source": "mnist", "train_size": 500}; default that of the recipe, MNIST.
        out: The run folder; default runs/<recipe>-<data>-<time>.
        overwrite: Overwrite an existing run.
        continue_existing: Continue an existing run of the same configuration, finished or not.
        objective: Options of the objective, or an objective of your own.
        console: Where progress is printed; default standard error.
        **overrides: Keys of the configuration, such as `latent_dim=8`, `seed=1` or
            `training={"epochs": 3}`, or modules as for `build`.

    Returns:
        The run, with the weights of the best epoch.

    Raises:
        RequestError: A request that cannot be fulfilled; nothing has been written then.
        WorkError: Training failed or was interrupted.

    >>> run = train("mlp", data="images.npz", latent_dim=2, training={"epochs": 1})
    >>> run.best_epoch
    1
    """
    if out is not None:
        as_path("out", out)
    setup, custom_objective = prepare_training(model, data, objective, overrides)
    check_restartable(out)
    check_batch_division(setup.stages, setup.divisible_count, setup.config.training)
    with freeze_except(setup.model, setup.stages[0]):
        check_objective(setup.model, setup.stages[0].objective)
        check_single_examples(setup.model, setup.stages[0], setup.divisible_count)
    if out is not None and (continue_existing or is_restarted()) and _holds(out, setup.config):
        source = None if isinstance(data, Mapping) else data
        return resume(
            out, model=setup.model, data=source, objective=custom_objective, console=console
        )
    if not is_rank_zero(setup.config.training):
        return _fit(setup, runs.Claim(Path(out or "")), console, resume=False)
    name = f"{setup.config.recipe}-{setup.dataset.name}"
    with runs.claim_folder(out, name, overwrite, is_restart=is_restarted()) as claim:
        runs.save_config(claim.folder, setup.config, claim.run_id)
        runs.save_split(claim.folder, setup.split, claim.run_id)
        return _fit(setup, claim, console, resume=False)


@library_call
def resume(
    path: str | os.PathLike,
    *,
    model: VAE | None = None,
    data: Any = None,
    objective: Any = None,
    console: Console | None = None,
) -> Run:
    """Resume an interrupted run, to the same weights and metrics as without the interruption.

    Args:
        path: The run folder.
        model: The model, if it has modules of your own.
        data: New location of the run's dataset, or the dataset if it was arrays in memory.
        objective: The objective, if it is an object of your own.
        console: Where progress is printed; default standard error.

    Raises:
        RunError: A folder that is not a usable run.
        OutputError: Another process is training this run.
        DataError: The dataset is missing or has changed.

    >>> resume("runs/conv").best_epoch
    1
    """
    folder = as_path("path", path)
    if (finished := _finished(folder, model, console)) is not None:
        return finished
    config, run_id = runs.load_run_config(folder)
    if not is_rank_zero(config.training):
        return _resume(runs.Claim(folder, run_id), model, data, objective, console)
    with runs.claim_existing(folder, is_restart=is_restarted()) as claim:
        if (finished := _finished(folder, model, console)) is not None:
            return finished
        return _resume(claim, model, data, objective, console)


def _finished(folder: Path, model: VAE | None, console: Console | None) -> Run | None:
    """A run that needs no resuming, also one that another process has finished meanwhile."""
    config, run_id = runs.load_run_config(folder)
    if not runs.load_summary(folder, run_id):
        return None
    note = f"note: {folder} is finished, there is nothing to resume"
    print_line(_console(console, config), note)
    return load_run(folder, model=model)


def _resume(
    claim: runs.Claim, model: VAE | None, data: Any, objective: Any, console: Console | None
) -> Run:
    # Read only now: before the claim, another process may have replaced the run.
    config, _ = runs.load_run_config(claim.folder)
    dataset = load_dataset(config, data)
    model = build_model(config) if model is None else model
    split = _saved_split(claim, config, dataset)
    stages = build_stages(model, config, objective, count_epoch_examples(config, dataset, split))
    setup = TrainingSetup(config, model, dataset, split, stages)
    check_batch_division(stages, setup.divisible_count, config.training)
    return _fit(setup, claim, console, resume=True)


def _saved_split(claim: runs.Claim, config: Settings, dataset: Dataset) -> Split:
    """The split of a run; drawn again, the same, if it was interrupted before the split existed."""
    if runs.has_file(claim.folder, runs.SPLIT):
        return runs.load_split(claim.folder, claim.run_id, {})
    split = draw_split(config, dataset)
    if claim.lock is not None:
        runs.save_split(claim.folder, split, claim.run_id)
    return split


def _holds(out: str | os.PathLike, config: Settings) -> bool:
    """Whether a folder holds a run, finished or not, of this configuration."""
    folder = Path(out)
    return runs.has_file(folder, runs.CONFIG) and runs.load_config(folder) == config


def _fit(setup: TrainingSetup, claim: runs.Claim, console: Console | None, *, resume: bool) -> Run:
    from vaekit.training.fit import fit

    console = _console(console, setup.config)
    announce(console, setup, claim.folder)
    print_notes(console, setup)
    processes = launch(setup.config, claim.folder)
    folder, run_id = processes.broadcast((claim.folder, claim.run_id))
    if resume and run_id != claim.run_id:
        raise WorkError(f"{folder} was overwritten while its training was resumed. Start it again.")
    claim = replace(claim, folder=folder, run_id=run_id)
    with resumable(claim.folder), cpu_threads(setup.config.training.threads):
        result = fit(
            processes,
            setup.model,
            setup.training_inputs(),
            setup.config,
            claim,
            stages=setup.stages,
            validate=_validation(setup),
            console=console,
            resume=resume,
        )
        return _finish(setup, claim, processes, result, console)


def _console(console: Console | None, config: Settings) -> Console:
    if not is_rank_zero(config.training):
        return Console(quiet=True)
    return console or progress_console()


def _validation(setup: TrainingSetup) -> Callable[..., Tensor]:
    """The sums of a validation; with the bound if the objective selects weights by it."""
    inputs, seed = setup.inputs("validation"), setup.config.seed
    objective = setup.stages[0].objective
    if getattr(objective, "selection_metric", "loss") == "bound":
        samples = getattr(objective, "samples", 1)
        return partial(bound_sums, inputs=inputs, samples=samples, seed=seed)
    return partial(elbo_sums, inputs=inputs, seed=seed)


def _finish(
    setup: TrainingSetup,
    claim: runs.Claim,
    processes: Processes,
    result: "FitResult",
    console: Console,
) -> Run:
    """The finished run: summary and plots are written by rank 0, the summary last."""
    run = load_run(claim.folder, model=setup.model.cpu())
    if processes.process.rank == 0:
        run.summary = _summary(run, setup, result)
        claim.check()
        for failure in plot_run_data(RunData(run, setup.dataset, setup.split)):
            print_line(console, f"warning: {failure}")
        claim.check()
        runs.save_summary(claim.folder, run.summary)  # a folder that has it is complete
    run.summary = processes.broadcast(run.summary)
    return run


def _summary(run: Run, setup: TrainingSetup, result: "FitResult") -> JsonObject:
    """The final metrics; the test examples are evaluated here for the first time, and once."""
    best = result.best_epoch
    validation = {
        name.removeprefix("val_"): column[best - 1]
        for name, column in run.history.items()
        if name.startswith("val_")
    }
    counts = run.model.count_parameters()
    parameters = {
        side: {"trainable": count.trainable, "fixed": count.fixed} for side, count in counts.items()
    }
    return {
        "format": configuration.FORMAT,
        "recipe": run.config.recipe,
        "data": _data_summary(setup),
        "parameters": parameters,
        "epochs": result.epochs,
        "best_epoch": best,
        "unit": "nats per example",
        "validation": validation,
        **_test_results(run, setup),
        "seed": run.config.seed,
        "seconds": result.seconds,
        "threads": torch.get_num_threads(),
        **({} if run.run_id is None else {runs.RUN_ID: run.run_id}),
        "versions": _versions(),
    }


def _test_results(run: Run, setup: TrainingSetup) -> JsonObject:
    """The metrics of the test split, or why they are unavailable, and the verdict."""
    try:
        inputs = setup.inputs("test")
        terms = elbo_per_example(run.model, inputs, seed=run.config.seed)
        metrics = term_metrics(terms)
        facts = TrainingFacts(
            losses=_losses_of_first_stage(run, setup),
            examples=setup.split.counts(),
            warmup=getattr(setup.stages[0].objective, "warmup", 0),
            terms=terms,
            metrics=metrics,
            usage=code_usage(run.model, inputs),
        )
        findings = verdict(facts)
    except Exception as error:  # a trained run keeps its summary, whatever fails
        failed = Metric.failed(error)
        metrics = TermMetrics(failed, failed, failed)
        findings = ()
    return {"test": metrics.to_dict(), "verdict": [finding.to_dict() for finding in findings]}


def _losses_of_first_stage(run: Run, setup: TrainingSetup) -> LossCurves:
    """The losses of the epochs in which encoder and decoder were trained."""
    epochs = setup.stages[0].epochs
    history = {name: column[:epochs] for name, column in run.history.items()}
    criterion = history[setup.stages[0].criterion]
    return LossCurves(
        training=history["train_loss"],
        validation=history["val_loss"],
        best_epoch=criterion.index(min(criterion)) + 1,
        steps=int(history["step"][-1]),
    )


def _data_summary(setup: TrainingSetup) -> JsonObject:
    dataset, split = setup.dataset, setup.split
    held_out = "held out of the training examples"
    if split.validates_on_test:
        held_out = "the test examples, as in the original protocol"
    summary = {
        "name": dataset.name,
        "fingerprint": setup.config.data.fingerprint,
        "examples": split.counts(),
        "validation": held_out,
    }
    if dataset.stream is not None:
        streamed = {"shards": len(dataset.stream), "examples": setup.epoch_examples}
        summary["streamed"] = streamed
    return summary


def _versions() -> dict[str, str]:
    libraries = {name: version(name) for name in ("torch", "lightning", "numpy")}
    return {"vaekit": vaekit.__version__, "python": platform.python_version(), **libraries}
