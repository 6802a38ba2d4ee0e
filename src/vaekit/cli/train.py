"""`vaekit train`."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vaekit.cli import output
from vaekit.cli.options import (
    Json,
    Recipe,
    config_overrides,
    may_overwrite_run,
    takes_config_options,
)

if TYPE_CHECKING:
    from vaekit.runs import Run
    from vaekit.workflows.plan_training import TrainingPlan

NO_FINDING = "No collapse, over-fitting or loss that still falls: the training went well."


@takes_config_options
def train(
    recipe: Recipe = None,
    *,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Any other key, such as objective.beta=4; see `vaekit config keys`.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Run folder. Default: runs/RECIPE-DATA-TIME."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Overwrite an existing run.")
    ] = False,
    resume: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Resume an interrupted run.")
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Print model, memory, time and split; write nothing."),
    ] = False,
    json: Json = False,
    **options: Any,
) -> None:
    """Train a model: a run folder with weights, metrics and plots."""
    from vaekit import config, workflows
    from vaekit.errors import ConfigError
    from vaekit.workflows.train import is_rank_zero

    overrides = config_overrides(options)
    if resume is not None:
        if recipe or overrides or settings or out or overwrite or dry_run:
            raise ConfigError(
                "resume continues a run as it was configured. Leave the other options out.",
                parameter="resume",
            )
        run = workflows.resume(resume)
    else:
        overrides = config.merge(overrides, config.assignments(settings or []))
        if dry_run:
            plan = workflows.plan_training(recipe, out=out, overwrite=overwrite, **overrides)
            print_plan(plan, json)
            return
        overwrite = overwrite or may_overwrite_run(out)
        run = workflows.train(recipe, out=out, overwrite=overwrite, **overrides)
    if is_rank_zero(run.config.training):
        print_run(run, json)


def print_run(run: "Run", as_json: bool) -> None:
    """Print the metrics of the test split, the files of the run and a command to try next."""
    from vaekit.evaluation.catalogue import LIKELIHOOD
    from vaekit.evaluation.metric import Metric

    folder = run.path / "plots"
    plots = sorted(str(path) for path in folder.glob("*.png"))
    if as_json:
        output.print_json({"run": str(run.path), "summary": run.summary, "plots": plots})
        return
    metrics = {name: Metric(**metric) for name, metric in run.summary["test"].items()}
    title = "Test split, evaluated once, after training"
    if run.config.data.validation == "test":
        title = "Test split, which also selected the weights"
    output.print_metrics(title, LIKELIHOOD, metrics)
    for finding in run.verdict:
        output.print_line(finding.text)
    if not run.verdict:
        output.print_line(NO_FINDING)
    files = f"{folder} ({len(plots)} file{'' if len(plots) == 1 else 's'})"
    evaluate = f"vaekit evaluate {shlex.quote(str(run.path))} --report"
    output.print_facts({"run": run.path, "plots": files, "next": evaluate})


def print_plan(plan: "TrainingPlan", as_json: bool) -> None:
    """Print what a training would do."""
    from vaekit.runtime.terminal_progress import format_duration

    if as_json:
        output.print_json(plan.to_dict())
        return
    parts = ", ".join(f"{kind} {name}" for name, kind in plan.parts.items())
    examples = ", ".join(f"{name} {count:,}" for name, count in plan.examples.items())
    length = f"{plan.epochs:,} epochs, {plan.steps:,} steps of {plan.batch_size:,} examples"
    output.print_facts(
        {
            "recipe": plan.recipe,
            "data": f"{plan.dataset}, shape {plan.shape}, {plan.support}",
            "model": f"{parts}; {plan.parameters:,} parameters",
            "latent": f"{plan.latent_dim} dimensions",
            "chosen": "; ".join(plan.choices) or None,
            "notes": " ".join(plan.notes) or None,
            "examples": examples,
            "length": length,
            "duration": f"about {format_duration(plan.seconds)}, without validation and plots",
            "memory": f"about {plan.memory_bytes / 1e6:,.0f} MB, and that of Python and torch",
            "written": None,
        }
    )
