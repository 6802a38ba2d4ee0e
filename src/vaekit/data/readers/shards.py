"""Rows in tar files, as webdataset lays them out: files of one name, up to its first dot, are one row."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from io import SEEK_END, BytesIO
from itertools import groupby, islice
from pathlib import Path
from shutil import which
from tarfile import open as open_tar
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from vaekit.data.dataset import Examples
from vaekit.data.file_reading import data_errors
from vaekit.data.raw_dataset import RawDataset, channels_first, dataset_name
from vaekit.data.readers.image_files import SUFFIXES, read_images
from vaekit.errors import ConfigError, DataError

MAX_SHARDS = 100_000
SET_ASIDE = 10_000
"""Rows of the last shard, at most, that are held in memory to validate and to test on."""


END = bytes(1024)
CURL = {
    6: "there is no such host",
    7: "nobody answers there",
    22: "it is not there, or not for everybody",
    28: "the time ran out",
}


class Member(BytesIO):
    """A file out of a shard, which messages name."""

    def __init__(self, content: bytes, name: str):
        super().__init__(content)
        self.name = name

    def __str__(self) -> str:
        return self.name

    __repr__ = __str__


@dataclass(frozen=True)
class Sample:
    """One row as it lies in a shard: its file, .npy or an image, and the text of its .cls, where there is one."""

    name: str
    file: bytes = field(repr=False)
    suffix: str
    label: str | None


@dataclass(frozen=True)
class Shards:
    """Tar files to train from, one after the other. resize: (height, width) of their images."""

    places: tuple[str, ...]
    resize: tuple[int, int] | None = None

    def samples(self, order: Iterable[int]) -> Iterator[Sample]:
        """The rows of the shards with these numbers, not decoded."""
        for i in order:
            yield from _samples(self.places[i])

    def count(self) -> int:
        """How many rows there are, by the headers; ConfigError for shards that are not on this machine."""
        if any(_is_remote(place) for place in self.places):
            raise ConfigError(
                "data.train_size: shards on the web are not counted, say how many rows make an epoch (--limit)"
            )
        return sum(map(_count, self.places))

    def fingerprint(self) -> str:
        """The sha256 of the files' names, and of their sizes where they are on this machine."""
        digest = hashlib.sha256()
        for place in self.places:
            size = "" if _is_remote(place) else Path(place).stat().st_size
            digest.update(f"{_path_of(place).rsplit('/', 1)[-1]} {size}\n".encode())
        return digest.hexdigest()


def is_shards(source: object) -> bool:
    """Whether a source names shards."""
    return _path_of(str(source)).endswith((".tar", ".tar.gz", ".tgz"))


def read_shards(source: str, resize: tuple[int, int] | None) -> RawDataset:
    """One shard is read whole; of several the last is set aside in memory, and the others are to be streamed."""
    *others, last = expand(source)
    samples = list(islice(_samples(last), SET_ASIDE if others else None))
    if not samples:
        raise DataError(
            f"{last!r} holds no rows: each is a .npy or an image ({' '.join(SUFFIXES)}), with a .cls or not"
        )
    rows = Examples(decoded(samples, resize), _labels(samples))
    name = dataset_name(
        re.sub(r"[{}]|\.(tar|tgz)(\.gz)?$", "", _path_of(source).rsplit("/", 1)[-1])
    )
    return RawDataset(name, rows, stream=Shards(tuple(others), resize) if others else None)


def expand(source: str) -> tuple[str, ...]:
    """Paths, or addresses on the web, from webdataset's notation: `train-{000..127}.tar`.

    Nothing else can be named: webdataset itself would run what stands behind `pipe:`.
    """
    if find_spec("webdataset") is None:
        raise ConfigError(
            "shards are read by webdataset, which is not installed: pip install 'vaekit[shards]'"
        )
    from braceexpand import braceexpand

    if any(int(end) >= MAX_SHARDS for end in re.findall(r"\.\.-?(\d+)", source)):
        raise ConfigError(
            f"{source!r} names more than {MAX_SHARDS:,} shards: make them larger, a few hundred MB each"
        )
    with data_errors(source):
        places = tuple(islice(braceexpand(source), MAX_SHARDS + 1))
    if len(places) > MAX_SHARDS:
        raise ConfigError(
            f"{source!r} names more than {MAX_SHARDS:,} shards: make them larger, a few hundred MB each"
        )
    for place in places:
        _check_place(place)
    return tuple(place if _is_remote(place) else str(Path(place).resolve()) for place in places)


def decoded(
    samples: Sequence[Sample], resize: tuple[int, int] | None = None, channels: int | None = None
) -> np.ndarray:
    """Samples as rows [N, *shape]; DataError where they are of two sizes or kinds."""
    arrays = [sample for sample in samples if sample.suffix == "npy"]
    if arrays and len(arrays) < len(samples):
        raise DataError(
            f"{samples[0].name!r} and others are .npy and images, mixed: give one or the other"
        )
    files = [Member(sample.file, f"{sample.name}.{sample.suffix}") for sample in samples]
    return _stacked(files) if arrays else read_images(files, resize, channels)


