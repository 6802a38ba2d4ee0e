"""`vaekit sweep`: one recipe under several settings, as ordinary runs in one folder."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console

from vaekit import config as configuration
from vaekit.arguments import as_path
from vaekit.config.schema import PlainOptions
from vaekit.data.building import dataset_name
from vaekit.errors import ConfigError, reason_of
from vaekit.evaluation.metric import Metric
from vaekit.evaluation.seed_spread import SeedSpread, spreads
from vaekit.runs import Run
from vaekit.runtime.library_call import library_call
from vaekit.runtime.terminal_progress import print_line, progress_console
from vaekit.workflows.train import train
from vaekit.workflows.training_setup import check_request

Settings = Mapping[str, str]
"""Values by key of the configuration."""

MAX_RUNS = 100
PLOT_FILE = "rate-distortion.png"
UNIT = "nats per example"
SEED = "seed"


@dataclass(frozen=True)
class SweptRun:
    """One run of a sweep.

    Attributes:
        name: The name of its folder.
        settings: Its values of the settings that differ.
        loss: Test loss in nats per example.
        reconstruction: Test reconstruction in nats per example.
        divergence: Test divergence in nats per example; unavailable for a deterministic posterior.
        epochs: The number of epochs.
        seconds: Seconds of training.
    """

    name: str
    settings: Settings
    loss: Metric
    reconstruction: Metric
    divergence: Metric
    epochs: int
    seconds: int

    def to_dict(self) -> dict[str, object]:
        """The run as JSON values."""
        return {
            "run": self.name,
            **self.settings,
            "loss": self.loss.to_dict(),
            "reconstruction": self.reconstruction.to_dict(),
            "divergence": self.divergence.to_dict(),
            "epochs": self.epochs,
            "seconds": self.seconds,
        }


@dataclass(frozen=True)
class SweepResult:
    """The result of a sweep.

    Attributes:
        out: The folder of the runs.
        runs: The runs, in the order of the settings.
        files: Paths of plots.
        seed_spreads: For each setting with several seeds, the spread of the loss over them.
    """

    out: Path
    runs: tuple[SweptRun, ...]
    files: tuple[Path, ...]
    seed_spreads: tuple[SeedSpread, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """The result as JSON values."""
        return {
            "out": str(self.out),
            "unit": UNIT,
            "runs": [run.to_dict() for run in self.runs],
            "seed_spreads": [spread.to_dict() for spread in self.seed_spreads],
            "files": [str(path) for path in self.files],
        }


@library_call
def sweep(
    recipe: str | None,
    grid: Mapping[str, Sequence[str]],
    *,
    out: str | os.PathLike,
    seeds: int | None = None,
    data: Any = None,
    console: Console | None = None,
    **overrides: Any,
) -> SweepResult:
    """Train a recipe under every combination of settings, each into a run folder.

    Run again, a sweep is continued: finished runs are read, an interrupted one is resumed.

    Args:
        recipe: The name of a recipe, or the path of a configuration.
        grid: Values by key of the configuration, such as objective.beta; a key with one value is
            the same for all runs.
        out: The folder of the runs.
        seeds: Train every combination with the seeds 0 to seeds - 1; default with one seed.
        data: As for `train`.
        console: Where progress is printed; default standard error.
        **overrides: As for `train`, the same for all runs.

    Returns:
        The runs with their test metrics.

    Raises:
        ConfigError: Not 2 to 100 combinations, or a folder has a run of another configuration.
        VaekitError: As for `train`.

    >>> grid = {"objective.beta": ["0.5", "2"]}
    >>> result = sweep("mlp", grid, data="images.npz", out="betas", training={"epochs": 1})
    >>> [run.name for run in result.runs]
    ['beta=0.5', 'beta=2']
    """
    out = as_path("out", out)
    console = console or progress_console()
    if seeds is not None:
        grid = _with_seeds(grid, seeds)
    shared = [f"{key}={values[0]}" for key, values in grid.items() if len(values) == 1]
    combinations = _combinations(grid)

    requests = [
        _request(data, overrides, shared, name, settings) for name, settings in combinations.items()
    ]
    for request in requests:
        check_request(recipe, request.data, request.options)

    runs = []
    for number, request in enumerate(requests, 1):
        assignments = ", ".join(f"{key}={value}" for key, value in request.settings.items())
        title = f"run {number} of {len(requests)}: {assignments}"
        print_line(console, title)
        run = train(
            recipe,
            data=request.data,
            out=out / request.name,
            continue_existing=True,
            console=console,
            **request.options,
        )
        runs.append(_swept_run(run, request.name, request.settings))
    files = tuple(_plot_if_possible(out, runs, console))
    return SweepResult(out, tuple(runs), files, _seed_spreads(runs))


class _Request(NamedTuple):
    """One run of a sweep, before its training."""

    name: str
    settings: Settings
    data: Any
    options: PlainOptions


def _request(
    data: Any,
    overrides: Mapping[str, Any],
    shared: Sequence[str],
    name: str,
    settings: Settings,
) -> _Request:
    assignments = [*shared, *(f"{key}={value}" for key, value in settings.items())]
    options = configuration.merge(overrides, configuration.assignments(assignments))
    source = _with_options(data, options.pop("data", {}))
    return _Request(name, settings, source, options)


def _with_seeds(grid: Mapping[str, Sequence[str]], seeds: int) -> dict[str, Sequence[str]]:
    """The settings with the seeds 0 to seeds - 1."""
    if SEED in grid:
        raise ConfigError(
            "seeds and the setting seed exclude each other. Leave one of them out.",
            parameter="seeds",
        )
    if not 2 <= seeds <= MAX_RUNS:
        raise ConfigError.for_value("seeds", seeds, f"2 to {MAX_RUNS}")
    return {**grid, SEED: [str(seed) for seed in range(seeds)]}


def _seed_spreads(runs: Sequence[SweptRun]) -> tuple[SeedSpread, ...]:
    groups = [tuple((k, v) for k, v in run.settings.items() if k != SEED) for run in runs]
    return spreads({run.name: run.loss for run in runs}, groups)


def _combinations(grid: Mapping[str, Sequence[str]]) -> dict[str, Settings]:
    """The settings of each run by the name of its folder."""
    swept = {key: values for key, values in grid.items() if len(values) > 1}
    products = product(*swept.values())
    settings: list[Settings] = [dict(zip(swept, values, strict=True)) for values in products]
    if not 2 <= len(settings) <= MAX_RUNS:
        raise ConfigError.for_value(
            "set",
            len(settings),
            f"2 to {MAX_RUNS}",
            problem="the number of runs is invalid",
            fix="Set several values of a key, such as objective.beta=0.5,1,2",
        )
    combinations = {_folder_name(each): each for each in settings}
    if len(combinations) < len(settings):
        raise ConfigError(
            "two runs have the same settings. Set each value of a key once.", parameter="set"
        )
    return combinations


def _with_options(data: Any, options: Mapping[str, Any]) -> Any:
    """The source of the data with options of reading it."""
    if not options:
        return data
    if data is None:
        return dict(options)
    if isinstance(data, Mapping):
        return {**data, **options}
    if isinstance(data, str | os.PathLike):
        return {"source": os.fspath(data), **options}
    key = f"data.{min(options)}"
    raise ConfigError(
        f"{key} cannot be set for data in memory. Pass the path or the name of the data.",
        parameter=key,
    )


def _folder_name(settings: Settings) -> str:
    """A folder's name, such as beta=0.5,latent_dim=8."""
    pairs = ((key.rsplit(".", 1)[-1], dataset_name(value)) for key, value in settings.items())
    return ",".join(f"{key}={value}" for key, value in pairs)


