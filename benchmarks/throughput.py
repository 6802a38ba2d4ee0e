"""Images per second of training, by vaekit and by its alternatives, and the machine's own limit.

    python benchmarks/throughput.py --repeats 3 --out runs/throughput.json
    python benchmarks/throughput.py --workloads mlp-128 --only vaekit loop

All programs have the same network, batch size, data and number of steps; each run is a process of
its own, and they take turns, so that all run on an equally busy machine. Images per second are of
the last epoch, with that epoch's loss, since precisions differ. The limit is the time of the matrix
products of a training step alone; the products of convolutions, computed one by one, take longer
than a complete step, so they are no limit and are left out. Keras and pythae get environments of
their own, made on first use. Takes about 20 minutes on two cores.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import vaekit
from command_line import argument_parser, last_epoch, vaekit_command
from environments import python_of

PEERS = Path(__file__).parent / "peers"
MNIST = Path(vaekit.__file__).parent / "data" / "mnist"

Net = Literal["mlp", "conv"]
RECIPES: dict[Net, str] = {"mlp": "mlp-500", "conv": "conv-original"}


@dataclass(frozen=True)
class Workload:
    """A training of the net of one of RECIPES on the first images of MNIST."""

    net: Net
    batch_size: int
    train_size: int
    epochs: int = 2


WORKLOADS = {
    "mlp-16": Workload("mlp", 16, 10_000),
    "mlp-128": Workload("mlp", 128, 50_000),
    "mlp-512": Workload("mlp", 512, 50_000, 3),
    "conv-32": Workload("conv", 32, 10_000),
    "conv-128": Workload("conv", 128, 20_000),
}


@dataclass(frozen=True)
class Result:
    """Images per second and loss, in nats, of the last epoch; peak memory of the process in MB."""

    images_per_second: float
    loss: float
    memory: float


Run = Callable[[Workload], Result]


class Program(NamedTuple):
    """The nets that a program can train, and how it trains."""

    nets: tuple[Net, ...]
    run: Run


def run_measured(command: Sequence[object]) -> tuple[str, float]:
    """The output of a process, and its peak memory in MB; SystemExit if it fails."""
    arguments = [str(argument) for argument in command]
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(arguments, stdout=output, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit(f"failed: {' '.join(arguments)}")
        output.seek(0)
        return output.read(), usage.ru_maxrss / 1024


def peer(script: str, python: Callable[[], Path | str], *options: str) -> Run:
    """A program that is a script of peers/."""

    def run(workload: Workload) -> Result:
        sizes = {
            "--train-size": workload.train_size,
            "--batch-size": workload.batch_size,
            "--epochs": workload.epochs,
        }
        arguments = [str(part) for option in sizes.items() for part in option]
        command = [python(), PEERS / script, "--mnist", MNIST, *arguments, *options]
        output, memory = run_measured(command)
        epoch = json.loads(output.splitlines()[-1])
        return Result(epoch["images_per_second"], epoch["loss"], memory)

    return run


def plain_loop(*options: str) -> Run:
    """The plain PyTorch loop, which has every net."""

    def run(workload: Workload) -> Result:
        program = peer("plain_loop.py", lambda: sys.executable, "--net", workload.net, *options)
        return program(workload)

    return run


def matrix_products(*options: str) -> Run:
    """The matrix products alone."""
    return peer("matrix_products.py", lambda: sys.executable, *options)


def train_command(precision: str) -> Run:
    """`vaekit train`; an epoch includes validation, on few images here, and a checkpoint."""

    def run(workload: Workload) -> Result:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "run"
            options = [
                f"--train-size={workload.train_size}",
                f"--batch-size={workload.batch_size}",
                f"--epochs={workload.epochs}",
                f"--set=training.precision={precision}",
                "--set=data.validation=0.001",
            ]
            command = vaekit_command("train", RECIPES[workload.net], *options, "--out", out)
            _, memory = run_measured(command)
            epoch = last_epoch(out)
            return Result(epoch["samples_per_second"], epoch["train_loss"], memory)

    return run


PROGRAMS = {
    "vaekit": Program(("mlp", "conv"), train_command("32-true")),
    "vaekit bfloat16": Program(("mlp", "conv"), train_command("bf16-mixed")),
    "loop": Program(("mlp", "conv"), plain_loop()),
    "loop bfloat16": Program(("mlp", "conv"), plain_loop("--bfloat16")),
    "pythae": Program(("mlp",), peer("pythae_mlp.py", lambda: python_of("pythae"))),
    "keras": Program(("conv",), peer("keras_conv.py", lambda: python_of("keras"))),
    "limit": Program(("mlp",), matrix_products()),
    "limit bfloat16": Program(("mlp",), matrix_products("--bfloat16")),
}

Results = dict[str, dict[str, list[Result]]]
"""By workload and program: a result per repeat."""


def print_table(results: Results) -> None:
    """Print medians, minimum and maximum of the rate, and its ratio to vaekit in float32."""
    print("| workload | by | images/s | of vaekit's | loss | memory, MB |")
    print("|---|---|---|---|---|---|")
    for workload, by_program in results.items():
        rates = {
            name: [result.images_per_second for result in measured]
            for name, measured in by_program.items()
        }
        medians = {name: statistics.median(rate) for name, rate in rates.items()}
        for name, measured in by_program.items():
            ratio = f"{medians[name] / medians['vaekit']:.2f}" if "vaekit" in medians else "-"
            loss = statistics.median(result.loss for result in measured)
            memory = statistics.median(result.memory for result in measured)
            spread = f"{medians[name]:,.0f} ({min(rates[name]):,.0f} to {max(rates[name]):,.0f})"
            print(f"| {workload} | {name} | {spread} | {ratio} | {loss:.1f} | {memory:,.0f} |")


def save_results(results: Results, path: Path) -> None:
    """Write all results as JSON."""
    content = {
        workload: {name: [asdict(result) for result in measured] for name, measured in by.items()}
        for workload, by in results.items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2))


def main() -> None:
    """Run the programs in turn."""
    parser = argument_parser(__doc__)
    parser.add_argument("--workloads", nargs="+", choices=WORKLOADS, default=list(WORKLOADS))
    parser.add_argument("--only", nargs="+", choices=PROGRAMS, default=list(PROGRAMS))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, help="a file for all results, as JSON")
    options = parser.parse_args()
    for name in {"pythae", "keras"} & set(options.only):
        python_of(name)  # its environment is made before any time is measured

    results: Results = {workload: {} for workload in options.workloads}
    for repeat in range(1, options.repeats + 1):
        for workload in options.workloads:
            for name in options.only:
                program = PROGRAMS[name]
                if WORKLOADS[workload].net not in program.nets:
                    continue
                result = program.run(WORKLOADS[workload])
                results[workload].setdefault(name, []).append(result)
                rate = f"{result.images_per_second:9,.0f} images/s"
                print(f"{repeat}  {workload:9} {name:16} {rate}", file=sys.stderr)
    print_table(results)
    if options.out:
        save_results(results, options.out)


if __name__ == "__main__":
    main()
