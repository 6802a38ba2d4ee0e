"""The result of a comparison of runs: metrics of each, and a ranking if it would be fair."""

from dataclasses import dataclass

from vaekit import html
from vaekit.evaluation.catalogue import LIKELIHOOD
from vaekit.evaluation.metric import Metric
from vaekit.evaluation.results import Result
from vaekit.evaluation.seed_spread import SeedSpread

METRICS = ("loss", "reconstruction", "divergence", "importance_weighted_bound")


@dataclass(frozen=True)
class ComparedRun(Result):
    """The metrics of one run, in nats per example, and what it is."""

    run: str
    recipe: str
    data: str
    training_examples: int
    latent_dim: int | None
    parameters: int
    loss: Metric
    reconstruction: Metric
    divergence: Metric
    seconds: float
    epochs: int
    importance_weighted_bound: Metric | None = None


@dataclass(frozen=True)
class RankedRun(Result):
    """A run with its difference to the best one, taken example by example."""

    run: str
    behind: Metric


@dataclass(frozen=True)
class Comparison(Result):
    """Runs on the same examples.

    Attributes:
        data: The dataset.
        split: The part evaluated.
        examples: Number of examples.
        unit: Unit of the metrics.
        importance_samples: K of the importance-weighted bound, if asked for.
        seed: Seed of the noise.
        runs: One line per run.
        ranking: Runs from best to worst; None if their protocols differ.
        ranked_by: The metric that they are ranked by.
        unranked_reasons: In what the protocols differ.
        files: Paths of the plots.
        plot_failure: Why the plots are missing, if they failed.
        seed_spreads: For runs that differ in their seed alone, the spread of the loss.
    """

    data: str
    split: str
    examples: int
    unit: str
    seed: int
    runs: tuple[ComparedRun, ...]
    importance_samples: int | None = None
    ranking: tuple[RankedRun, ...] | None = None
    ranked_by: str | None = None
    unranked_reasons: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    plot_failure: str | None = None
    seed_spreads: tuple[SeedSpread, ...] = ()

    @property
    def title(self) -> str:
        """The examples that the runs were evaluated on."""
        part = f"{self.examples:,} {self.split} examples of {self.data}"
        return f"{part}, seed {self.seed}; {self.unit}"

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics that were measured."""
        return tuple(name for name in METRICS if getattr(self.runs[0], name) is not None)

    @property
    def rows(self) -> list[dict[str, str]]:
        """Facts and metrics of each run as text, by title."""
        return [self._row(run) for run in self.runs]

    def _row(self, run: ComparedRun) -> dict[str, str]:
        metrics = {self._heading(name): _value(run, name) for name in self.metrics}
        return {
            "run": run.run,
            "recipe": run.recipe,
            "examples": f"{run.training_examples:,}",
            "latent": "-" if run.latent_dim is None else f"{run.latent_dim:,}",
            "parameters": f"{run.parameters:,}",
            **metrics,
            "seconds": f"{run.seconds:.0f}",
            "epochs": str(run.epochs),
        }

    def _heading(self, name: str) -> str:
        title = LIKELIHOOD[name].title
        if name == "importance_weighted_bound":
            title += f" (K = {self.importance_samples})"
        return title

    @property
    def precision(self) -> str:
        """The largest standard error, in words."""
        errors = (getattr(run, name).standard_error for run in self.runs for name in self.metrics)
        return f"standard errors up to {max(error or 0.0 for error in errors):.2f}"

    @property
    def verdict(self) -> str:
        """The ranking in words, or why there is none."""
        if self.ranking is None:
            return f"not ranked, protocols differ in {', '.join(self.unranked_reasons)}"
        info = LIKELIHOOD[self.ranked_by or "loss"]
        best, *others = self.ranking
        behind = (
            f"{each.run} (behind by {html.format_metric(each.behind, info.digits)})"
            for each in others
        )
        return f"ranked by {info.title}: {', '.join([best.run, *behind])}"

    def _repr_html_(self) -> str:
        """A row per run, the ranking, and the spread over seeds."""
        rows = self.rows
        table = html.table((list(row.values()) for row in rows), html.CELL, list(rows[0]))
        notes = [self.precision, self.verdict, *(each.text for each in self.seed_spreads)]
        if self.plot_failure is not None:
            notes.append(self.plot_failure)
        return html.card(self.title, table, *map(html.note, notes))


def _value(run: ComparedRun, name: str) -> str:
    value = getattr(run, name).value
    return "-" if value is None else f"{value:.{LIKELIHOOD[name].digits}f}"
