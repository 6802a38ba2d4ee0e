"""The commands that `crash.py` kills, and what each leaves, without times and run ids."""

import csv
import json
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

import vaekit
from command_line import vaekit_command

CHANGING = {"seconds", "samples_per_second", "run_id"}
"""What differs between runs that are equal."""
DATA = ("--data", "digits", "--threads", "1", "--set", "training.checkpoint_seconds=0.1")
ONE_STAGE = ("mlp", *DATA, "--epochs", "40", "--set", "training.patience=100")
TWO_STAGES = (
    *("mlp", *DATA, "--epochs", "12"),
    *("--set", "posterior={kind: vector-quantized, codes: 4, groups: 2}", "--latent-dim", "4"),
    *("--set", "prior={kind: autoregressive, width: 16, layers: 1, heads: 2}"),
    *("--set", "prior_stage.epochs=12"),
)
REPOSITORY = "ada/digits"
STALE = (".vaekit-", ".lock")


@dataclass(frozen=True)
class Case:
    """A command that is killed.

    Attributes:
        name: Its name.
        start: Arguments of the first call, from the folder that it works in.
        again: Arguments after a kill, likewise.
        facts: What it leaves, without times and run ids.
        prepare: Fills the folder before the first call.
    """

    name: str
    start: Callable[[Path], Sequence[object]]
    again: Callable[[Path], Sequence[object]]
    facts: Callable[[Path], Any]
    prepare: Callable[[Path], object] = Path.mkdir


def run_facts(run: Path) -> dict[str, Any]:
    """What a run folder holds, without times and run ids."""
    tensors = {}
    for path in sorted([run / "model.safetensors", *run.glob("checkpoints/*.safetensors")]):
        tensors[path.name] = {name: value.tolist() for name, value in load_file(path).items()}
    with (run / "metrics.csv").open() as file:
        rows = [{k: v for k, v in row.items() if k not in CHANGING} for row in csv.DictReader(file)]
    summary = json.loads((run / "summary.json").read_text())
    plots = sorted(path.name for path in run.glob("plots/*"))
    return {
        "tensors": tensors,
        "history": rows,
        "summary": {k: v for k, v in summary.items() if k not in CHANGING},
        "plots": plots,
        "loaded": vaekit.load_run(run).summary == summary,
    }


def file_facts(folder: Path, *names: str) -> dict[str, bytes]:
    """The bytes of files."""
    return {name: (folder / name).read_bytes() for name in names}


def training(name: str, options: Sequence[str]) -> Case:
    """A training, resumed if its configuration exists."""

    def again(folder: Path) -> Sequence[object]:
        if (folder / "run/config.yaml").exists():
            return ("train", "--resume", folder / "run")
        return ("train", *options, "--out", folder / "run")

    return Case(
        name,
        lambda folder: ("train", *options, "--out", folder / "run"),
        again,
        lambda folder: run_facts(folder / "run"),
    )


def repeated(
    name: str,
    arguments: Callable[[Path], Sequence[object]],
    facts: Callable[[Path], Any],
    finished_run: Path,
) -> Case:
    """A command on a finished run, repeated after a kill."""
    return Case(
        name, arguments, arguments, facts, lambda to: shutil.copytree(finished_run, to / "run")
    )


def swept_facts(folder: Path) -> Any:
    """The runs of a sweep and the names of its other files."""
    runs = sorted(path.parent for path in folder.glob("sweep/*/summary.json"))
    return {run.name: run_facts(run) for run in runs}


def exported_facts(folder: Path) -> Any:
    """Both graphs, byte by byte."""
    return file_facts(folder / "exported", "encoder.onnx", "decoder.onnx")


def pulled_facts(folder: Path) -> Any:
    """All files of a pulled run."""
    files = sorted(path for path in (folder / "pulled").rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def cases(finished_run: Path) -> list[Case]:
    """All commands that write."""
    evaluate = ("--importance-samples", "50", "--report")
    sweep = ("mlp", *DATA, "--epochs", "5", "--set", "objective.beta=1,2")
    return [
        training("train", ONE_STAGE),
        training("train, two stages", TWO_STAGES),
        repeated(
            "evaluate --report",
            lambda folder: ("evaluate", folder / "run", *evaluate),
            lambda folder: (
                file_facts(folder / "run", "model.safetensors", "summary.json")
                | {"report": "</html>" in (folder / "run/report.html").read_text()}
            ),
            finished_run,
        ),
        repeated(
            "export",
            lambda folder: ("export", folder / "run", folder / "exported", "--overwrite"),
            exported_facts,
            finished_run,
        ),
        Case(
            "sweep",
            lambda folder: ("sweep", *sweep, "--out", folder / "sweep"),
            lambda folder: ("sweep", *sweep, "--out", folder / "sweep"),
            swept_facts,
        ),
        repeated(
            "pull",
            lambda folder: ("pull", REPOSITORY, folder / "pulled", "--overwrite"),
            pulled_facts,
            finished_run,
        ),
    ]


def leftovers(folder: Path) -> list[str]:
    """Files of killed processes."""
    return [str(path) for path in folder.rglob("*") if path.name.startswith(STALE)]


def complete(arguments: Sequence[object]) -> float:
    """Run a command to its end; its seconds. CalledProcessError if it fails."""
    start = time.perf_counter()
    subprocess.run(vaekit_command(*arguments), check=True, capture_output=True)
    return time.perf_counter() - start


def fresh(folder: Path, case: Case) -> Path:
    """An empty folder, prepared for a case."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    case.prepare(folder)
    return folder
