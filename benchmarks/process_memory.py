"""The time and memory of a process, read from /proc while it runs (Linux)."""

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

SECONDS_BETWEEN_READS = 0.02


class ProcessCost(NamedTuple):
    """What a process took.

    Attributes:
        seconds: Time until it ended.
        resident_mb: Peak of its resident memory (VmHWM).
        anonymous_mb: Peak of the part of its resident memory that is no copy of a file (RssAnon).
    """

    seconds: float
    resident_mb: int
    anonymous_mb: int


def run_measured(command: Sequence[str]) -> ProcessCost:
    """Run a command and measure it; SystemExit if it fails."""
    start = time.monotonic()
    peaks = {"VmHWM": 0, "RssAnon": 0}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
            name, _, value = line.partition(":")
            if name in peaks:
                peaks[name] = max(peaks[name], int(value.split()[0]) // 1024)
        time.sleep(SECONDS_BETWEEN_READS)
    if process.returncode:
        sys.exit(f"failed: {' '.join(command)}")
    return ProcessCost(time.monotonic() - start, peaks["VmHWM"], peaks["RssAnon"])
