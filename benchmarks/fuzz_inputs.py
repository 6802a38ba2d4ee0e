"""The inputs that `fuzz.py` has found worth keeping, in `fuzz_corpus/`."""

import zipfile
from pathlib import Path

CORPUS = Path(__file__).with_name("fuzz_corpus")
"""An archive for each reader, of the inputs that reached new code."""
MAX_KEPT_BYTES = 20_000
ANY_TIME = (2020, 1, 1, 0, 0, 0)  # the same inputs are the same archive


def folder_name(reader: str) -> str:
    """The name of a reader in paths."""
    return reader.replace(" ", "-")


def kept_inputs(reader: str) -> list[bytes]:
    """The inputs of a reader that are kept; none if it was never fuzzed."""
    path = CORPUS / f"{folder_name(reader)}.zip"
    if not path.exists():
        return []
    with zipfile.ZipFile(path) as archive:
        return [archive.read(name) for name in archive.namelist()]


def keep_inputs(reader: str, corpus: Path) -> None:
    """Keep the small ones of the inputs that fuzzing has collected in a folder."""
    files = [path for path in sorted(corpus.glob("*")) if path.stat().st_size <= MAX_KEPT_BYTES]
    inputs = sorted({path.read_bytes() for path in files})
    if not inputs:
        return
    CORPUS.mkdir(exist_ok=True)
    with zipfile.ZipFile(CORPUS / f"{folder_name(reader)}.zip", "w") as archive:
        for number, content in enumerate(inputs):
            header = zipfile.ZipInfo(f"{number:03}", ANY_TIME)
            archive.writestr(header, content, zipfile.ZIP_DEFLATED)
