"""Images a second in training, by vaekit and by what one would take instead, with the machine's own limit beside them.

    python benchmarks/throughput.py --repeats 3 --out runs/throughput.json
    python benchmarks/throughput.py --works mlp-128 --only vaekit loop

The same network, batch, data and number of updates for everybody; each run is a process of its own, and they take turns, so
that all see the same machine. Images a second are those of the last epoch; the loss beside them is that epoch's, since
precisions differ. The limit is what the matrix products of one training step take alone; of convolutions, one by one, the sum
is more than a whole step, so that it limits nothing and is left out.
Keras and pythae get environments of their own, made on first use. Takes about 20 minutes on two cores.
"""

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import vaekit
from environments import python_of

PEERS = Path(__file__).parent / "peers"
MNIST = Path(vaekit.__file__).parent / "data" / "mnist"


@dataclass(frozen=True)
class Work:
    """A network, R4's or R0's, on so many of MNIST's rows."""

    net: str
    batch: int
    rows: int
    epochs: int = 2


WORKS = {
    "mlp-16": Work("mlp", 16, 10_000),
    "mlp-128": Work("mlp", 128, 50_000),
    "mlp-512": Work("mlp", 512, 50_000, 3),
    "conv-32": Work("conv", 32, 10_000),
    "conv-128": Work("conv", 128, 20_000),
}
RECIPES = {"mlp": "mlp-500", "conv": "conv-original"}


@dataclass(frozen=True)
class Result:
    """images_per_second of the last epoch, its loss in nats, and the most memory that the process held, in MB."""

    images_per_second: float
    loss: float
    memory: float


def measured(command: list) -> tuple[str, float]:
    """What a process prints, and the most memory that it held, in MB."""
    with tempfile.TemporaryFile("w+") as printed:
        process = subprocess.Popen(
            [str(part) for part in command], stdout=printed, stderr=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit(f"failed: {' '.join(map(str, command))}")
        printed.seek(0)
        return printed.read(), usage.ru_maxrss / 1024


def by_script(
    python: Callable[[], Path | str], script: str, *options: str
) -> Callable[[Work], Result]:
    """A contestant that is a script of peers/."""

    def run(work: Work) -> Result:
        sizes = ["--rows", work.rows, "--batch", work.batch, "--epochs", work.epochs]
        command = [
            python(),
            PEERS / script,
            "--mnist",
            MNIST,
            *sizes,
            *(["--net", work.net] if "plain" in script else []),
        ]
        printed, memory = measured([*command, *options])
        row = json.loads(printed.splitlines()[-1])
        return Result(row["images_per_second"], row["loss"], memory)

    return run


def by_vaekit(precision: str) -> Callable[[Work], Result]:
    """`vaekit train`; its time includes what it does each epoch: validation, of few rows here, and a checkpoint."""

    def run(work: Work) -> Result:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "run"
            sizes = ["--limit", work.rows, "--batch-size", work.batch, "--epochs", work.epochs]
            options = ["--set", f"training.precision={precision}", "--set", "data.validation=0.001"]
            recipe = RECIPES[work.net]
            _, memory = measured(
                [sys.executable, "-m", "vaekit", "train", recipe, *sizes, *options, "--out", out]
            )
            *_, last = csv.DictReader((out / "metrics.csv").open())
            return Result(float(last["samples_per_second"]), float(last["train_loss"]), memory)

    return run


CONTESTANTS: dict[str, tuple[tuple[str, ...], Callable[[Work], Result]]] = {
    "vaekit": (("mlp", "conv"), by_vaekit("32-true")),
    "vaekit bfloat16": (("mlp", "conv"), by_vaekit("bf16-mixed")),
    "loop": (("mlp", "conv"), by_script(lambda: sys.executable, "plain_loop.py")),
    "loop bfloat16": (
        ("mlp", "conv"),
        by_script(lambda: sys.executable, "plain_loop.py", "--bfloat16"),
    ),
    "pythae": (("mlp",), by_script(lambda: python_of("pythae"), "pythae_mlp.py")),
    "keras": (("conv",), by_script(lambda: python_of("keras"), "keras_conv.py")),
    "limit": (("mlp",), by_script(lambda: sys.executable, "plain_limit.py")),
    "limit bfloat16": (("mlp",), by_script(lambda: sys.executable, "plain_limit.py", "--bfloat16")),
}
"""By name: the networks that each can train, and how."""


def table(found: dict[str, dict[str, list[Result]]]) -> None:
    """Medians, with the least and the most in brackets, and the ratio to vaekit in float32."""
    print("| work | by | images/s | of vaekit's | loss | memory, MB |\n|---|---|---|---|---|---|")
    for work, by in found.items():
        rates = {
            name: [result.images_per_second for result in results] for name, results in by.items()
        }
        medians = {name: statistics.median(rate) for name, rate in rates.items()}
        for name, results in by.items():
            ratio = f"{medians[name] / medians['vaekit']:.2f}" if "vaekit" in medians else "-"
            loss = statistics.median(result.loss for result in results)
            memory = statistics.median(result.memory for result in results)
            spread = f"{medians[name]:,.0f} ({min(rates[name]):,.0f} to {max(rates[name]):,.0f})"
            print(f"| {work} | {name} | {spread} | {ratio} | {loss:.1f} | {memory:,.0f} |")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--works", nargs="+", choices=WORKS, default=list(WORKS))
    parser.add_argument("--only", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, help="a file for all results, as JSON")
    options = parser.parse_args()
    for peer in {"pythae", "keras"} & set(options.only):
        python_of(peer)  # made before any clock starts
    found: dict[str, dict[str, list[Result]]] = {work: {} for work in options.works}
    for repeat in range(options.repeats):
        for work in options.works:
            for name in options.only:
                nets, run = CONTESTANTS[name]
                if WORKS[work].net in nets:
                    result = run(WORKS[work])
                    found[work].setdefault(name, []).append(result)
                    print(
                        f"{repeat + 1}  {work:9} {name:16} {result.images_per_second:9,.0f} images/s",
                        file=sys.stderr,
                    )
    table(found)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        plain = {
            work: {name: [asdict(r) for r in results] for name, results in by.items()}
            for work, by in found.items()
        }
        options.out.write_text(json.dumps(plain, indent=2))


if __name__ == "__main__":
    main()
