"""Time of a training step and of an evaluation after a change, relative to before it.

    git worktree add /tmp/before v0.1.0
    OMP_NUM_THREADS=1 python benchmarks/paired.py /tmp/before . --recipes conv mlp --pairs 60

Both checkouts run in one process on the same torch, data and batch. Blocks of steps alternate
(before, after, after, before, ...), so that a busy machine slows both; each pair of blocks gives
one ratio. A step is the update of the package's own training, with everything that the recipe sets.
An evaluation is the ELBO of each training example, 1,800 of them, 500 of `mlp-500`. Prints the
median time of each checkout and the ratio after / before as median (lower to upper quartile). The
default takes about five minutes on one free core.
"""

import argparse
import importlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar
from unittest.mock import patch

import numpy as np
from rich.console import Console

RECIPES = ("conv", "mlp", "vq", "gumbel", "mlp-500")
EXAMPLES = 2000
EVALUATION_PAIRS = 20
WARM_UP_PAIRS = 2

Clock = Callable[[], float]

# The same object in checkouts of different age, newest name first.
TRAINERS = (
    ("vaekit.training.stage_trainer", "StageTrainer"),
    ("vaekit.training.training", "Training"),
)
ELBO_FUNCTIONS = (
    ("vaekit.inference.bounds", "elbo_per_example"),
    ("vaekit.evaluation", "elbo_per_example"),
    ("vaekit.evaluation", "elbo_per_row"),
)


Measurement = Callable[[Callable[[], Any], Callable[[], Any]], None]
"""A function of two calls: one training step, one evaluation of all training examples."""


class MeasuredError(Exception):
    """Ends the trainings of both checkouts after the measurement within them."""


class Checkout:
    """One checkout of the package; its modules are the imported ones while it is `active`."""

    current: ClassVar["Checkout | None"] = None

    def __init__(self, path: Path):
        self.source = (path / "src").resolve()
        if not (self.source / "vaekit").is_dir():
            raise SystemExit(f"no package found: got {path}, expected a folder that has src/vaekit")
        self.modules: dict[str, ModuleType] = {}

    @contextmanager
    def active(self) -> Iterator[None]:
        """Import `vaekit` from this checkout within the block."""
        previous = Checkout.current
        if previous is not None:
            previous._leave()
        self._enter()
        try:
            yield
        finally:
            self._leave()
            if previous is not None:
                previous._enter()

    def _enter(self) -> None:
        sys.modules.update(self.modules)
        sys.path.insert(0, str(self.source))
        Checkout.current = self

    def _leave(self) -> None:
        names = [name for name in sys.modules if name.partition(".")[0] == "vaekit"]
        self.modules = {name: sys.modules.pop(name) for name in names}
        sys.path.remove(str(self.source))
        Checkout.current = None

    def find(self, names: Sequence[tuple[str, str]]) -> Any:
        """The first of the objects, named by module and attribute, that the checkout has."""
        for module, attribute in names:
            with suppress(ModuleNotFoundError, AttributeError):
                return getattr(importlib.import_module(module), attribute)
        raise SystemExit(f"{self.source} has none of {names}")

    def train_until_first_step(self, recipe: str, data: Path, measure: Measurement) -> None:
        """Call `measure` with a step and an evaluation of a training of the recipe in progress."""
        with self.active(), tempfile.TemporaryDirectory() as folder:
            trainer_class, elbo = self.find(TRAINERS), self.find(ELBO_FUNCTIONS)
            update = trainer_class.update

            def measure_instead(trainer: Any, batch: Any) -> None:
                measure(
                    lambda: update(trainer, batch),
                    lambda: elbo(trainer.model, trainer.batches.inputs),
                )
                raise MeasuredError

            with patch.object(trainer_class, "update", measure_instead), suppress(MeasuredError):
                importlib.import_module("vaekit").train(
                    recipe,
                    data=str(data),
                    out=Path(folder, "run"),
                    training={"epochs": 1000, "device": "cpu"},
                    console=Console(quiet=True),
                )


def measure_recipe(
    before: Checkout, after: Checkout, recipe: str, data: Path, pairs: int, steps: int, clock: Clock
) -> None:
    """Print the comparison of one recipe: the trainings of both checkouts run, one in the other."""
    sides = (before, after)

    def start_after(step_before: Callable[[], Any], evaluate_before: Callable[[], Any]) -> None:
        def compare(step_after: Callable[[], Any], evaluate_after: Callable[[], Any]) -> None:
            step_times = paired_times(sides, (step_before, step_after), pairs, steps, clock)
            print(f"{recipe:12} step        {summary(step_times)}", flush=True)
            evaluations = (evaluate_before, evaluate_after)
            evaluation_times = paired_times(sides, evaluations, EVALUATION_PAIRS, 1, clock)
            print(f"{recipe:12} evaluation  {summary(evaluation_times)}", flush=True)

        after.train_until_first_step(recipe, data, compare)

    before.train_until_first_step(recipe, data, start_after)


def paired_times(
    sides: tuple[Checkout, Checkout],
    calls: tuple[Callable[[], Any], Callable[[], Any]],
    pairs: int,
    repeats: int,
    clock: Clock,
) -> np.ndarray:
    """Milliseconds of a call in each checkout, [pairs, 2]."""
    times = np.empty((WARM_UP_PAIRS + pairs, 2))
    for pair in range(len(times)):
        order = (0, 1) if pair % 2 == 0 else (1, 0)
        for side in order:
            with sides[side].active():
                times[pair, side] = milliseconds(calls[side], repeats, clock)
    return times[WARM_UP_PAIRS:]


def milliseconds(call: Callable[[], Any], repeats: int, clock: Clock) -> float:
    """The mean time of a call over a block of `repeats`."""
    start = clock()
    for _ in range(repeats):
        call()
    return 1000 * (clock() - start) / repeats


def summary(times: np.ndarray) -> str:
    """Median times before and after, and quartiles of the ratios of the pairs."""
    before, after = np.median(times, axis=0).tolist()
    lower, median, upper = statistics.quantiles(times[:, 1] / times[:, 0], n=4)
    return f"{before:8.2f} -> {after:8.2f} ms, ratio {median:.3f} ({lower:.3f} to {upper:.3f})"


def main() -> None:
    """Compare two checkouts recipe by recipe."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("before", type=Path, help="a checkout of the repository")
    parser.add_argument("after", type=Path, help="another checkout, or the same")
    parser.add_argument("--recipes", nargs="+", default=RECIPES)
    parser.add_argument("--pairs", type=int, default=60, help="pairs of blocks, at least 2")
    parser.add_argument("--steps", type=int, default=10, help="steps of a block")
    parser.add_argument(
        "--cpu-time",
        action="store_true",
        help="measure processor time instead of elapsed time, for a busy machine",
    )
    options = parser.parse_args()
    clock = time.process_time if options.cpu_time else time.perf_counter
    before, after = Checkout(options.before), Checkout(options.after)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "images.npy")
        with before.active():
            images = importlib.import_module("vaekit").load_data("mnist").train.x
        np.save(data, images[:EXAMPLES])
        for recipe in options.recipes:
            measure_recipe(before, after, recipe, data, options.pairs, options.steps, clock)


if __name__ == "__main__":
    main()
