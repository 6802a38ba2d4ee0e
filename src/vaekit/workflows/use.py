"""Use a trained model on raw data: sample, reconstruct, encode, decode."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from vaekit.core.distributions import point_estimate
from vaekit.data import Examples, evenly_spaced_indices
from vaekit.data.splits import SplitName
from vaekit.errors import ConfigError, DataError
from vaekit.inference.encode_decode import iter_decode_means, iter_decode_samples, sample_prior
from vaekit.inputs import concat_batches
from vaekit.runs import Run, check_count
from vaekit.runs.run_data import as_inputs, find_examples
from vaekit.runtime.seeding import seeded_noise

DrawCodes = Callable[[int, Tensor | None], Tensor]
"""So many codes [N, L], where there are classes one for each y [N]."""


class LatentCodes(NamedTuple):
    """Means and standard deviations of q(z given x), [N, L]; of a discrete z the most probable one.

    classes: of the rows by name, where they have any. indices: the entries of the codebook that make z, [N, M], where it is
    discrete.
    """

    mean: np.ndarray
    sigma: np.ndarray
    classes: np.ndarray | None = None
    indices: np.ndarray | None = None


class Reconstruction(NamedTuple):
    """Chosen rows: their indices, the raw originals [N, *shape], labels, codes, and the decoded means in raw units."""

    indices: np.ndarray
    originals: np.ndarray
    labels: np.ndarray | None
    codes: LatentCodes
    decoded: np.ndarray


def sample(run: Run, count: int = 64, **how: Any) -> np.ndarray:
    """`count` samples in raw units, [count, *shape]: z from the prior, then the mean of p(x given z); see `iter_sample`."""
    return _whole(iter_sample(run, count, **how), count)


def iter_sample(
    run: Run,
    count: int,
    *,
    label: str | None = None,
    seed: int = 0,
    draw: bool = False,
    codes: DrawCodes | None = None,
) -> Iterator[np.ndarray]:
    """The same some rows at a time, for what is to go to a file.

    label: of a conditional run, the class; None: all in turn. draw: a value of p(x given z) in the place of its mean.
    codes: what z is drawn from in the place of the prior.
    """
    z, y = sample_latents(run, count, label=label, seed=seed, codes=codes)
    return _in_raw_units(
        run,
        iter_decode_samples(run.model, z, y, seed=seed)
        if draw
        else iter_decode_means(run.model, z, y),
    )


def sample_latents(
    run: Run, count: int, *, label: str | None = None, seed: int = 0, codes: DrawCodes | None = None
) -> tuple[Tensor, Tensor | None]:
    """What `sample` decodes: codes [count, *latent shape], and their classes [count] where the run is conditional."""
    y = run.condition(
        run.in_turn(check_count(count)) if label is None else label, check_count(count)
    )
    with seeded_noise(seed):
        return sample_prior(run.model, count, y) if codes is None else codes(count, y).reshape(
            count, *run.model.latent_shape
        ), y


def encode(run: Run, rows: Examples) -> LatentCodes:
    """The codes of raw rows, batch by batch."""
    classes = None if rows.y is None else np.array(run.config.data.classes)[rows.y]
    mean, sigma, *indices = (part.numpy() for part in concat_batches(_codes(run, rows), len(rows)))
    return LatentCodes(mean, sigma, classes, *indices)


def iter_encode_means(run: Run, rows: Examples) -> Iterator[np.ndarray]:
    """The means of the codes alone, some rows at a time, for what is to go to a file."""
    return (mean.numpy(force=True) for mean, *_ in _codes(run, rows))


@torch.no_grad()
def _codes(run: Run, rows: Examples) -> Iterator[tuple[Tensor, ...]]:
    codebook = run.model.codebook
    for x, y in as_inputs(run, rows).batches(run.model):
        q = run.model.encode(x, y)
        z = point_estimate(q)
        yield (
            z.flatten(1),
            q.stddev.flatten(1),
            *(() if codebook is None else (codebook.indices(z),)),
        )


def decode(
    run: Run, z: np.ndarray | Tensor, label: str | Sequence[str] | None = None
) -> np.ndarray:
    """The means of p(x given z) for codes z [N, L], in raw units, [N, *shape], batch by batch.

    label: of a conditional run, the class of each code or of all.
    """
    return _whole(iter_decode(run, z, label), len(z))


def iter_decode(
    run: Run, z: np.ndarray | Tensor, label: str | Sequence[str] | None = None
) -> Iterator[np.ndarray]:
    """The same some rows at a time, for what is to go to a file."""
    z = run.codes(z)
    return _in_raw_units(run, iter_decode_means(run.model, z, run.condition(label, len(z))))


def _in_raw_units(run: Run, parts: Iterator[Tensor]) -> Iterator[np.ndarray]:
    return (run.transform.inverse(part).numpy(force=True) for part in parts)


def _whole(parts: Iterator[np.ndarray], rows: int) -> np.ndarray:
    return concat_batches(((torch.from_numpy(part),) for part in parts), rows)[0].numpy()


def reconstruct(
    run: Run,
    *,
    indices: Sequence[int] | None = None,
    label: str | None = None,
    split: SplitName | None = None,
    data: Any = None,
) -> Reconstruction:
    """Chosen rows through the model and back: by index in a split of the run's data, or in `data` (a path, an array).

    indices: default ten spread evenly. label: among the rows of that class only.
    """
    rows, _ = find_examples(run, split, data)
    return reconstruct_examples(run, rows, choose_examples(run, rows, indices, label))


def choose_examples(
    run: Run, rows: Examples, indices: Sequence[int] | None, label: str | None
) -> np.ndarray:
    """Which rows are meant: these, by default ten spread evenly, of all or of those of one class."""
    wanted = np.arange(len(rows)) if label is None else _of_class(run, rows, label)
    return wanted[check_indices(indices, len(wanted))]


def reconstruct_examples(
    run: Run, rows: Examples, indices: Sequence[int] | np.ndarray | None
) -> Reconstruction:
    """The rows of these indices, by default ten spread evenly, through the model and back."""
    chosen = check_indices(indices, len(rows))
    picked = rows.select(chosen)
    codes = encode(run, picked)
    labels = list(codes.classes) if run.model.classes and codes.classes is not None else None
    return Reconstruction(chosen, picked.x, picked.y, codes, decode(run, codes.mean, labels))


def _of_class(run: Run, rows: Examples, label: str) -> np.ndarray:
    classes = run.config.data.classes
    if rows.y is None:
        raise DataError("--label needs labels, these rows have none: choose rows by --index")
    if label not in classes:
        raise ConfigError(f"no class {label!r}: the classes are {', '.join(classes)}")
    return np.flatnonzero(rows.y == classes.index(label))


def check_indices(indices: Sequence[int] | np.ndarray | None, rows: int) -> np.ndarray:
    """Indices of rows as an array, by default ten spread evenly; ConfigError for one that is beyond."""
    if indices is None:
        return evenly_spaced_indices(rows, 10)
    wrong = [i for i in indices if not 0 <= i < rows]
    if wrong or not len(indices):
        raise ConfigError(f"index {wrong[0] if wrong else 'missing'}: allowed are 0 to {rows - 1}")
    return np.asarray(indices)


def to_pixels(run: Run, values: np.ndarray | Tensor, like: np.ndarray | None) -> np.ndarray:
    """What the model takes or gives as floats in [0, 1] with 1 or 3 channels; vectors as they are.

    like: raw rows that give real-valued images, which have no scale of their own, theirs.
    """
    values = values.numpy(force=True) if isinstance(values, Tensor) else np.asarray(values)
    if len(run.model.data_shape) != 3:
        return values
    if like is not None and run.transform.kind == "real":
        low, high = np.percentile(like, (0.5, 99.5))
        values = (values - low) / max(high - low, 1e-12)
    if values.shape[-3] not in (1, 3):
        values = np.mean(values, -3, keepdims=True)
    return np.clip(values, 0, 1)
