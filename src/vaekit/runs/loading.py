"""Load a run: its configuration, a model of it, the weights, the history and the summary."""

import os
from pathlib import Path

import torch
from torch import Tensor

from vaekit.config import MODEL_PARTS, Custom, Settings, build_model
from vaekit.core.vae import VAE, check_fit
from vaekit.errors import ConfigError, DataError, RunError
from vaekit.runs.folder import (
    CONFIG,
    compare_weights,
    load_config,
    load_history,
    load_summary,
    load_weights,
)
from vaekit.runs.run import Run

MAX_ACTIVATION = 2**28
"""Values of one layer for one example."""


def load_run(path: str | os.PathLike, *, model: VAE | None = None) -> Run:
    """Read a run folder: its model with the best weights, its configuration, its figures.

    model: the model with modules of your own that was trained; only its weights are replaced.
    Raises RunError for a folder that is incomplete, from a newer format, or does not hold what its configuration says.

    >>> run = load_run("runs/conv-mnist-20260101-120000")  # doctest: +SKIP
    """
    folder = Path(path)
    config = load_config(folder)
    if model is None:
        for name in MODEL_PARTS:
            if isinstance(options := config.part(name), Custom):
                raise RunError(
                    f"the {name} of {folder} is a module of your own, {options.name}: load_run(path, model=...)"
                )
    load_weights(folder, model if model is not None else (model := _blank(folder, config)))
    run = Run(folder, config, model.eval(), load_history(folder), load_summary(folder))
    try:
        _ = run.transform  # the support that was recorded is one that the model accepts
    except (ConfigError, DataError) as error:
        raise RunError(f"{folder} is not a usable run folder: {error}") from None
    return run


def _blank(folder: Path, config: Settings) -> VAE:
    """A model of the configuration's shape, once the weights on disk are known to have it: a lying one allocates nothing."""
    try:
        if (
            config.data.shape is None
            or config.latent_dim is None
            or not (config.part("likelihood") and config.part("prior"))
        ):
            raise RunError(
                f"{folder / CONFIG} is not that of a run: data.shape, latent_dim, likelihood or prior is missing"
            )
        with torch.device("meta"):
            outline = build_model(config)
            compare_weights(folder, outline)
            _check_size(folder, outline)
        model = build_model(config)
        return model.double() if config.training.precision == "64-true" else model
    except (ConfigError, RuntimeError) as error:  # torch's own word on sizes beyond all measure
        raise RunError(f"{folder} is not a usable run folder: {error}") from None


def _check_size(folder: Path, outline: VAE) -> None:
    """Refuse a model of few weights whose layers would still give enormous outputs for a single row."""
    sizes = [0]
    for module in outline.modules():
        module.register_forward_hook(
            lambda _, __, out: sizes.append(out.numel() if isinstance(out, Tensor) else 0)
        )
    check_fit(outline)
    if max(sizes) > MAX_ACTIVATION:
        raise RunError(
            f"{folder} is not a usable run folder: a layer would give {max(sizes):,} values for one row"
        )


def as_run(run: Run | str | os.PathLike) -> Run:
    """A run as it is, or loaded from its folder."""
    return run if isinstance(run, Run) else load_run(run)
