"""Virtual environments for programs that vaekit is compared with, made on first use and kept."""

import os
import subprocess
import sys
from pathlib import Path

PEERS = Path(__file__).parent / "peers"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "vaekit-benchmarks"


def python_of(peer: str) -> Path:
    """The interpreter of a peer's environment, with the packages of `peers/PEER.txt` installed."""
    folder = CACHE / peer
    python = folder / "bin" / "python"
    installed = folder / "installed.txt"
    requirements = PEERS / f"{peer}.txt"
    if not installed.exists() or installed.read_text() != requirements.read_text():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", requirements], check=True)
        installed.write_text(requirements.read_text())
    return python
