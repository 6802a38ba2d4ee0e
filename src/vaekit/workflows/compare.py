"""Compare runs on the same examples."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

import numpy as np
from torch import Tensor

from vaekit.arguments import as_path, whole_number
from vaekit.data import Dataset, Examples
from vaekit.data.splits import SplitName
from vaekit.errors import ConfigError, DataError, RequestError, reason_of
from vaekit.evaluation.catalogue import NATS
from vaekit.evaluation.comparison import ComparedRun, Comparison, RankedRun
from vaekit.evaluation.marginal_likelihood import NO_BOUND
from vaekit.evaluation.metric import Metric
from vaekit.evaluation.protocol import differences, protocol
from vaekit.evaluation.seed_spread import SeedSpread, spreads
from vaekit.inference.bounds import ExampleTerms, elbo_per_example, importance_weighted_bound
from vaekit.inputs.tracked import track_inputs
from vaekit.run_plots.context import PlotContext
from vaekit.runs import Run, as_run
from vaekit.runs.dataset_source import load_dataset
from vaekit.runs.example_selection import ExampleSelection
from vaekit.runs.folder import load_split
from vaekit.runs.run_data import RunData, data_name
from vaekit.runtime.device import keep_freed_memory
from vaekit.runtime.library_call import library_call
from vaekit.workflows.comparison_plots import check_plot_file, curves_path, plot_comparison
from vaekit.workflows.evaluate import term_metrics

MAX_RUNS = 8


@dataclass(frozen=True)
class EvaluatedRun:
    """A run's loss terms, and its bound if asked for and defined, per example."""

    context: PlotContext
    terms: ExampleTerms
    bound: Tensor | None

    @property
    def ranked_values(self) -> Tensor:
        """What runs are ranked by, lower being better: [N]."""
        return self.terms.loss if self.bound is None else -self.bound


@library_call
def compare(
    runs: Sequence[Run | str | os.PathLike],
    *,
    split: SplitName | None = None,
    data: object = None,
    max_examples: int | None = None,
    importance_samples: int | None = None,
    out: str | os.PathLike | None = None,
    seed: int = 0,
) -> Comparison:
    """Compare 2 to 8 runs of the same dataset on the same examples with the same seed.

    Args:
        runs: Runs or their folders.
        split: The part of the dataset that all runs have in common; default test.
        data: New location of the dataset, or the dataset itself.
        max_examples: Compare only the first N common examples.
        importance_samples: K of the importance-weighted bound; default without it.
        out: A plot (.png, .pdf, .svg) of codes, reconstructions, perturbed codes and samples; the
            training curves go to a second file NAME-curves.
        seed: Seed of the noise.

    Returns:
        Metrics per run, and a ranking if the protocols agree.

    Raises:
        ConfigError: Wrong options.
        DataError: Runs that have no examples in common.

    >>> comparison = compare(["runs/conv", "runs/mlp"])
    >>> [line.run for line in comparison.runs]
    ['conv', 'mlp']
    """
    split = split or "test"
    _check_request(runs, max_examples, importance_samples, out)
    keep_freed_memory()
    names = _names(runs)
    loaded = {name: as_run(run) for name, run in zip(names, runs, strict=True)}
    _check_same_data(loaded)
    first = next(iter(loaded.values()))
    dataset = load_dataset(first.config, data, directory=first.directory)
    own = {
        name: RunData(run, dataset, load_split(run.folder, run.run_id, run.summary))
        for name, run in loaded.items()
    }
    examples = _common_examples(list(own.values()), dataset, split, max_examples)
    evaluated = {
        name: _evaluate(each, examples, split, importance_samples, seed)
        for name, each in own.items()
    }
    table = tuple(
        _compared(name, own[name], each, importance_samples) for name, each in evaluated.items()
    )
    files, failure = _plot(
        None if out is None else as_path("out", out), evaluated, table, split, seed
    )
    ranking, ranked_by, reasons = _ranking(loaded, evaluated)
    return Comparison(
        data=first.config.data.source,
        split=split,
        examples=len(examples),
        unit=NATS,
        seed=seed,
        runs=table,
        importance_samples=importance_samples,
        ranking=ranking,
        ranked_by=ranked_by,
        unranked_reasons=reasons,
        files=files,
        plot_failure=failure,
        seed_spreads=_seed_spreads(loaded, table),
    )


# --- Runs and examples -----------------------------------------------------------------------


def _check_request(
    runs: Sequence,
    max_examples: int | None,
    importance_samples: int | None,
    out: str | os.PathLike | None,
) -> None:
    """Refuse what can be refused before anything is read."""
    count = 1 if isinstance(runs, str | os.PathLike) else len(runs)
    if not 2 <= count <= MAX_RUNS:
        raise ConfigError.for_value("runs", count, f"2 to {MAX_RUNS} runs")
    numbers = {"max_examples": max_examples, "importance_samples": importance_samples}
    for name, value in numbers.items():
        if value is not None:
            whole_number(name, value, 1)
    if out is not None:
        check_plot_file(as_path("out", out))
        curves_path(Path(out))


