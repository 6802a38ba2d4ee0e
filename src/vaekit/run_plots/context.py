"""The context of the plots of a run: its examples, latent codes and loss terms."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from vaekit.data import Examples, evenly_spaced_indices
from vaekit.errors import ConfigError
from vaekit.inference.bounds import ExampleTerms, elbo_per_example
from vaekit.inference.encode_decode import LatentCodes
from vaekit.inputs import ModelInputs
from vaekit.run_plots.pixels import has_own_range, to_pixels
from vaekit.runs import Run
from vaekit.runs.example_selection import ExampleSelection
from vaekit.runs.run_data import RunData, data_name
from vaekit.runtime.seeding import seeded_noise

MAX_PLOT_EXAMPLES = 10_000
MAX_RANGE_EXAMPLES = 1_000
PART_NAMES = {"train": "training", "all": "", "all but test": "non-test"}
"""Names of parts in titles, if not the names that `ExampleSelection` has for them."""

Range = tuple[float, float]
Projection = Literal["active", "pca"]
PROJECTIONS: tuple[Projection, ...] = ("active", "pca")


@dataclass(frozen=True)
class View:
    """The options of a plot.

    Attributes:
        indices: Indices of examples to show; None for examples that are spread evenly.
        across: Range of the first latent axis of the grid; None for the quantiles of the prior.
        down: Range of the second latent axis.
        projection: How more than two latent dimensions are projected: most active, or PCA.
        label: The class that a conditional run decodes; None for the default of the plot.
        seed: Seed of the noise.
    """

    indices: Sequence[int] | None = None
    across: Range | None = None
    down: Range | None = None
    projection: Projection = "active"
    label: str | None = None
    seed: int = 0

    def __post_init__(self):
        if self.projection not in PROJECTIONS:
            raise ConfigError.unknown(
                "projection", self.projection, PROJECTIONS, parameter="projection"
            )


@dataclass
class PlotContext:
    """A run with the examples that its plots show, selected and encoded once, on first use.

    Attributes:
        run: The run.
        select: Selects the examples.
        load_own: Loads the run's own data.
        other_name: The name of the examples, if they are not of the run's dataset.
        max_examples: The largest number of examples shown.
    """

    run: Run
    select: Callable[[], ExampleSelection]
    load_own: Callable[[], RunData]
    other_name: str | None = None
    max_examples: int = MAX_PLOT_EXAMPLES

    @cached_property
    def selection(self) -> ExampleSelection:
        """The selected examples."""
        return self.select()

    @property
    def examples(self) -> Examples:
        """The selected raw examples."""
        return self.selection.examples

    @cached_property
    def run_data(self) -> RunData:
        """The run with its own dataset."""
        return self.selection.run_data or self.load_own()

    @cached_property
    def shown(self) -> Examples:
        """At most `max_examples` of the examples, spread evenly."""
        count = len(self.examples)
        if count <= self.max_examples:
            return self.examples
        return self.examples.select(evenly_spaced_indices(count, self.max_examples))

    # --- Names for titles ------------------------------------------------------------------------

    @property
    def recipe(self) -> str:
        """The recipe of the run."""
        return self.run.config.recipe

    @property
    def model_name(self) -> str:
        """The model: "conv on mnist"."""
        return f"{self.recipe} on {data_name(self.run)}"

    @property
    def data_name(self) -> str:
        """The name of the data that the examples belong to."""
        return self.other_name or data_name(self.run)

    @property
    def kind(self) -> str:
        """The kind of examples: "mnist test examples"."""
        part = self.selection.part
        noun = "example" if len(self.examples) == 1 else "examples"
        return " ".join(filter(None, [self.data_name, PART_NAMES.get(part, part), noun]))

    @property
    def shown_count(self) -> str:
        """How many examples are shown: "10,000 of 55,000 mnist training examples"."""
        count = f"{len(self.examples):,} {self.kind}"
        if len(self.shown) == len(self.examples):
            return count
        return f"{len(self.shown):,} of {count}"

    def title(self, text: str) -> str:
        """The title of a plot, with the verdict about the run as its warning."""
        verdict = " ".join(finding.text for finding in self.run.verdict)
        return f"{text}\n\n{verdict}" if verdict else text

    # --- Codes and loss terms --------------------------------------------------------------------

    @property
    def inputs(self) -> ModelInputs:
        """The examples shown as inputs of the model."""
        return self.run.inputs(self.shown)

    @cached_property
    def encoded(self) -> LatentCodes:
        """Latent codes of the examples shown."""
        return self.run.encode(self.shown)

    @property
    def codes(self) -> np.ndarray:
        """Posterior means [N, L] of the examples shown."""
        return self.encoded.mean

    @cached_property
    def posterior_samples(self) -> np.ndarray:
        """One sample of q(z|x) per example shown; together samples of the aggregate posterior."""
        model = self.run.model
        batches = []
        with torch.no_grad():
            for step, (x, y) in enumerate(self.inputs.batches(model)):
                with seeded_noise(0, step):
                    batches.append(model.encode(x, y).sample().flatten(1).cpu())
        return torch.cat(batches).numpy()

    @cached_property
    def terms(self) -> ExampleTerms:
        """The terms of the negative ELBO of each example shown."""
        return elbo_per_example(self.run.model, self.inputs)

    @cached_property
    def divergence(self) -> np.ndarray | None:
        """The mean divergence per latent dimension [L] in nats; None if it is not known."""
        divergence = self.terms.divergence.mean(0).numpy()
        return divergence if len(divergence) == self.run.model.latent_shape.numel() else None

    @property
    def activity(self) -> np.ndarray:
        """The divergence per latent dimension [L] or, if unknown, the variance of the codes."""
        return self.codes.var(0) if self.divergence is None else self.divergence

    def most_active_pair(self) -> tuple[int, int]:
        """The two most active latent dimensions; of one or two dimensions all, in order."""
        size = self.run.model.latent_shape.numel()
        if size <= 2:
            return 0, size - 1
        first, second = np.argsort(-self.activity, kind="stable")[:2].tolist()
        return first, second

    # --- Pixels ----------------------------------------------------------------------------------

    def pixels(self, values: np.ndarray | Tensor) -> np.ndarray:
        """Inputs or outputs of the model as pixels."""
        like = self.examples.x[:MAX_RANGE_EXAMPLES] if has_own_range(self.run) else None
        return to_pixels(self.run, values, like)

    def raw_pixels(self, raw: np.ndarray) -> np.ndarray:
        """Raw examples as pixels."""
        return self.pixels(self.run.transform.forward(raw, np.float32))


def class_phrase(label: str) -> str:
    """A class in a title.

    >>> class_phrase("7"), class_phrase("class 7")
    ('class 7', 'class 7')
    """
    return label if re.match("class(?![a-z])", label, re.IGNORECASE) else f"class {label}"
