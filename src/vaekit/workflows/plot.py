"""Plot a run."""

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from vaekit import runs
from vaekit.arguments import as_path
from vaekit.data import Dataset
from vaekit.data.splits import SplitName
from vaekit.errors import ConfigError, RequestError, WorkError, reason_of
from vaekit.run_plots.context import PlotContext, View
from vaekit.run_plots.latent_paths import draw_paths, save_path_animation
from vaekit.run_plots.registry import LATENT_PATH_PLOTS, PLOTS
from vaekit.run_plots.requirements import unmet_requirement
from vaekit.runs import Run, as_run
from vaekit.runs.example_selection import ExampleSelection, data_label, select_evaluation_examples
from vaekit.runs.run_data import RunData
from vaekit.runtime.argument_types import check_types
from vaekit.runtime.device import keep_freed_memory
from vaekit.runtime.library_call import library_call
from vaekit.workflows.plot_files import PlotFiles

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ALL_PLOTS: dict[str, Callable[[PlotContext, View], Any]] = PLOTS | LATENT_PATH_PLOTS


@library_call
def plot(
    run: Run | str | os.PathLike,
    names: str | Sequence[str] = (),
    *,
    data: Any = None,
    split: SplitName | None = None,
    out: str | os.PathLike | None = None,
    format: str | None = None,
    **view: Any,
) -> PlotFiles:
    """Write plots of a run and return their paths, a list that a notebook shows as plots.

    Args:
        run: A run or its folder.
        names: Names of plots; default all that suit the run, except traversals and interpolations.
        data: Other examples to show, or the run's dataset if it has been loaded already.
        split: The part of the dataset; default test.
        out: A folder, or a file for a single plot (.png, .pdf, .svg; .gif or .webp for traversals
            and interpolations); default RUN/plots.
        format: Format of plots in a folder: png, pdf or svg; default png.
        **view: The fields of `View`.

    Raises:
        ConfigError: An unknown plot, one that does not suit the run, or an option without effect.
        DataError: Data that are missing, have changed or do not suit the model.
        WorkError: Some plots failed; the others have been written.

    >>> [path.name for path in plot("runs/conv", ["curves", "latent"])]
    ['curves.png', 'latent.png']
    """
    names = [names] if isinstance(names, str) else list(names)
    _check_names(names)
    run = as_run(run)
    _check_requirements(names, run)
    view_options = _view(view)
    if data is not None and not isinstance(data, Dataset) and out is None:
        raise ConfigError(
            "plots of other data than the run's own need a folder of their own. Choose out.",
            parameter="out",
        )
    suitable = (name for name, each in PLOTS.items() if not unmet_requirement(each, run))
    chosen = names or list(suitable)
    _check_used(view_options, chosen)
    keep_freed_memory()
    context = _context(run, split, data)
    folder = runs.plots_folder(run) if out is None else as_path("out", out)
    paths = _paths(folder, chosen, format)
    targets = dict(zip(chosen, paths, strict=True))
    _check_failures(_draw(targets, context, view_options), targets)
    return PlotFiles(paths)


def plot_run_data(run_data: RunData) -> list[str]:
    """Write all suitable plots of a run whose data have been loaded, into its plots folder.

    Returns:
        A sentence for each plot that failed.
    """
    run = run_data.run
    selection = ExampleSelection(run_data.examples("test"), "test", run_data)
    context = PlotContext(run, lambda: selection, lambda: run_data)
    names = [name for name, each in PLOTS.items() if not unmet_requirement(each, run)]
    paths = _paths(runs.plots_folder(run), names, None)
    failures = _draw(dict(zip(names, paths, strict=True)), context, View())
    return [f"the plot {name} failed: {reason_of(error)}." for name, error in failures.items()]


def _draw(targets: Mapping[str, Path], context: PlotContext, view: View) -> dict[str, Exception]:
    """Write each plot to its path; the errors of those that failed."""
    failures: dict[str, Exception] = {}
    for name, path in targets.items():
        try:
            with torch.no_grad():
                _save(name, context, view, path)
        except Exception as error:
            failures[name] = error
    return failures