def _swept_run(run: Run, name: str, settings: Settings) -> SweptRun:
    test = run.summary["test"]
    return SweptRun(
        name=name,
        settings=settings,
        loss=Metric(**test["loss"]),
        reconstruction=Metric(**test["reconstruction"]),
        divergence=Metric(**test["divergence"]),
        epochs=run.summary["epochs"],
        seconds=round(run.summary["seconds"]),
    )


def _plot_if_possible(out: Path, runs: Sequence[SweptRun], console: Console) -> list[Path]:
    """The plot, or a warning: the runs stand without it."""
    try:
        return _plot(out, runs)
    except Exception as error:
        print_line(console, f"warning: the plot {PLOT_FILE} failed: {reason_of(error)}.")
        return []


def _plot(out: Path, runs: Sequence[SweptRun]) -> list[Path]:
    """The rate-distortion plot, if at least two runs have a rate."""
    from vaekit.plots import rate_distortion, save

    rates = [(run.name, run.divergence.value, run.reconstruction.value) for run in runs]
    rated = [each for each in rates if None not in each]
    if len(rated) < 2:
        return []
    names, rate, distortion = zip(*rated, strict=True)
    title = f"{out.name}: rate and distortion"
    plot = rate_distortion(names, rate, distortion, title=title)
    return [save(plot, out / PLOT_FILE)]
