"""What a shared folder may hold: the files of a run that others need, a card, pictures; nothing else is written or taken."""

import json
import re
from contextlib import suppress
from pathlib import Path

from vaekit.config import MAX_CONFIG_BYTES
from vaekit.errors import OutputError, RunError
from vaekit.runs import CONFIG, MAX_TEXT, METRICS, PLOTS, SPLIT, SUMMARY, WEIGHTS, load_config

FACTS, CARD, LIBRARY = "config.json", "README.md", "vaekit"
MOST_PICTURES = 100

_MOST_BYTES = {
    CONFIG: MAX_CONFIG_BYTES,
    WEIGHTS: 20_000_000_000,
    SPLIT: 2_000_000_000,
    METRICS: MAX_TEXT,
    SUMMARY: MAX_TEXT,
    FACTS: MAX_TEXT,
    CARD: MAX_TEXT,
}
_PICTURE = re.compile(rf"{PLOTS}/\w[\w.-]{{0,99}}\.png", re.ASCII)


def most_bytes(name: str) -> int | None:
    """How large a file of this name may be, by its path in the folder; None where it does not belong there.

    >>> most_bytes("plots/grid.png"), most_bytes("plots/../grid.png"), most_bytes("model.pkl")
    (20000000, None, None)
    """
    return 20_000_000 if _PICTURE.fullmatch(name) else _MOST_BYTES.get(name)


def is_shared(name: str) -> bool:
    """Whether a file of this name belongs into a shared folder."""
    return most_bytes(name) is not None


def check_place(folder: Path, force: bool) -> None:
    """OutputError where a folder may not be put: something is there, or, with `force`, something that is not ours."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise OutputError(f"{folder} exists and is not a folder: choose another one")
    if not folder.exists() or not any(folder.iterdir()):
        return
    if not force:
        raise OutputError(f"{folder} exists: choose another folder, or replace it with --force")
    names = [
        path.relative_to(folder).as_posix()
        for path in sorted(folder.rglob("*"))
        if not path.is_dir()
    ]
    if other := next((name for name in names if not is_shared(name)), None):
        raise OutputError(
            f"{folder} holds {other}, which --force would remove: choose another folder"
        )
    if names and not _is_run(folder):
        raise OutputError(
            f"{folder} is no run of vaekit, and --force would remove its {names[0]}: choose another folder"
        )


def _is_run(folder: Path) -> bool:
    """Whether a folder is a shared run, whole or damaged, or a run folder."""
    facts = folder / FACTS
    with suppress(OSError, ValueError, TypeError, KeyError, RecursionError):
        if (
            facts.is_file()
            and facts.stat().st_size <= MAX_TEXT
            and json.loads(facts.read_bytes())["library"] == LIBRARY
        ):
            return True
    with suppress(RunError):
        return bool(load_config(folder))
    return False
