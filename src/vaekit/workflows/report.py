"""Write the report of an evaluation."""

import os
from pathlib import Path

from vaekit import runs
from vaekit.evaluation.results import Evaluation
from vaekit.files.atomic import atomic_write_bytes
from vaekit.report.page import SHOWN_PLOTS, render_report
from vaekit.runs import Run, as_run
from vaekit.runs.example_selection import data_label
from vaekit.runtime.library_call import library_call
from vaekit.workflows.plot import plot


@library_call
def report(run: Run | str | os.PathLike, evaluation: Evaluation) -> Path:
    """Write RUN/report.html: one file with its plots, which needs no network.

    Args:
        run: A run or its folder; its plots are drawn if there are none.
        evaluation: What `evaluate` returned.

    Returns:
        The path of the report.

    Raises:
        RunError: The run folder was overwritten since the run was loaded.

    >>> report(run, vaekit.evaluate(run, importance_samples=1)).name
    'report.html'
    """
    run = as_run(run)
    if not runs.has_file(run.folder, runs.PLOTS):
        plot(run)
    page = render_report(
        evaluation,
        title=f"{run.config.recipe} on {data_label(evaluation.data)}",
        latent_dim=run.config.latent_dim,
        config=run.config.to_yaml(),
        plots=dict(runs.saved_plots(run.folder, SHOWN_PLOTS)),
        findings=[finding.text for finding in run.verdict],
    )
    path = run.folder / runs.REPORT
    runs.check_destination(run, path)
    atomic_write_bytes(path, page)
    return path