def _stacked(files: list[Member]) -> np.ndarray:
    with data_errors(files[0]):
        rows = [np.load(file, allow_pickle=False) for file in files]
    for file, row in zip(files, rows, strict=True):
        if (row.shape, row.dtype) != (rows[0].shape, rows[0].dtype):
            raise DataError(
                f"{str(file)!r} is {row.dtype} {row.shape}, {str(files[0])!r} {rows[0].dtype} {rows[0].shape}"
            )
    return channels_first(np.stack(rows), str(files[0]))


def _labels(samples: Sequence[Sample]) -> np.ndarray | None:
    """Labels as whole numbers where all of them are, so that 10 comes after 9."""
    labels = [sample.label for sample in samples]
    if labels.count(None) == len(labels):
        return None
    if None in labels:
        raise DataError(
            f"{samples[labels.index(None)].name!r} has no .cls, others have: label all rows, or none"
        )
    whole = all(re.fullmatch(r"0|[1-9]\d{0,8}", label) for label in labels if label is not None)
    return np.array(labels).astype(np.int64) if whole else np.array(labels)


def _samples(place: str) -> Iterator[Sample]:
    from webdataset.gopen import gopen
    from webdataset.tariterators import group_by_keys, tar_file_expander

    with data_errors(place), _fetching(place), gopen(place) as stream:
        if not _is_remote(place):
            _check_end(place, stream)
        for found in group_by_keys(
            tar_file_expander([{"url": place, "stream": stream}], select_files=_is_wanted)
        ):
            yield _sample(found)


@contextmanager
def _fetching(place: str) -> Iterator[None]:
    """Tell curl's failure in a line."""
    try:
        yield
    except OSError as error:
        if not _is_remote(place):
            raise
        status = re.search(r"exit (-?\d+)", str(error))
        reason = (
            CURL.get(int(status[1]), f"curl ends with status {status[1]}")
            if status
            else "curl failed"
        )
        raise DataError(f"{place!r} cannot be fetched: {reason}") from None


def _check_end(place: str, stream: Any) -> None:
    """Python's tarfile takes the end of the file for that of the archive, and would read half of a shard without a word."""
    compressed = stream.read(2) == b"\x1f\x8b"  # whose end is checked by what it decompresses to
    size = stream.seek(0, SEEK_END)
    stream.seek(max(0, size - len(END)))
    if not compressed and stream.read() != END:
        raise DataError(
            f"{place!r} is truncated, or no tar file: its end mark is missing; copy it again"
        )
    stream.seek(0)


def _is_wanted(name: str) -> bool:
    return name.lower().endswith((".npy", ".cls", *SUFFIXES)) and not re.match(
        "__[^/]*__($|/)", name
    )  # as webdataset


def _sample(found: dict) -> Sample:
    name = f"{_path_of(found['__url__']).rsplit('/', 1)[-1]}: {found['__key__']}"
    files = {
        key: content for key, content in found.items() if not key.startswith("__") and key != "cls"
    }
    if not files:
        raise DataError(
            f"{name!r} has a .cls and nothing else: the files of a row must follow each other in the archive"
        )
    if len(files) > 1:
        some = ", ".join(sorted(files)[:3])
        raise DataError(
            f"{name!r} has {len(files)} files ({some}): a row is one .npy or image; its name ends at its first dot"
        )
    ((suffix, content),) = files.items()
    label = found["cls"].decode().strip() if "cls" in found else None
    return Sample(name, content, suffix.rsplit(".", 1)[-1], label)


def _count(place: str) -> int:
    """By webdataset's rule: files are one row as long as their names up to the first dot are the same."""
    from webdataset.tariterators import base_plus_ext

    with data_errors(place), open_tar(place) as tar:
        names = (
            base_plus_ext(member.name)[0]
            for member in tar
            if member.isreg() and _is_wanted(member.name)
        )
        return sum(1 for _ in groupby(name for name in names if name is not None))


def _path_of(place: str) -> str:
    """An address without what stands behind its path, such as a signature."""
    return place.partition("?")[0] if _is_remote(place) else place


def _is_remote(place: str) -> bool:
    return urlsplit(place).scheme in ("http", "https")


def _check_place(place: str) -> None:
    if _is_remote(place):
        if which("curl") is None:
            raise ConfigError(
                f"{place!r} is fetched by curl, which is not installed: install it, or bring the shards here"
            )
    elif re.match(r"\w+:", place) and not Path(place).exists():
        raise DataError(f"{place!r}: shards are paths or addresses with http:// or https://")
    elif not Path(place).is_file():
        raise DataError(f"{place!r} is not there: shards are named as in train-{{000..127}}.tar")
