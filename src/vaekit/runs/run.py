"""The `Run` object: a trained model, used on data in the units of its dataset."""

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vaekit.arguments import MAX_DRAWS, whole_number
from vaekit.config import Settings
from vaekit.core.modules import eval_mode
from vaekit.core.vae import VAE
from vaekit.data import Examples
from vaekit.data.checks import Labels, as_array, check_inputs, check_labels, check_numeric
from vaekit.data.readers.image_arrays import pillow_images
from vaekit.data.support import Support, Transform
from vaekit.errors import ConfigError, DataError
from vaekit.inference import encode_decode, imputation
from vaekit.inference.encode_decode import LatentCodes, LatentSampler
from vaekit.inference.finite import check_finite, sampling_errors
from vaekit.inputs import (
    ModelInputs,
    as_tensor,
    concat_batches,
    max_batch_examples,
    to_model,
    values_per_example,
)
from vaekit.json_types import JsonObject
from vaekit.runs.dataset_source import read_as_configured
from vaekit.runs.directory import from_directory, working_directory
from vaekit.runs.run_inputs import inputs_of_examples
from vaekit.runs.verdict import Finding, read_verdict
from vaekit.runtime.library_call import library_call
from vaekit.runtime.seeding import seeded_noise

MAX_COUNT = 1_000_000

Data = Any  # an array or a tensor, one image or several of Pillow, or `Examples`


