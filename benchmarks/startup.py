"""Seconds of starting, beyond a bare interpreter: medians over repeats, the commands in turn.

    python benchmarks/startup.py

The goals: at most 0.3 s for `vaekit --help` and `vaekit recipes`, less for `import vaekit`; for
`vaekit train` on MNIST, to the checkpoint before its first step, at most 1.5 times the time of
importing torch and lightning. Takes some minutes; `--repeats` sets how many.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from command_line import argument_parser, vaekit_command

COMMANDS = {
    "bare interpreter": ["-c", "pass"],
    "import vaekit": ["-c", "import vaekit"],
    "vaekit --help": ["-m", "vaekit", "--help"],
    "vaekit recipes": ["-m", "vaekit", "recipes"],
    "import torch": ["-c", "import torch"],
    "import torch, lightning": ["-c", "import torch, lightning"],
}
TRAIN = "vaekit train, to its first step"


def seconds_to_end(arguments: list[str]) -> float:
    """The time of an interpreter with these arguments."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def seconds_to_first_step() -> float:
    """The time from the start of a training to its first checkpoint; it is then killed."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        command = vaekit_command("train", "--out", f"{folder}/run")
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not Path(folder, "run/checkpoints/last.safetensors").exists():
            if process.poll() is not None:
                raise SystemExit(f"failed: {' '.join(command)}")
            time.sleep(0.005)
        elapsed = time.perf_counter() - start
        process.kill()
        process.wait()
        return elapsed


def main() -> None:
    """Measure all commands in turn."""
    parser = argument_parser(__doc__)
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args()
    seconds: dict[str, list[float]] = {name: [] for name in (*COMMANDS, TRAIN)}
    for _ in range(1 + options.repeats):
        for name, arguments in COMMANDS.items():
            seconds[name].append(seconds_to_end(arguments))
        seconds[TRAIN].append(seconds_to_first_step())

    # The first repeat fills the cache of files.
    medians = {name: statistics.median(values[1:]) for name, values in seconds.items()}
    bare = medians["bare interpreter"]
    for name, median in medians.items():
        share = (median - bare) / (medians["import torch"] - bare)
        print(
            f"{name:36} {median - bare:6.3f} s beyond a bare interpreter, "
            f"{share:6.1%} of importing torch"
        )


if __name__ == "__main__":
    main()
