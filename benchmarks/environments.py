"""Virtual environments for what vaekit is compared with, one for each peer, made on first use and kept."""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
KEPT = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "vaekit-benchmarks"


def python_of(peer: str) -> Path:
    """The interpreter of a peer's own environment, with what `peers/<peer>.txt` pins installed."""
    folder = KEPT / peer
    python, installed = folder / "bin" / "python", folder / "installed.txt"
    pins = HERE / "peers" / f"{peer}.txt"
    if not installed.exists() or installed.read_text() != pins.read_text():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", pins], check=True)
        installed.write_text(pins.read_text())
    return python
