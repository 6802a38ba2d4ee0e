"""A process, and the memory that it takes, read from /proc while it runs (Linux)."""

import subprocess
import sys
import time
from pathlib import Path


def watched(command: list[str]) -> tuple[float, dict[str, int]]:
    """Seconds, and the peaks in MB of resident memory (VmHWM) and of its part that is no copy of a file (RssAnon)."""
    began, peak = time.monotonic(), {"VmHWM": 0, "RssAnon": 0}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
            name, _, value = line.partition(":")
            if name in peak:
                peak[name] = max(peak[name], int(value.split()[0]) // 1024)
        time.sleep(0.02)
    if process.returncode:
        sys.exit(f"failed: {' '.join(command)}")
    return time.monotonic() - began, peak
