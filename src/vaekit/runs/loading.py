"""Load a run: its configuration, model, weights, history and summary."""

import os
from pathlib import Path

import torch
from torch import Tensor, nn

from vaekit.arguments import as_path
from vaekit.config import MODEL_PARTS, Custom, Settings, build_model
from vaekit.core.compatibility import check_fit
from vaekit.core.vae import VAE
from vaekit.errors import ConfigError, DataError, RunError
from vaekit.json_types import JsonObject
from vaekit.runs.files import CONFIG, METRICS, SUMMARY, WEIGHTS
from vaekit.runs.folder import load_run_config, load_summary, unusable
from vaekit.runs.history import History, load_history
from vaekit.runs.run import Run
from vaekit.runs.run_id import RunId
from vaekit.runs.weights import load_into, load_weights, read_weights
from vaekit.runtime.library_call import library_call

MAX_ACTIVATION = 2**28
"""Values of one layer for one example."""


@library_call
def load_run(path: str | os.PathLike, *, model: VAE | None = None) -> Run:
    """Read a run folder.

    Args:
        path: The run folder.
        model: The model that was trained, if it has modules of your own; only its weights are
            replaced.

    Returns:
        The run, with the best weights.

    Raises:
        RunError: A folder that is incomplete, from a newer format, or inconsistent.

    >>> run = load_run("runs/conv")
    >>> run.config.recipe
    'conv'
    """
    folder = as_path("path", path)
    config, run_id = load_run_config(folder)
    if model is None:
        _check_parts(folder, config)
        model = _build(folder, config, run_id)
    else:
        load_weights(folder, model, run_id)
    summary = load_summary(folder, run_id)
    history = load_history(folder, run_id)
    _check_epochs(folder, summary, history)
    run = Run(folder, config, model.eval(), history, summary, run_id=run_id)
    try:
        _ = run.transform  # the likelihood accepts the recorded support
    except (ConfigError, DataError) as error:
        raise unusable(folder, error) from None
    return run


def as_run(run: Run | str | os.PathLike) -> Run:
    """A run as it is, or loaded from its folder."""
    return run if isinstance(run, Run) else load_run(run)


def _check_parts(folder: Path, config: Settings) -> None:
    """RunError for a part that is a module of the user's own: it is never imported."""
    for name in MODEL_PARTS:
        options = config.part(name)
        if isinstance(options, Custom):
            raise RunError(
                f"the {name} of {folder} is a module of your own: got {options.name}. "
                "Pass the model: load_run(path, model=...).",
                parameter="model",
            )


def _check_epochs(folder: Path, summary: JsonObject, history: History) -> None:
    """RunError if the summary and the history of a finished run have other numbers of epochs."""
    if not summary or not history:
        return
    epochs = len(history["epoch"])
    if epochs != summary["epochs"]:
        raise RunError(
            f"{folder / SUMMARY} belongs to another run: got {summary['epochs']} epochs, "
            f"expected {epochs} as in {METRICS}. Restore the file."
        )


def _build(folder: Path, config: Settings, run_id: RunId) -> VAE:
    """A model of the configuration, built only if the weights on disk have its shapes.

    A configuration that asks for more than the weights hold allocates nothing.
    """
    _check_complete(folder, config)
    try:
        with torch.device("meta"):
            outline = build_model(config)
        weights = read_weights(folder, outline, run_id)
        with torch.device("meta"):
            _check_activations(folder, outline)
        model = build_model(config)
    except (ConfigError, RuntimeError) as error:  # RuntimeError: PyTorch, for enormous sizes
        raise unusable(folder, error) from None
    if config.training.precision == "64-true":
        model = model.double()
    load_into(model, weights, folder / WEIGHTS)
    return model


def _check_complete(folder: Path, config: Settings) -> None:
    required = {
        "data.shape": config.data.shape,
        "latent_dim": config.latent_dim,
        "likelihood": config.part("likelihood"),
        "prior": config.part("prior"),
    }
    for name, value in required.items():
        if value is None:
            raise RunError(
                f"{folder / CONFIG} is not the configuration of a run: {name} is missing. "
                "Train a run from it.",
                parameter=name,
            )


def _check_activations(folder: Path, outline: VAE) -> None:
    """Refuse a model of few weights whose layers have enormous outputs for a single example."""
    sizes = [0]

    def record(_module: nn.Module, _inputs: object, output: object) -> None:
        if isinstance(output, Tensor):
            sizes.append(output.numel())

    for module in outline.modules():
        module.register_forward_hook(record)
    check_fit(outline)
    if max(sizes) > MAX_ACTIVATION:
        raise RunError(
            f"{folder} is not a usable run folder: a layer has {max(sizes):,} values for one "
            f"example, expected at most {MAX_ACTIVATION:,}."
        )
