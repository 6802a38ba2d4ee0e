"""The `Run` object: a trained model with all that made it."""

import math
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Distribution

from vaekit import html
from vaekit.config import MODEL_PARTS, Custom, Settings, build_model
from vaekit.core.vae import VAE, check_fit
from vaekit.data.checks import Labels, check_inputs, check_labels
from vaekit.data.dataset import check_numeric
from vaekit.data.support import Support, Transform
from vaekit.data.thumbnails import thumbnails
from vaekit.errors import ConfigError, DataError, RunError
from vaekit.inference.encode_decode import decode_means, sample_means
from vaekit.inputs import as_tensor, to_model
from vaekit.runs.folder import (
    CONFIG,
    compare_weights,
    load_config,
    load_metrics,
    load_summary,
    load_weights,
)
from vaekit.runtime.seeding import seeded_noise

MAX_COUNT = 1_000_000
MAX_ACTIVATION = 2**28


@dataclass
class Run:
    """A trained model with all that made it.

    path: the run folder. config: its complete configuration. model: the best weights, in evaluation mode.
    metrics: columns of metrics.csv by name. summary: what summary.json holds; empty while training has not ended.
    """

    path: Path
    config: Settings
    model: VAE
    history: dict[str, list[float]] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)

    @property
    def support(self) -> Support:
        """What the raw data can be; binary where they were binarised."""
        return Support.parse(
            "binary" if self.config.data.binarize else self.config.data.support or "real"
        )

    @property
    def best_epoch(self) -> int | None:
        """The epoch whose weights were best_epoch, from 1; None where the summary does not say."""
        epoch = self.summary.get("best_epoch")
        return epoch if isinstance(epoch, int) and epoch > 0 else None

    @property
    def transform(self) -> Transform:
        """From raw data to what the model takes, and back."""
        return self.support.transform(self.model.likelihood.accepts)

    def raw(self, x: np.ndarray | Tensor) -> np.ndarray:
        """Raw rows as [B, *shape], channels first; DataError for another shape or support."""
        return check_inputs(
            x.numpy(force=True) if isinstance(x, Tensor) else x, self.model.data_shape, self.support
        )

    def prepare(self, x: np.ndarray | Tensor) -> Tensor:
        """Raw rows [B, *shape] as the model takes them, on its device; DataError for another shape or support."""
        return to_model(as_tensor(self.raw(x)), self.model, self.transform)

    def condition(self, y: Labels, rows: int) -> Tensor | None:
        """Class numbers [rows] of a conditional model, out of names [rows] or one for all; DataError where they cannot be."""
        numbers = check_labels(y, self.config.data.classes if self.model.classes else (), rows)
        return (
            None
            if numbers is None
            else torch.tensor(numbers, device=next(self.model.parameters()).device)
        )

    def in_turn(self, rows: int) -> list[str] | None:
        """Classes for so many rows, each having its turn, one row after the other; None where the run is not conditional."""
        names = self.config.data.classes
        return [names[i % len(names)] for i in range(rows)] if self.model.classes else None

    @torch.no_grad()
    def encode(self, x: np.ndarray | Tensor, y: Labels = None) -> Distribution:
        """q(z given x) for raw rows [B, *shape], scaled as in training; y: their classes by name, of a conditional run."""
        x = self.prepare(x)
        return self.model.encode(x, self.condition(y, len(x)))

    def codes(self, z: np.ndarray | Tensor) -> Tensor:
        """Codes [N, L] or [N, *latent shape] as the model takes them, on its device; DataError for any that cannot be."""
        if not isinstance(z, Tensor):
            z = np.asarray(z)
            check_numeric(z, "the codes")
            z = as_tensor(z)
        size = self.model.latent_shape.numel()
        if z.shape[1:] == self.model.latent_shape:
            z = z.flatten(1)
        if z.dim() != 2 or z.shape[1] != size or not len(z):
            raise DataError(
                f"codes of shape {tuple(z.shape)} were given, this model takes [N, {size}]"
            )
        z = z.to(next(self.model.parameters()))
        if not torch.isfinite(z).all():
            raise DataError(
                "the codes hold NaN, infinity or numbers beyond the model's precision: give finite ones"
            )
        return z.reshape(-1, *self.model.latent_shape)

    @torch.no_grad()
    def decode(self, z: np.ndarray | Tensor, y: Labels = None) -> np.ndarray:
        """The means of p(x given z) for codes z [N, L] or [N, *latent shape], in raw units."""
        z = self.codes(z)
        return self.transform.inverse(decode_means(self.model, z, self.condition(y, len(z)))).numpy(
            force=True
        )

    def reconstruct(self, x: np.ndarray | Tensor, y: Labels = None) -> np.ndarray:
        """Raw rows [B, *shape] through the model and back, in raw units."""
        x = self.prepare(x)
        return self.transform.inverse(self.model.reconstruct(x, self.condition(y, len(x)))).numpy(
            force=True
        )

    def sample(self, count: int, y: Labels = None) -> np.ndarray:
        """`count` samples in raw units (0 to 255 for images of bytes), [count, *shape]: the means of p(x given z), z ~ p(z).

        y: classes by name, of a conditional run; None: all in turn.
        """
        count = check_count(count)
        labels = self.condition(self.in_turn(count) if y is None else y, count)
        return self.transform.inverse(sample_means(self.model, count, labels)).numpy(force=True)

    def __repr__(self) -> str:
        state = "" if self.summary else ", unfinished"
        return f"Run({str(self.path)!r}, recipe {self.config.recipe}, data {self.config.data.source}{state})"

    def _repr_html_(self) -> str:
        """What a notebook shows: what was trained on what, the figures of the test rows, the losses, samples of images."""
        data, counts = (
            self.config.data,
            (count.total for count in self.model.count_parameters().values()),
        )
        epochs = len(self.history.get("val_loss", ()))
        facts = {
            "folder": self.path,
            "data": f"{data.source}, shape {self.model.data_shape}, {self.support}",
            "rows": self._rows(),
            "latent dimensions": f"{self.model.latent_shape.numel():,}",
            "parameters": f"{sum(counts):,}",
            "training": f"epochs {epochs:,}"
            + ("" if self.best_epoch is None else f", best_epoch {self.best_epoch:,}")
            + f"; seed {self.config.seed}"
            + ("" if self.summary else "; unfinished"),
        }
        facts |= {f"test {name}": f"{text} nats per row" for name, text in self._test_figures()}
        losses = {
            "training": self.history.get("train_loss", []),
            "validation": self.history.get("val_loss", []),
        }
        title = f"Run: {self.config.recipe} on {Path(data.source).name}"
        drawn = html.curves(losses, "loss, nats per row")
        return html.card(
            title, html.facts({k: v for k, v in facts.items() if v}), drawn, self._sheet()
        )

    def _rows(self) -> str:
        known = self.summary.get("data", {}).get("rows", {})
        return ", ".join(
            f"{part} {count:,}" for part, count in known.items() if isinstance(count, int)
        )

    def _test_figures(self) -> Iterator[tuple[str, str]]:
        found = self.summary.get("test", {})
        for name in ("loss", "reconstruction", "divergence"):
            with suppress(TypeError, KeyError, ValueError):  # a summary of somebody else's
                yield name, html.with_error(found[name])

    def _sheet(self) -> str:
        """Samples of the prior, in small; nothing where rows are no images, or the model is in no state to give any."""
        if len(self.model.data_shape) != 3:
            return ""
        count = min(24, max(1, MAX_SHOWN // math.prod(self.model.data_shape)))
        device = next(self.model.parameters()).device
        with (
            torch.random.fork_rng([device] if device.type == "cuda" else []),
            seeded_noise(0),
            suppress(RuntimeError, ValueError),
        ):
            sheet = thumbnails(self.sample(count), self.support)
            if sheet is not None:
                return html.note("Samples from the prior:") + html.picture(sheet, "samples")
        return ""


MAX_SHOWN = 500_000
"""Values of the samples that a notebook shows: so few that they are there at once."""


def check_count(count: int) -> int:
    """A number of samples that can be drawn at once; ConfigError for any other."""
    if not isinstance(count, int | np.integer) or not 1 <= count <= MAX_COUNT:
        raise ConfigError(f"count = {count}: a whole number from 1 to {MAX_COUNT:,}")
    return int(count)


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
    run = Run(folder, config, model.eval(), load_metrics(folder), load_summary(folder))
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
