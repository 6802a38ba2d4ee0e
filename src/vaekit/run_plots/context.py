"""What the pictures of a run are about: the run, the rows they show, and the codes of these."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from vaekit.data import Dataset, Examples, evenly_spaced_indices
from vaekit.evaluation import ExampleTerms, elbo_per_example
from vaekit.runs import Run
from vaekit.runs.run_data import as_inputs
from vaekit.runtime.seeding import seeded_noise
from vaekit.workflows.training_setup import load_data
from vaekit.workflows.use import LatentCodes, encode, to_pixels

MOST_ROWS = 10_000
Range = tuple[float, float]
PARTS = {"train": "training", "all": "", "all but test": "non-test"}
"""What titles call the part of its data that rows are, where not by the name that `evaluation_examples` has for it."""


@dataclass(frozen=True)
class View:
    """What to show: of which rows, where in the latent space.

    indices: rows of the split; None takes some that are spread evenly.
    across, down: ranges of the two latent axes of the grid; None goes over the prior's quantiles.
    projection: of more than two latent dimensions, the two most active or the principal components.
    label: of a conditional run, the class that is decoded; None: as suits the picture.
    """

    indices: Sequence[int] | None = None
    across: Range | None = None
    down: Range | None = None
    projection: Literal["active", "pca"] = "active"
    label: str | None = None
    seed: int = 0


@dataclass
class PlotContext:
    """A run with the rows that its pictures show; they are found, and encoded, once, when a picture first needs them."""

    run: Run
    find: Callable[[], Examples]
    other: str | None = None
    """What the rows are called, where they are not the run's own."""
    find_own: Callable[[], Dataset] | None = None
    find_part: Callable[[], str] | None = None
    """Which part of their data the rows are, as `evaluation_examples` says it."""

    @cached_property
    def rows(self) -> Examples:
        return self.find()

    @cached_property
    def own(self) -> Dataset:
        """What the run was trained on."""
        return load_data(self.run.config) if self.find_own is None else self.find_own()

    @property
    def name(self) -> str:
        return self.other or data_name(self.run)

    @property
    def recipe(self) -> str:
        return self.run.config.recipe

    @property
    def trained(self) -> str:
        """The model, in titles of pictures that show no rows."""
        return f"{self.recipe} on {data_name(self.run)}"

    @property
    def kind(self) -> str:
        """What titles call the rows: "mnist test rows"."""
        part = "" if self.find_part is None else self.find_part()
        return " ".join(
            filter(
                None, [self.name, PARTS.get(part, part), "row" if len(self.rows) == 1 else "rows"]
            )
        )

    @cached_property
    def shown(self) -> Examples:
        """What pictures of all rows are of: all, or so many of them as a picture can hold, in bounded memory."""
        return (
            self.rows
            if len(self.rows) <= MOST_ROWS
            else self.rows.select(evenly_spaced_indices(len(self.rows), MOST_ROWS))
        )

    @property
    def told(self) -> str:
        """How many rows are shown, of how many: "10,000 of 55,000 mnist training rows"."""
        some = "" if len(self.shown) == len(self.rows) else f"{len(self.shown):,} of "
        return f"{some}{len(self.rows):,} {self.kind}"

    @cached_property
    def encoded(self) -> LatentCodes:
        return encode(self.run, self.shown)

    @property
    def codes(self) -> np.ndarray:
        """The means of q(z given x), [N, L]."""
        return self.encoded.mean

    @cached_property
    def draws(self) -> np.ndarray:
        """One draw from q(z given x) for each row shown; together they are draws from the aggregate posterior, [N, L]."""
        model, parts = self.run.model, []
        with torch.no_grad():
            for step, (x, y) in enumerate(as_inputs(self.run, self.shown).batches(model)):
                with seeded_noise(0, step):
                    parts.append(model.encode(x, y).sample().flatten(1).cpu())
        return torch.cat(parts).numpy()

    @cached_property
    def terms(self) -> ExampleTerms:
        """The terms of the negative ELBO of each row that is shown."""
        return elbo_per_example(self.run.model, as_inputs(self.run, self.shown))

    @cached_property
    def divergence(self) -> np.ndarray | None:
        """The divergence of each latent dimension, in nats, [L]; None where it is not known for each."""
        found = self.terms.divergence.mean(0).numpy()
        return found if len(found) == self.run.model.latent_shape.numel() else None

    @property
    def activity(self) -> np.ndarray:
        """How much each latent dimension carries, [L]: its divergence in nats or, where that is not known, its variance."""
        return self.codes.var(0) if self.divergence is None else self.divergence

    def dimensions(self) -> tuple[int, int]:
        """The two most active, the most active first; of two in their order, the only one twice."""
        size = self.run.model.latent_shape.numel()
        if size <= 2:
            return 0, size - 1
        first, second = np.argsort(-self.activity, kind="stable")[:2].tolist()
        return first, second

    def pixels(self, values: np.ndarray | Tensor) -> np.ndarray:
        """What the model takes or gives, for the eye."""
        return to_pixels(
            self.run, values, self.rows.x[:1000] if self.run.transform.kind == "real" else None
        )

    def originals(self, raw: np.ndarray) -> np.ndarray:
        """Raw rows, for the eye."""
        return self.pixels(self.run.transform.forward(raw, np.float32))


def class_phrase(label: str) -> str:
    """A class, as titles call it.

    >>> of_class("7"), of_class("class 7")
    ('class 7', 'class 7')
    """
    return label if re.match("class(?![a-z])", label, re.IGNORECASE) else f"class {label}"


def data_name(run: Run) -> str:
    """The run's data, as titles call them."""
    return Path(run.config.data.source).stem
