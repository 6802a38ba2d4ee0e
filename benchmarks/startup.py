"""What it costs before anything happens: seconds beyond a bare interpreter, medians over repeats, interleaved.

    python benchmarks/startup.py

At most 0.3 s for `vaekit --help` and `vaekit recipes`, less for `import vaekit`.
"""

import statistics
import subprocess
import sys
import time

COMMANDS = {
    "bare interpreter": ["-c", "pass"],
    "import vaekit": ["-c", "import vaekit"],
    "vaekit --help": ["-m", "vaekit", "--help"],
    "vaekit recipes": ["-m", "vaekit", "recipes"],
    "import torch": ["-c", "import torch"],
}
REPEATS = 15


def seconds(arguments: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    found: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(REPEATS + 1):
        for name, arguments in COMMANDS.items():
            found[name].append(seconds(arguments))
    medians = {name: statistics.median(values[1:]) for name, values in found.items()}  # the first fills the file cache
    bare = medians["bare interpreter"]
    for name, value in medians.items():
        share = (value - bare) / (medians["import torch"] - bare)
        print(f"{name:18} {value - bare:6.3f} s beyond a bare interpreter, {share:6.1%} of importing torch")


if __name__ == "__main__":
    main()
