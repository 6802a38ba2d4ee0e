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
from vaekit.runs.folder import (
    CONFIG,
    compare_weights,
    load_config,
    load_history,
    load_summary,
    load_weights,
    unusable,
)
from vaekit.runs.run import Run
from vaekit.runtime.torch_state import default_torch_state

MAX_ACTIVATION = 2**28
"""Values of one layer for one example."""


@default_torch_state()
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
    config = load_config(folder)
    if model is None:
        _check_parts(folder, config)
        model = _build_blank(folder, config)
    load_weights(folder, model)
    run = Run(folder, config, model.eval(), load_history(folder), load_summary(folder))
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


def _build_blank(folder: Path, config: Settings) -> VAE:
    """A model of the configuration, built only if the weights on disk have its shapes.

    A configuration that asks for more than the weights hold allocates nothing.
    """
    _check_complete(folder, config)
    try:
        with torch.device("meta"):
            outline = build_model(config)
            compare_weights(folder, outline)
            _check_activations(folder, outline)
        model = build_model(config)
    except (ConfigError, RuntimeError) as error:  # RuntimeError: PyTorch, for enormous sizes
        raise unusable(folder, error) from None
    return model.double() if config.training.precision == "64-true" else model


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
