"""Shards: examples in tar files in the layout of webdataset.

Consecutive files of one name, up to its first dot, are one example.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from io import BufferedReader, BytesIO, RawIOBase
from itertools import groupby, islice
from pathlib import Path
from shutil import which
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import numpy as np

from vaekit.data.bounds import check_data_bytes
from vaekit.data.building import build_dataset, channels_first
from vaekit.data.dataset import Dataset
from vaekit.data.examples import Examples
from vaekit.data.file_reading import data_errors
from vaekit.data.readers.folders import SUFFIXES
from vaekit.data.readers.image_arrays import PLAIN, ImageSource, read_images
from vaekit.data.readers.image_options import ImageOptions
from vaekit.data.readers.npz import read_array
from vaekit.data.readers.tar import read_tar, tar_names
from vaekit.data.support import Support
from vaekit.errors import ConfigError, DataError
from vaekit.files.regular import open_regular

MAX_SHARDS = 100_000
MAX_HELD_OUT_EXAMPLES = 10_000
"""Examples of the last shard that are read into memory, for validation and test."""

CURL_FAILURES = {
    6: "unknown host",
    7: "connection refused",
    22: "missing, or not public",
    28: "timed out",
}
"""Reasons by exit status of curl."""


class NamedBytes(BytesIO):
    """A file of a shard, by the name that messages show."""

    def __init__(self, content: bytes, name: str):
        super().__init__(content)
        self.name = name

    def __str__(self) -> str:
        return self.name

    __repr__ = __str__


@dataclass(frozen=True)
class Sample:
    """One example as it is stored in a shard, not decoded.

    Args:
        name: The names of the shard and of the example, for messages.
        content: The bytes of an .npy file or an image.
        suffix: The suffix of the file, without dot.
        label: The text of its .cls file; None without.
    """

    name: str
    content: bytes = field(repr=False)
    suffix: str
    label: str | None


@dataclass(frozen=True)
class Shards:
    """Tar files that training examples are streamed from.

    Args:
        locations: Paths, or addresses on the web.
        options: Crop and size of their images.
    """

    locations: tuple[str, ...]
    options: ImageOptions = PLAIN

    def __len__(self) -> int:
        return len(self.locations)

    def samples(self, order: Iterable[int]) -> Iterator[Sample]:
        """The samples of the shards with these indices."""
        for index in order:
            yield from _read_samples(self.locations[index])

    def count(self) -> int:
        """The number of examples, by the headers of the files.

        Raises:
            ConfigError: A shard is not on this machine.
        """
        if any(_is_remote(location) for location in self.locations):
            raise ConfigError(
                "the examples of shards on the web are not counted. "
                "Set data.train_size, the number of examples of an epoch.",
                parameter="data.train_size",
            )
        return sum(map(_count_examples, self.locations))

    def fingerprint(self) -> str:
        """The SHA-256 of the names of the files, and of the sizes of those on this machine."""
        digest = hashlib.sha256()
        for location in self.locations:
            size = "" if _is_remote(location) else Path(location).stat().st_size
            digest.update(f"{_file_name(location)} {size}\n".encode())
        return digest.hexdigest()


def is_shards(source: object) -> bool:
    """Whether a source names shards."""
    return _without_query(str(source)).endswith((".tar", ".tar.gz", ".tgz"))


def read_shards(source: str, options: ImageOptions, support: Support | None = None) -> Dataset:
    """Read one shard completely; of several the last, to stream the others.

    Args:
        source: A path or an address, or several in the notation of webdataset.
        options: Crop and size of the images.
        support: The support of the examples; default `Support.of` them.
    """
    options.check_unused(source, allowed=("crop", "resize"))
    *streamed, last = expand_shards(source)
    max_samples = MAX_HELD_OUT_EXAMPLES if streamed else None
    samples = list(_bounded(islice(_read_samples(last), max_samples), last))
    if not samples:
        raise DataError(
            f"{last!r} contains no examples, expected .npy files or images "
            f"({' '.join(SUFFIXES)}), with or without a .cls file each."
        )
    examples = Examples(decode_samples(samples, options), _labels(samples))
    name = re.sub(r"[{}]|\.(tar|tgz)(\.gz)?$", "", _file_name(source))
    stream = Shards(tuple(streamed), options) if streamed else None
    return build_dataset(name, examples, support=support, stream=stream)


def _bounded(samples: Iterable[Sample], location: str) -> Iterator[Sample]:
    """Samples that are held in memory together."""
    size = 0
    for sample in samples:
        size += len(sample.content)
        check_data_bytes(size, repr(location))
        yield sample


def expand_shards(source: str) -> tuple[str, ...]:
    """The paths and addresses of shards in the notation of webdataset: `train-{000..127}.tar`.

    Nothing else is accepted: webdataset itself would execute a command after `pipe:`.

    Raises:
        ConfigError: webdataset or curl is not installed, or there are too many shards.
        DataError: A shard is missing, or the notation is invalid.
    """
    if find_spec("webdataset") is None:
        raise ConfigError(
            "shards need webdataset, which is not installed. "
            "Install it with pip install 'vaekit[shards]'.",
            parameter="data",
        )
    from braceexpand import braceexpand

    if any(int(end) >= MAX_SHARDS for end in re.findall(r"\.\.-?(\d+)", source)):
        raise _too_many_shards(source)
    with data_errors(source):
        locations = tuple(islice(braceexpand(source), MAX_SHARDS + 1))
    if len(locations) > MAX_SHARDS:
        raise _too_many_shards(source)
    for location in locations:
        _check_location(location)
    return tuple(
        location if _is_remote(location) else str(Path(location).resolve())
        for location in locations
    )


def _too_many_shards(source: str) -> ConfigError:
    return ConfigError(
        f"too many shards: got {source!r}, expected at most {MAX_SHARDS:,}. "
        "Write larger shards, of a few hundred MB each.",
        parameter="data",
    )


def _check_location(location: str) -> None:
    if _is_remote(location):
        if which("curl") is None:
            raise ConfigError(
                f"{location!r} needs curl, which is not installed. "
                "Install it, or copy the shards to this machine.",
                parameter="data",
            )
    elif re.match(r"\w+:", location) and not Path(location).exists():
        raise DataError(
            f"invalid address of a shard: got {location!r}, expected a path, or an address with "
            "http:// or https://."
        )
    elif not Path(location).is_file():
        problem = "no regular file" if Path(location).exists() else "missing"
        raise DataError(f"{problem}: shard {location!r}. Name shards as in train-{{000..127}}.tar.")


# --- Samples to arrays ---------------------------------------------------------------------------


def decode_samples(
    samples: Sequence[Sample],
    options: ImageOptions = PLAIN,
    channels: int | None = None,
) -> np.ndarray:
    """Decode samples into examples.

    Args:
        samples: At least one sample.
        options: Crop and size of images.
        channels: The number of channels of images; default that of `read_images`.

    Returns:
        Raw examples [N, *shape].

    Raises:
        DataError: The samples are damaged, or of more than one size or kind.
    """
    arrays = [sample for sample in samples if sample.suffix == "npy"]
    if arrays and len(arrays) < len(samples):
        raise DataError(
            f"{samples[0].name!r} and other examples mix .npy files and images. "
            "Use only one of them."
        )
    files = [NamedBytes(sample.content, f"{sample.name}.{sample.suffix}") for sample in samples]
    if arrays:
        return _stack_arrays(files)
    sources = [ImageSource(file, file.name) for file in files]
    return read_images(sources, options, channels=channels, max_frames=1).x


def _stack_arrays(files: list[NamedBytes]) -> np.ndarray:
    with data_errors(files[0]):
        arrays = [read_array(file, file.getbuffer().nbytes) for file in files]
    first = arrays[0]
    for file, array in zip(files, arrays, strict=True):
        if (array.shape, array.dtype) != (first.shape, first.dtype):
            raise DataError(
                f"arrays differ in type or shape: got {array.dtype} {array.shape} in "
                f"{str(file)!r}, expected {first.dtype} {first.shape} as in {str(files[0])!r}."
            )
    return channels_first(np.stack(arrays), str(files[0]))


def _labels(samples: Sequence[Sample]) -> np.ndarray | None:
    """Labels as text, or as whole numbers if all of them are, so that 10 comes after 9."""
    labels = [sample.label for sample in samples if sample.label is not None]
    if not labels:
        return None
    if len(labels) < len(samples):
        unlabeled = next(sample for sample in samples if sample.label is None)
        raise DataError(
            f"{unlabeled.name!r} has no .cls file, but other examples have one. "
            "Label all examples, or none."
        )
    are_numbers = all(re.fullmatch(r"0|[1-9]\d{0,8}", label) for label in labels)
    return np.array(labels).astype(np.int64) if are_numbers else np.array(labels)


# --- Shards to samples ---------------------------------------------------------------------------


def _read_samples(location: str) -> Iterator[Sample]:
    from webdataset.tariterators import group_by_keys

    with data_errors(location), _curl_errors(location), _opened(location) as stream:
        files = (
            {"fname": file.name, "data": file.content, "__url__": location}
            for file in read_tar(stream, _is_wanted)
        )
        for group in group_by_keys(files):
            yield _sample(group)


@contextmanager
def _opened(location: str) -> Iterator[BinaryIO]:
    """A buffered stream of a file, or of an address that curl reads."""
    if not _is_remote(location):
        with open_regular(location) as file:
            yield file
        return
    from webdataset.gopen import gopen

    with ExitStack() as stack:
        pipe = stack.enter_context(gopen(location))
        yield stack.enter_context(BufferedReader(_Readable(pipe)))


class _Readable(RawIOBase):
    """The output of a process as a stream that can be buffered."""

    def __init__(self, pipe: Any):
        self.pipe = pipe

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """The next bytes."""
        content = self.pipe.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)


@contextmanager
def _curl_errors(location: str) -> Iterator[None]:
    """Turn a failure of curl into a one-line `DataError`."""
    try:
        yield
    except OSError as error:
        if not _is_remote(location):
            raise
        status = re.search(r"exit (-?\d+)", str(error))
        reason = "curl failed"
        if status is not None:
            reason = CURL_FAILURES.get(int(status[1]), f"curl failed with status {status[1]}")
        raise DataError(f"cannot download {location!r}: {reason}.") from None


def _is_wanted(name: str) -> bool:
    """Whether a member belongs to an example; webdataset reserves names with `__`."""
    is_reserved = re.match("__[^/]*__($|/)", name) is not None
    return name.lower().endswith((".npy", ".cls", *SUFFIXES)) and not is_reserved


def _sample(group: dict[str, Any]) -> Sample:
    """The sample of a group of files, as webdataset groups them."""
    name = f"{_file_name(group['__url__'])}: {group['__key__']}"
    files = {
        suffix: content
        for suffix, content in group.items()
        if not suffix.startswith("__") and suffix != "cls"
    }
    if not files:
        raise DataError(
            f"{name!r} has a .cls file and nothing else. "
            "Let the files of an example follow each other in the shard."
        )
    if len(files) > 1:
        suffixes = ", ".join(sorted(files)[:3])
        raise DataError(
            f"{name!r} has {len(files)} files ({suffixes}), expected one .npy file or image. "
            "The name of an example ends at its first dot."
        )
    ((suffix, content),) = files.items()
    label = group["cls"].decode().strip() if "cls" in group else None
    return Sample(name, content, suffix.rsplit(".", 1)[-1], label)


def _count_examples(location: str) -> int:
    """The number of examples of a shard, by the rule of webdataset: consecutive files whose names
    are equal up to the first dot are one example."""
    from webdataset.tariterators import base_plus_ext

    with data_errors(location), open_regular(location) as stream:
        members = filter(_is_wanted, tar_names(stream))
        names = (base_plus_ext(member)[0] for member in members)
        return sum(1 for _ in groupby(name for name in names if name is not None))


# --- Locations -----------------------------------------------------------------------------------


def _is_remote(location: str) -> bool:
    return urlsplit(location).scheme in ("http", "https")


def _without_query(location: str) -> str:
    """An address without what follows its path, such as a signature."""
    return location.partition("?")[0] if _is_remote(location) else location


def _file_name(location: str) -> str:
    return _without_query(location).rsplit("/", 1)[-1]