@dataclass
class Run:
    """A trained model with its configuration and metrics, for use on data in their own units.

    Attributes:
        path: The run folder, as it was named; `folder` is valid in any working directory.
        config: The complete configuration.
        model: The best weights, in evaluation mode.
        history: Columns of metrics.csv by name, one value per epoch.
        summary: The content of summary.json, whose keys `load_summary` has validated; empty while
            training has not finished.
        directory: The working directory in which the run was trained or loaded: where relative
            paths start, of the run folder and of its dataset.
        run_id: What all files of the run folder have in common; None for older folders.

    >>> codes = run.encode(images)
    >>> codes.mean.shape
    (60, 2)
    >>> run.decode(codes.mean).shape
    (60, 1, 8, 8)
    >>> run.sample(4, seed=0).shape
    (4, 1, 8, 8)
    """

    path: Path
    config: Settings
    model: VAE
    history: dict[str, list[float]] = field(default_factory=dict)
    summary: JsonObject = field(default_factory=dict)
    directory: Path = field(default_factory=working_directory)
    run_id: str | None = None

    # --- Facts -----------------------------------------------------------------------------------

    @property
    def folder(self) -> Path:
        """The path of the run folder from the current working directory."""
        return from_directory(self.path, self.directory)

    @property
    def support(self) -> Support:
        """The support of the raw data; binary if they were binarized."""
        if self.config.data.binarize:
            return Support.parse("binary")
        return Support.parse(self.config.data.support or "real")

    @property
    def transform(self) -> Transform:
        """From raw data to what the model takes, and back."""
        return self.support.transform(self.model.likelihood.accepts)

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names of a conditional run; empty if the run is not conditional."""
        return self.config.data.classes if self.model.classes else ()

    @property
    def best_epoch(self) -> int | None:
        """The epoch, from 1, whose weights were saved; None if it is not recorded."""
        return self.summary.get("best_epoch")

    @property
    def verdict(self) -> tuple[Finding, ...]:
        """The problems that training showed, the worst first; none if it went well."""
        return read_verdict(self.summary)

    @property
    def second_stage_epoch(self) -> int | None:
        """The first epoch, from 1, of the stage that trains the prior alone.

        None for runs of one stage, and while early stopping may still end the first one.
        """
        epochs = len(self.history.get("epoch", ()))
        training = self.config.training
        if not getattr(self.model.prior, "second_stage", False):
            return None
        first = training.epochs
        if training.patience is not None:
            prior_epochs = self.config.prior_stage.epochs
            first = epochs - prior_epochs if self.summary and prior_epochs else None
        return first + 1 if first and first < epochs else None

    # --- Use -------------------------------------------------------------------------------------

    @library_call
    def encode(self, x: Data, labels: Labels = None) -> LatentCodes:
        """Encode examples.

        Args:
            x: Raw examples [N, *shape].
            labels: Class names of a conditional run, one per example or one for all.

        Returns:
            Means and standard deviations of q(z|x), [N, L] each; `run.model.encode(run.prepare(x))`
            is q(z|x) as a torch distribution.

        Raises:
            DataError: Examples of another shape or support, or unknown class names.
        """
        return encode_decode.encode(self.model, self.inputs(x, labels))

    def iter_encode(self, x: Data, labels: Labels = None) -> Iterator[LatentCodes]:
        """`encode`, batch by batch."""
        return encode_decode.iter_encode(self.model, self.inputs(x, labels))

    @library_call
    def decode(self, z: np.ndarray | Tensor, labels: Labels = None) -> np.ndarray:
        """Decode latent codes [N, L] to the means of p(x|z), [N, *shape] in raw units.

        Raises:
            DataError: Codes of another shape, NaN or infinity, or unknown class names.
        """
        return _concat(self.iter_decode(z, labels), len(z))

    def iter_decode(self, z: np.ndarray | Tensor, labels: Labels = None) -> Iterator[np.ndarray]:
        """`decode`, batch by batch."""
        z = self.check_latents(z)
        y = self.condition(labels, len(z))
        return self._raw_units(encode_decode.iter_decode_means(self.model, z, y))

    @library_call
    def reconstruct(self, x: Data, labels: Labels = None) -> np.ndarray:
        """Reconstruct examples: the means of p(x|z) at the posterior means, in raw units."""
        inputs = self.inputs(x, labels)
        with torch.no_grad(), eval_mode(self.model):
            batches = (
                check_finite(self.model.reconstruct(x, y), "reconstructions")
                for x, y in inputs.batches(self.model)
            )
            return _concat(self._raw_units(batches), len(inputs))

    @library_call
    def sample(
        self,
        count: int,
        labels: Labels = None,
        *,
        seed: int | None = None,
        latents: LatentSampler | None = None,
        sample_likelihood: bool = False,
    ) -> np.ndarray:
        """Sample new examples in raw units, [count, *shape].

        Args:
            count: Number of samples, at most a million.
            labels: Class names of a conditional run; default all in turn.
            seed: Seed of the noise; default the state of PyTorch's generator.
            latents: Sampler of the latent codes, such as that of a mixture; default the prior.
            sample_likelihood: Sample p(x|z) instead of taking its mean.

        Raises:
            ConfigError: A count that is out of range.
            DataError: Unknown class names.
        """
        batches = self.iter_sample(
            count, labels, seed=seed, latents=latents, sample_likelihood=sample_likelihood
        )
        return _concat(batches, count)

    def iter_sample(
        self,
        count: int,
        labels: Labels = None,
        *,
        seed: int | None = None,
        latents: LatentSampler | None = None,
        sample_likelihood: bool = False,
    ) -> Iterator[np.ndarray]:
        """`sample`, batch by batch."""
        z, y = self.sample_latents(count, labels, seed=seed, latents=latents)
        if not sample_likelihood:
            return self._raw_units(encode_decode.iter_decode_means(self.model, z, y))
        if seed is None:
            seed = int(torch.randint(2**62, ()))
        return self._raw_units(encode_decode.iter_decode_samples(self.model, z, y, seed=seed))

    @library_call
    def sample_latents(
        self,
        count: int,
        labels: Labels = None,
        *,
        seed: int | None = None,
        latents: LatentSampler | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        """The latent codes [count, *latent shape] that `sample` decodes, and their classes."""
        count = check_count(count)
        y = self.condition(self.classes_in_turn(count) if labels is None else labels, count)
        with nullcontext() if seed is None else seeded_noise(seed):
            if latents is None:
                return encode_decode.sample_prior(self.model, count, y), y
            if not callable(latents):
                raise ConfigError.for_value("latents", latents, "a function")
            codes = self.check_latents(latents(count, y))
            if len(codes) != count:
                raise ConfigError.for_value("latents", len(codes), f"{count} latent codes")
            return codes.reshape(count, *self.model.latent_shape), y

    @library_call
    def score(
        self,
        x: Data,
        labels: Labels = None,
        *,
        metric: str = "bound",
        samples: int = 20,
        seed: int = 0,
    ) -> np.ndarray:
        """Score examples for anomalies, [N]: the higher, the less like the training data.

        Args:
            x: Raw examples [N, *shape].
            labels: Class names of a conditional run.
            metric: bound, loss, reconstruction, latent (nats); typicality, density (relative to
                the run's own dataset, which is read).
            samples: Samples of z per example, at most a million.
            seed: Seed of the noise.

        Raises:
            ConfigError: An unknown metric, or one that the posterior does not have.
        """
        from vaekit.runs.run_scores import score_inputs

        return score_inputs(self, self.inputs(x, labels), metric, samples=samples, seed=seed)

    @library_call
    def impute(
        self,
        x: Data,
        missing: np.ndarray,
        labels: Labels = None,
        *,
        iterations: int = 100,
        proposals: int = 50,
        seed: int = 0,
    ) -> np.ndarray:
        """Replace missing values by their expectation given the observed ones, in raw units.

        Args:
            x: Raw examples [N, *shape]; placeholders of missing values are ignored.
            missing: bool [N, *shape].
            labels: Class names of a conditional run.
            iterations: Iterations of the sampler.
            proposals: Latent codes proposed per iteration.
            seed: Seed of the noise.

        Raises:
            ConfigError: A likelihood that does not allow it, or options out of range.
            DataError: A mask of another shape.
        """
        iterations = whole_number("iterations", iterations, 1, MAX_DRAWS)
        proposals = whole_number("proposals", proposals, 1, MAX_DRAWS)
        inputs = self.inputs(x, labels)
        missing = imputation.check_mask(missing, inputs.x.shape)
        batch_size = max_batch_examples(values_per_example(self.model), proposals)
        imputed = []
        start = 0
        for step, (batch, y) in enumerate(inputs.batches(self.model, batch_size)):
            mask = torch.from_numpy(missing[start : start + len(batch)]).to(batch.device)
            with (
                eval_mode(self.model),
                seeded_noise(seed, step),
                sampling_errors("missing values"),
            ):
                imputed.append(
                    imputation.impute(
                        self.model, batch, mask, y, iterations=iterations, proposals=proposals
                    )
                )
            start += len(batch)
        checked = (check_finite(batch, "imputed values") for batch in imputed)
        means = np.concatenate(list(self._raw_units(checked)))
        return np.where(missing, means, inputs.x)

    # --- Inputs and outputs ----------------------------------------------------------------------

    def inputs(self, x: Data, labels: Labels = None) -> ModelInputs:
        """Examples as inputs of the model; DataError unless they suit it."""
        if isinstance(x, Examples):
            return inputs_of_examples(self, x, labels)
        raw = self.check_examples(x)
        numbers = check_labels(labels, self.classes, len(raw))
        return ModelInputs(raw, self.transform, y=numbers)

    def check_examples(self, x: Data) -> np.ndarray:
        """Raw examples as [N, *shape], channels first; DataError for another shape or support."""
        if images := pillow_images(x):
            x = read_as_configured(images, self.config, self.model.data_shape[0])
        return check_inputs(x, self.model.data_shape, self.support)

    def prepare(self, x: Data) -> Tensor:
        """Raw examples [N, *shape] as the model takes them, on its device."""
        return to_model(as_tensor(self.check_examples(x)), self.model, self.transform)

    def check_latents(self, z: np.ndarray | Tensor) -> Tensor:
        """Latent codes [N, L] or [N, *latent shape] as the model takes them, on its device."""
        array = as_array(z, "z", parameter="z")
        check_numeric(array, "z", parameter="z")
        z = as_tensor(array)
        size = self.model.latent_shape.numel()
        if z.shape[1:] == self.model.latent_shape:
            z = z.flatten(1)
        if z.dim() != 2 or z.shape[1] != size or not len(z):
            raise DataError.for_value(
                "z", tuple(z.shape), f"[N, {size}]", problem="latent codes have the wrong shape"
            )
        z = z.to(next(self.model.parameters()))
        if not torch.isfinite(z).all():
            raise DataError(
                "latent codes contain NaN or infinity. Pass finite values.", parameter="z"
            )
        return z.reshape(-1, *self.model.latent_shape)

    def condition(self, labels: Labels, count: int) -> Tensor | None:
        """Class numbers [count] of a conditional model from class names; None without classes."""
        numbers = check_labels(labels, self.classes, count)
        if numbers is None:
            return None
        return torch.tensor(numbers, device=next(self.model.parameters()).device)

    def classes_in_turn(self, count: int) -> list[str] | None:
        """`count` class names, one class after the other; None if the run is not conditional."""
        names = self.classes
        return [names[i % len(names)] for i in range(count)] if names else None

    def _raw_units(self, batches: Iterator[Tensor]) -> Iterator[np.ndarray]:
        return (self.transform.inverse(batch).numpy(force=True) for batch in batches)

    # --- Display ---------------------------------------------------------------------------------

    def __repr__(self) -> str:
        state = "" if self.summary else ", unfinished"
        recipe, data = self.config.recipe, self.config.data.source
        return f"Run({str(self.path)!r}, recipe {recipe}, data {data}{state})"

    def _repr_html_(self) -> str:
        """The card that a notebook shows."""
        from vaekit.runs.run_card import run_card

        return run_card(self)


def check_count(count: int) -> int:
    """A number of samples that can be drawn at once; ConfigError for any other."""
    return whole_number("count", count, 1, MAX_COUNT)


def _concat(batches: Iterator[np.ndarray], count: int) -> np.ndarray:
    return concat_batches(((torch.from_numpy(batch),) for batch in batches), count)[0].numpy()