def _check_failures(failures: Mapping[str, Exception], targets: Mapping[str, Path]) -> None:
    """The error of a wrong request, or of a plot if none was drawn; else WorkError with all."""
    for error in failures.values():
        if isinstance(error, RequestError) or len(failures) == len(targets):
            raise error
    if failures:
        reasons = "; ".join(f"{name} ({reason_of(error)})" for name, error in failures.items())
        folder = next(iter(targets.values())).parent
        raise WorkError(
            f"{len(failures)} of {len(targets)} plots failed: {reasons}. "
            f"The others are in {folder}."
        )


def _context(run: Run, split: SplitName | None, data: Any) -> PlotContext:
    other_name = None
    if data is not None and not isinstance(data, Dataset):
        other_name = data_label(data)
    own = data if isinstance(data, Dataset) else None
    select = partial(select_evaluation_examples, run, split, data)
    return PlotContext(run, select, partial(RunData.load, run, own), other_name)


def _check_names(names: Sequence[str]) -> None:
    for name in names:
        if name not in ALL_PLOTS:
            raise ConfigError.unknown("plot", name, ALL_PLOTS, parameter="names")


def _check_requirements(names: Sequence[str], run: Run) -> None:
    for name in names:
        if reason := unmet_requirement(ALL_PLOTS[name], run):
            raise ConfigError(f"{name} {reason}", parameter="names")


def _view(options: Mapping[str, Any]) -> View:
    fields = View.__dataclass_fields__
    if unknown := options.keys() - fields.keys():
        name = min(unknown)
        raise ConfigError.unknown("option", name, fields, parameter=name)
    check_types(View, (), options)
    return View(**options)


def _check_used(view: View, names: Sequence[str]) -> None:
    """ConfigError for an option that has no effect on any of the plots."""
    for field, value in vars(view).items():
        if value == getattr(View, field):
            continue
        takers = [name for name, each in ALL_PLOTS.items() if field in getattr(each, "takes", ())]
        if not set(takers) & set(names):
            raise ConfigError(
                f"{field} has no effect on {', '.join(names)}: it applies to {', '.join(takers)}.",
                parameter=field,
            )


def _save(name: str, context: PlotContext, view: View, path: Path) -> Path:
    from vaekit.plots import ANIMATIONS

    is_animation = path.suffix.lower() in ANIMATIONS
    if name in PLOTS:
        if is_animation:
            animated = " and ".join(LATENT_PATH_PLOTS)
            raise ConfigError.for_value(
                "out", path.name, ".png, .pdf or .svg", problem=f"only {animated} can be animated"
            )
        return _save_figure(PLOTS[name](context, view), context, path)
    paths = LATENT_PATH_PLOTS[name](context, view)
    if is_animation:
        runs.check_destination(context.run, path)
        return save_path_animation(path, context, paths)
    return _save_figure(draw_paths(context, paths), context, path)


def _save_figure(figure: "Figure", context: PlotContext, path: Path) -> Path:
    from vaekit.plots import save

    runs.check_destination(context.run, path)
    return save(figure, path)


def _paths(out: Path, names: Sequence[str], format: str | None) -> list[Path]:
    from vaekit.plots.style import FORMATS

    formats = [suffix[1:] for suffix in FORMATS]
    if format is not None and format not in formats:
        raise ConfigError.unknown("format", format, formats, parameter="format")
    if not out.suffix:
        return [out / f"{name}.{format or 'png'}" for name in names]
    if len(names) != 1:
        raise ConfigError(
            f"{out} is one file for {len(names)} plots. Choose a folder, or name one plot.",
            parameter="out",
        )
    if format is not None:
        raise ConfigError(
            f"{out} has a format already. Leave format out, or choose a folder.", parameter="format"
        )
    return [out]
