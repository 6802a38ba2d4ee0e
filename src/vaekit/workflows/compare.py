"""Runs side by side, on the same rows."""

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from vaekit.data import Dataset, Examples, evenly_spaced_indices
from vaekit.data.splits import SplitName
from vaekit.errors import ConfigError, DataError
from vaekit.evaluation import Estimate, ExampleTerms, elbo_per_example, importance_weighted_bound
from vaekit.evaluation.protocol import differences, protocol
from vaekit.inference.encode_decode import decode_means, sample_means
from vaekit.inputs.tracked import TrackedInputs
from vaekit.run_plots.context import PlotContext, data_name
from vaekit.runs import Run, load_run, load_split
from vaekit.runs.run_data import as_inputs
from vaekit.runtime.seeding import seeded_noise
from vaekit.workflows.evaluate import term_figures
from vaekit.workflows.training_setup import load_data
from vaekit.workflows.use import reconstruct_examples

if TYPE_CHECKING:
    from vaekit.plots import Column

MOST = 8
SHOWN, SAMPLES, DIRECTIONS = 5, 10, 3
DISTANCES = (0.0, 0.5, 1.0, 2.0, 4.0)
SHARES = (0.0, 0.125, 0.25, 0.5, 1.0)


def compare(
    runs: Sequence[Run | str | os.PathLike],
    *,
    split: SplitName | None = None,
    limit: int | None = None,
    samples: int | None = None,
    data: Any = None,
    out: str | os.PathLike | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """The figures of 2 to 8 runs on the same rows with the same seed, in nats per row, and two pictures of them.

    The rows are those that belong to `split` in every run; runs of different data are refused. limit: the first so many of
    them. samples: K of the importance-weighted bound, which is left out without. data: the dataset, where it is at hand.
    out: a picture (.png, .pdf, .svg) with codes, reconstructions, codes pushed away, and samples of the prior. The curves
        of training go beside it, as NAME-curves: they grow with time and not with runs, and suit a page of their own.

    Raises ConfigError and DataError where runs cannot be compared.
    """
    split = split or "test"
    _check_request(runs, limit, samples, out)
    loaded = {
        name: run if isinstance(run, Run) else load_run(run)
        for name, run in zip(_names(runs), runs, strict=True)
    }
    _check_same_data(loaded)
    rows = _common_rows(
        list(loaded.values()), load_data(next(iter(loaded.values())).config, data), split, limit
    )
    contexts = {name: PlotContext(run, lambda: rows) for name, run in loaded.items()}
    judged = {name: _judged(context, samples, seed) for name, context in contexts.items()}
    table = [_figures(name, contexts[name], values, samples) for name, values in judged.items()]
    found = {
        "data": next(iter(loaded.values())).config.data.source,
        "split": split,
        "rows": len(rows),
        "unit": "nats per row",
        "samples": samples,
        "seed": seed,
        "runs": table,
        **_ranking({name: protocol(run) for name, run in loaded.items()}, judged),
    }
    return found | {
        "files": []
        if out is None
        else [str(path) for path in _pictures(Path(out), contexts, table, split, seed)]
    }


def curves_beside(out: Path) -> Path:
    """Where the curves go, beside the picture."""
    return out.with_name(f"{out.stem}-curves{out.suffix}")


# --- Which runs, which rows ------------------------------------------------------------------------------------------------


def _check_request(
    runs: Sequence, limit: int | None, samples: int | None, out: str | os.PathLike | None
) -> None:
    """What can be refused before anything is read."""
    if isinstance(runs, str | os.PathLike) or not 2 <= len(runs) <= MOST:
        given = 1 if isinstance(runs, str | os.PathLike) else len(runs)
        raise ConfigError(f"compare takes 2 to {MOST} runs, not {given}: name their folders")
    for name, value in (("limit", limit), ("samples", samples)):
        if value is not None and value < 1:
            raise ConfigError(f"{name} = {value}: at least 1")
    if out is not None and Path(out).suffix.lower() not in (".png", ".pdf", ".svg"):
        raise ConfigError(f"{out} cannot be written: a comparison is a .png, .pdf or .svg")


def _names(runs: Sequence[Run | str | os.PathLike]) -> list[str]:
    """Runs by the names of their folders, or by the whole path where two are called the same."""
    paths = [run.path if isinstance(run, Run) else Path(run) for run in runs]
    for i, path in enumerate(paths):
        if path.resolve() in [other.resolve() for other in paths[:i]]:
            raise ConfigError(f"{path} is given twice: compare different runs")
    short = [path.resolve().name for path in paths]
    return [
        name if short.count(name) == 1 else str(path)
        for name, path in zip(short, paths, strict=True)
    ]


def _check_same_data(runs: dict[str, Run]) -> None:
    (first, one), *others = runs.items()
    for name, other in others:
        for what, a, b in (
            ("rows of shape", one.model.data_shape, other.model.data_shape),
            ("values that are", one.support, other.support),
            ("the data", data_name(one), data_name(other)),
        ):
            same = (
                one.config.data.fingerprint == other.config.data.fingerprint
                if what == "the data"
                else a == b
            )
            if not same:
                why = f"{a}, {name} on {b}" if a != b else f"{a}, {name} on others of that name"
                raise DataError(
                    f"{first} was trained on {what} {why}: figures of different data say nothing beside each other"
                )


def _common_rows(
    runs: list[Run], dataset: Dataset, split: SplitName, limit: int | None
) -> Examples:
    """The rows that belong to the split in every run."""
    places = [load_split(run.path).where(dataset, split) for run in runs]
    whole = places[0][0]
    if any(rows is not whole for rows, _ in places):
        raise DataError(
            f"some of these runs validated on the test rows: they have no {split} rows in common, try --split test"
        )
    common = reduce(np.intersect1d, (indices for _, indices in places))[:limit]
    if not len(common):
        raise DataError(
            f"these runs have no {split} rows in common: they were split by different seeds, train with the same"
        )
    return whole.select(common)


# --- Figures ---------------------------------------------------------------------------------------------------------------


class _Judged(NamedTuple):
    """A run's terms, and its bound where that was asked for and there is one, row by row."""

    terms: ExampleTerms
    bound: Tensor | None

    @property
    def best(self) -> Tensor:
        """What runs are ranked by, lower being better."""
        return self.terms.loss if self.bound is None else -self.bound


def _judged(context: PlotContext, samples: int | None, seed: int) -> _Judged:
    model, inputs = context.run.model, TrackedInputs(**vars(as_inputs(context.run, context.rows)))
    terms = elbo_per_example(model, inputs, seed=seed)
    if samples is None or not terms.divergence.shape[1]:
        return _Judged(terms, None)
    return _Judged(terms, importance_weighted_bound(model, inputs, samples, seed=seed))


def _ranking(protocols: dict[str, dict[str, str]], judged: dict[str, _Judged]) -> dict[str, Any]:
    """Runs from the best to the worst, each with what it is behind the best, row by row; or why they have no order."""
    if apart := differences(protocols):
        return {"ranking": None, "why_no_ranking": apart}
    order = sorted(judged, key=lambda name: judged[name].best.mean().item())
    behind = {name: Estimate.of(judged[name].best - judged[order[0]].best) for name in order}
    by = (
        "loss"
        if any(each.bound is None for each in judged.values())
        else "importance_weighted_bound"
    )
    return {
        "ranked_by": by,
        "ranking": [
            {"run": name, "behind": estimate._asdict()} for name, estimate in behind.items()
        ],
    }


def _figures(
    name: str, context: PlotContext, judged: _Judged, samples: int | None
) -> dict[str, Any]:
    run, figures = context.run, term_figures(judged.terms)
    if samples is not None:
        figures["importance_weighted_bound"] = (
            None if judged.bound is None else Estimate.of(judged.bound)._asdict()
        )
    return {
        "run": name,
        "recipe": run.config.recipe,
        "data": run.config.data.source,
        "training_examples": len(load_split(run.path).train),
        "latent_dim": run.config.latent_dim,
        "parameters": sum(count.total for count in run.model.count_parameters().values()),
        **figures,
        "seconds": sum(run.history.get("seconds", ())),
        "epochs": len(run.history.get("epoch", ())),
    }


# --- Pictures --------------------------------------------------------------------------------------------------------------


def _pictures(
    out: Path,
    contexts: dict[str, PlotContext],
    table: list[dict[str, Any]],
    split: SplitName,
    seed: int,
) -> list[Path]:
    from vaekit.plots import compared_curves, comparison, save

    first = next(iter(contexts.values()))
    classes = first.run.config.data.classes
    with torch.no_grad():
        columns = [
            replace(_column(context, seed), name=name, note=_note(row))
            for (name, context), row in zip(contexts.items(), table, strict=True)
        ]
    some = "" if len(first.shown) == len(first.rows) else f", {len(first.shown):,} of them as dots"
    title = f"{len(columns)} runs on {first.name}, {len(first.rows):,} {split} rows{some}"
    paths = [save(comparison(columns, first.shown.y, classes, title=title), out)]
    curves, kept = {}, {}
    for (name, context), row in zip(contexts.items(), table, strict=True):
        if context.run.history:
            told = name if row["divergence"] else f"{name} (no divergence)"
            curves[told], kept[told] = _curves(context.run, row), context.run.best_epoch
    if curves:
        title = f"Training of {len(curves)} runs on {first.name}"
        paths.append(save(compared_curves(curves, kept, title=title), curves_beside(out)))
    return paths


def _curves(run: Run, row: dict[str, Any]) -> dict[str, np.ndarray]:
    columns = {name: np.asarray(values) for name, values in run.history.items()}
    if not row["divergence"]:
        columns |= {
            name: np.full_like(columns[name], np.nan)
            for name in ("train_divergence", "val_divergence")
        }
    return columns


def _note(row: dict[str, Any]) -> str:
    if not row["divergence"]:
        return f"reconstruction {row['reconstruction']['value']:.1f} nats"
    return f"loss {row['loss']['value']:.1f} nats, divergence {row['divergence']['value']:.1f}"


def _column(context: PlotContext, seed: int) -> "Column":
    from vaekit.plots import Column, project

    run = context.run
    discrete = run.model.codebook is not None
    points, axes, _ = project(context.codes, "pca" if discrete else "active", context.activity)
    if len(run.model.data_shape) != 3:
        return Column("", points, axes)
    pairs = reconstruct_examples(run, context.rows, evenly_spaced_indices(len(context.rows), SHOWN))
    with seeded_noise(seed):
        samples = sample_means(run.model, SAMPLES, run.condition(run.in_turn(SAMPLES), SAMPLES))
    z, steps = pushed(context, pairs.codes.mean[0], seed)
    y = (
        None
        if pairs.labels is None or not run.model.classes
        else torch.full((len(z) * len(steps),), int(pairs.labels[0]))
    )
    moved = decode_means(
        run.model, torch.tensor(z).flatten(0, 1).reshape(-1, *run.model.latent_shape), y
    )
    return Column(
        "",
        points,
        axes,
        context.originals(pairs.originals),
        context.originals(pairs.decoded),
        context.pixels(moved.unflatten(0, z.shape[:2])),
        steps,
        context.pixels(samples),
    )


def pushed(context: PlotContext, code: np.ndarray, seed: int) -> tuple[np.ndarray, list[str]]:
    """A code [L] pushed further and further in some directions, [R, S, L], and how far each step is.

    The noise has a root mean square of 1 in units of each dimension's standard deviation over all codes: at distance 1 the
    code has moved as far as codes lie from their mean. Of discrete codes a growing share is replaced by random ones.
    """
    rng = np.random.default_rng(seed)
    if context.run.model.codebook is not None:
        return np.stack([_replaced(context, code, rng) for _ in range(DIRECTIONS)]), [
            f"{share:.0%}" for share in SHARES
        ]
    directions = rng.standard_normal((DIRECTIONS, 1, len(code)))
    directions /= np.sqrt((directions**2).mean(-1, keepdims=True))
    away = np.array(DISTANCES)[None, :, None] * directions * context.draws.std(0)
    return (code + away).astype(np.float32), [f"{distance:g} sd" for distance in DISTANCES]


def _replaced(context: PlotContext, code: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    codes = context.run.model.codebook
    assert codes is not None
    indices = codes.indices(torch.tensor(code).to(codes.vectors).reshape(codes.shape))
    order, others = (
        rng.permutation(codes.positions),
        torch.tensor(rng.integers(codes.count, size=codes.positions)),
    )
    rows = indices.repeat(len(SHARES), 1)
    for row, share in zip(rows, SHARES, strict=True):
        where = torch.tensor(order[: int(np.ceil(share * codes.positions))])
        row[where] = others[where].to(row)
    return codes.embed(rows).flatten(1).numpy(force=True)