def _names(runs: Sequence[Run | str | os.PathLike]) -> list[str]:
    """The names of the run folders, or their paths if two names are equal."""
    paths = [run.folder if isinstance(run, Run) else as_path("runs", run) for run in runs]
    resolved = [Path(os.path.realpath(path)) for path in paths]  # allows circular links
    for i, path in enumerate(paths):
        if resolved[i] in resolved[:i]:
            raise ConfigError.for_value(
                "runs", str(path), "different runs", problem="a run is listed twice"
            )
    short = [path.name for path in resolved]
    return [
        name if short.count(name) == 1 else str(path)
        for name, path in zip(short, paths, strict=True)
    ]


def _check_same_data(runs: dict[str, Run]) -> None:
    (first_name, first), *others = runs.items()
    for name, other in others:
        facts = {
            "shape": (first.model.data_shape, other.model.data_shape),
            "support": (first.support, other.support),
            "dataset": (data_name(first), data_name(other)),
            "dataset content": (first.config.data.fingerprint, other.config.data.fingerprint),
        }
        for fact, (a, b) in facts.items():
            if a != b:
                raise DataError(
                    f"the runs were trained on different data: {first_name} has {fact} {a}, "
                    f"{name} has {b}. Compare runs of one dataset.",
                    parameter="runs",
                )


def _common_examples(
    runs: list[RunData], dataset: Dataset, split: SplitName, max_examples: int | None
) -> Examples:
    """The examples that belong to the part in every run."""
    parts = [each.split.where(dataset, split) for each in runs]
    source = parts[0][0]
    if any(examples is not source for examples, _ in parts):
        raise DataError(
            f"the runs have no {split} examples in common: some validated on test examples. "
            "Compare them on the test split.",
            parameter="split",
        )
    common = reduce(np.intersect1d, (indices for _, indices in parts))[:max_examples]
    if not len(common):
        raise DataError(
            f"the runs have no {split} examples in common: they were split with other seeds. "
            "Train them with one seed.",
            parameter="split",
        )
    return source.select(common)


def _plot(
    out: Path | None,
    evaluated: dict[str, EvaluatedRun],
    table: Sequence[ComparedRun],
    split: str,
    seed: int,
) -> tuple[tuple[str, ...], str | None]:
    """The paths of the plots, or why they failed, which does not cost the metrics."""
    if out is None:
        return (), None
    contexts = {name: each.context for name, each in evaluated.items()}
    try:
        paths = plot_comparison(out, contexts, table, split, seed)
    except RequestError:
        raise
    except Exception as error:
        return (), f"the plots failed: {reason_of(error)}."
    return tuple(map(str, paths)), None


# --- Metrics ---------------------------------------------------------------------------------


def _evaluate(
    own: RunData, examples: Examples, split: str, samples: int | None, seed: int
) -> EvaluatedRun:
    selection = ExampleSelection(examples, split, own)
    context = PlotContext(own.run, lambda: selection, lambda: own)
    inputs = track_inputs(own.run.inputs(examples))
    terms = elbo_per_example(own.run.model, inputs, seed=seed)
    bound = None
    if samples is not None and terms.divergence.shape[1]:
        bound = importance_weighted_bound(own.run.model, inputs, samples, seed=seed)
    return EvaluatedRun(context, terms, bound)


def _compared(name: str, own: RunData, evaluated: EvaluatedRun, samples: int | None) -> ComparedRun:
    run, terms = own.run, term_metrics(evaluated.terms)
    return ComparedRun(
        run=name,
        recipe=run.config.recipe,
        data=run.config.data.source,
        training_examples=len(own.split.train),
        latent_dim=run.config.latent_dim,
        parameters=sum(count.total for count in run.model.count_parameters().values()),
        loss=terms.loss,
        reconstruction=terms.reconstruction,
        divergence=terms.divergence,
        seconds=sum(run.history.get("seconds", ())),
        epochs=len(run.history.get("epoch", ())),
        importance_weighted_bound=_bound_metric(evaluated, samples),
    )


def _bound_metric(evaluated: EvaluatedRun, samples: int | None) -> Metric | None:
    """The bound, why there is none, or None if it was not asked for."""
    if samples is None:
        return None
    if evaluated.bound is None:
        return Metric(None, unavailable=NO_BOUND)
    return Metric.mean_of(evaluated.bound)


def _ranking(
    runs: dict[str, Run], evaluated: dict[str, EvaluatedRun]
) -> tuple[tuple[RankedRun, ...] | None, str | None, tuple[str, ...]]:
    """Runs from best to worst with the metric; or why they are not ranked."""
    protocols = {name: protocol(run) for name, run in runs.items()}
    if reasons := differences(protocols):
        return None, None, tuple(reasons)
    order = sorted(evaluated, key=lambda name: evaluated[name].ranked_values.mean().item())
    best = evaluated[order[0]].ranked_values
    ranking = tuple(
        RankedRun(name, Metric.mean_of(evaluated[name].ranked_values - best)) for name in order
    )
    has_bounds = all(each.bound is not None for each in evaluated.values())
    return ranking, "importance_weighted_bound" if has_bounds else "loss", ()


def _seed_spreads(runs: dict[str, Run], table: Sequence[ComparedRun]) -> tuple[SeedSpread, ...]:
    configurations = [run.config.changed({"seed": 0}).to_yaml() for run in runs.values()]
    return spreads({line.run: line.loss for line in table}, configurations)
