"""Encoding, decoding and sampling by command: images per second and memory, and of a plain loop.

    python benchmarks/inference.py

Color images of 64 x 64 pixels and the recipe `conv`, from .npy to .npy: 4,000 and 40,000 images,
each in a process of its own; rates come from the difference, so that starting costs nothing. Memory
is the peak of what is no copy of a file (RssAnon), equal for both counts if it is bounded. The loop
takes 500 images at a time and collects the results before it saves them. Linux only; takes 7 GB of
disk while it runs, about 10 minutes on two cores.
"""

import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from command_line import argument_parser, vaekit_command
from process_memory import ProcessCost, run_measured

FEW = 4_000
MANY = 40_000
SHAPE = (3, 64, 64)
LATENT_DIM = 32

LOOP = """
import sys, numpy as np, torch, vaekit
task, path, source, target = sys.argv[1:]
run = vaekit.load_run(path)
model = run.model.eval()
with torch.no_grad():
    if task == "encode":
        x = np.load(source, mmap_mode="r")
        starts = range(0, len(x), 500)
        batches = (torch.from_numpy(x[start : start + 500].copy()) / 255 for start in starts)
        results = [model.encode(batch).mean for batch in batches]
    else:
        z = torch.from_numpy(np.load(source)) if task == "decode" else torch.randn(int(source), 32)
        results = [model.decode(batch).mean * 255 for batch in z.split(500)]
    np.save(target, torch.cat(results).numpy())
"""

Sources = Mapping[int, Path | int]
"""By the number of examples: their file, or the number itself for samples."""


class Costs(NamedTuple):
    """The costs of a task on few and on many examples."""

    few: ProcessCost
    many: ProcessCost

    @property
    def rate(self) -> float:
        """Images per second without the time of starting."""
        return (MANY - FEW) / (self.many.seconds - self.few.seconds)

    @property
    def memory(self) -> str:
        """Anonymous memory of both in MB."""
        return f"{self.few.anonymous_mb:,} and {self.many.anonymous_mb:,}"


def measure(command: Callable[[Path | int], list[str]], sources: Sources) -> Costs:
    """Run a command on few and on many examples."""
    few = run_measured(command(sources[FEW]))
    return Costs(few, run_measured(command(sources[MANY])))


def measure_vaekit(task: str, run: Path, sources: Sources, target: Path) -> Costs:
    """Run a task by the command of vaekit."""
    inputs = ["--count"] if task == "sample" else []

    def command(source: Path | int) -> list[str]:
        return vaekit_command(task, run, *inputs, source, "--out", target, "--overwrite")

    return measure(command, sources)


def measure_loop(task: str, run: Path, sources: Sources, target: Path) -> Costs:
    """Run a task by the plain loop."""

    def command(source: Path | int) -> list[str]:
        return [sys.executable, "-c", LOOP, task, str(run), str(source), str(target)]

    return measure(command, sources)


def save_images(path: Path, count: int) -> Path:
    """Write random images."""
    np.save(path, np.random.default_rng(0).integers(0, 256, (count, *SHAPE), np.uint8))
    return path


def save_codes(path: Path, count: int) -> Path:
    """Write random latent codes."""
    codes = np.random.default_rng(1).normal(size=(count, LATENT_DIM))
    np.save(path, codes.astype(np.float32))
    return path


def main() -> None:
    """Train a model for an epoch, and measure each task."""
    argument_parser(__doc__).parse_args()
    counts = (FEW, MANY)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run = folder / "run"
        target = folder / "result.npy"
        images = {count: save_images(folder / f"{count}.npy", count) for count in counts}
        codes = {count: save_codes(folder / f"codes-{count}.npy", count) for count in counts}
        tasks: dict[str, Sources] = {
            "encode": images,
            "decode": codes,
            "sample": {count: count for count in counts},
        }
        options = ["--data", images[FEW], "--epochs", 1, "--out", run]
        run_measured(vaekit_command("train", "conv", *options))

        header = "| command | images/s | the loop's | anonymous memory, MB, few and many |"
        print(f"{header} the loop's |\n|---|---|---|---|---|")
        for task, sources in tasks.items():
            ours = measure_vaekit(task, run, sources, target)
            loop = measure_loop(task, run, sources, target)
            print(
                f"| {task} | {ours.rate:,.0f} | {loop.rate:,.0f} | {ours.memory} | {loop.memory} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
