"""What the scripts share: their own options, the commands of vaekit and the last epoch of a run."""

import argparse
import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any


def argument_parser(description: str | None) -> argparse.ArgumentParser:
    """A parser whose help shows the docstring of a script line by line."""
    return argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def vaekit_command(*arguments: object) -> list[str]:
    """The command `vaekit ARGUMENTS` in this interpreter."""
    return [sys.executable, "-m", "vaekit", *map(str, arguments)]


def vaekit_json(*arguments: object) -> dict[str, Any]:
    """The JSON object that `vaekit ARGUMENTS --json` prints."""
    command = vaekit_command(*arguments, "--json")
    return json.loads(output_of(command))


def output_of(command: list[str]) -> str:
    """The standard output of a command; CalledProcessError if it fails."""
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def last_epoch(run: Path) -> dict[str, float]:
    """The metrics of the last epoch in a run's metrics.csv."""
    with (run / "metrics.csv").open() as file:
        *_, row = csv.DictReader(file)
    return {name: float(value) for name, value in row.items() if value}
