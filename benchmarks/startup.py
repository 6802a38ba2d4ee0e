"""What it costs before anything happens: seconds beyond a bare interpreter, medians over repeats, interleaved.

    python benchmarks/startup.py

At most 0.3 s for `vaekit --help` and `vaekit recipes`, less for `import vaekit`; for `vaekit train` on MNIST, to the checkpoint
before its first update, at most 1.5 times what importing torch and lightning takes.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COMMANDS = {
    "bare interpreter": ["-c", "pass"],
    "import vaekit": ["-c", "import vaekit"],
    "vaekit --help": ["-m", "vaekit", "--help"],
    "vaekit recipes": ["-m", "vaekit", "recipes"],
    "import torch": ["-c", "import torch"],
    "import torch, lightning": ["-c", "import torch, lightning"],
}
TRAIN, REPEATS = "vaekit train, to its first update", 15


def seconds(arguments: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def until_first_update() -> float:
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        command = [sys.executable, "-m", "vaekit", "train", "--out", f"{folder}/run"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not Path(folder, "run/checkpoints/last.ckpt").exists():
            time.sleep(0.005)
        elapsed = time.perf_counter() - started
        process.kill()
        process.wait()
        return elapsed


def main() -> None:
    found: dict[str, list[float]] = {name: [] for name in (*COMMANDS, TRAIN)}
    for _ in range(REPEATS + 1):
        for name, arguments in COMMANDS.items():
            found[name].append(seconds(arguments))
        found[TRAIN].append(until_first_update())
    medians = {
        name: statistics.median(values[1:]) for name, values in found.items()
    }  # the first fills the file cache
    bare = medians["bare interpreter"]
    for name, value in medians.items():
        share = (value - bare) / (medians["import torch"] - bare)
        print(
            f"{name:36} {value - bare:6.3f} s beyond a bare interpreter, {share:6.1%} of importing torch"
        )


if __name__ == "__main__":
    main()
