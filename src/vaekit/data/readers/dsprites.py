"""dSprites: white shapes on black, one image for every combination of five factors.

The first image has the first value of every factor; the last factor changes from image to image, the first one slowest:
shape (3), scale (6 from 0.5 to 1), orientation (40 from 0 to 2 pi), horizontal position (32), vertical position (32).
Shapes are the labels.

The 19 MB of the official .npz are 3 GB of pixels, and what is compressed cannot be memory-mapped. On first use they are
therefore written into the cache as they are, and mapped from there. The hash of the .npz is checked before; what is written
gets its name only when it is whole and on disk; so a load checks its header and its size, and hashes nothing.
"""

import shutil
import zipfile
from pathlib import Path

import numpy as np

from vaekit.data.cache import cache_folder, cache_lock, commit
from vaekit.data.file_reading import data_errors
from vaekit.data.raw_dataset import RawDataset
from vaekit.data.readers.arrays import rows_of
from vaekit.data.registry import REMOTES, checksum_error, ensure_downloaded, is_cached
from vaekit.data.remote_file import matches_checksum
from vaekit.data.support import Support
from vaekit.errors import DataError
from vaekit.runtime.terminal_progress import byte_progress

NAME = "dsprites"
CLASSES = ("square", "ellipse", "heart")
SHAPE = (3 * 6 * 40 * 32 * 32, 64, 64)


def read() -> RawDataset:
    """737,280 images of zeros and ones, 64 x 64, memory-mapped, with their shapes; no test part."""
    pixels = _pixels()
    if not pixels.is_file():
        _unpack(pixels)
    return RawDataset(
        NAME, rows_of(_mapped(pixels), _labels(), NAME), support=Support("binary"), classes=CLASSES
    )


def is_local() -> bool:
    """Whether nothing needs to be downloaded."""
    return _pixels().is_file() or is_cached(NAME)


def _pixels() -> Path:
    return cache_folder(NAME) / "images.npy"


def _labels() -> np.ndarray:
    return np.array(CLASSES).repeat(SHAPE[0] // len(CLASSES))


def _mapped(pixels: Path) -> np.ndarray:
    try:
        with data_errors(pixels):
            x = np.lib.format.open_memmap(pixels, mode="r")
            if x.shape != SHAPE or x.dtype != bool:
                raise ValueError(
                    f"it holds {x.dtype} of shape {x.shape}, bool of shape {SHAPE} is needed"
                )
    except DataError as error:
        raise DataError(f"{error}: remove it to have it unpacked anew") from error
    return x


def _unpack(pixels: Path) -> None:
    """Decompress the images into a file that can be mapped; bool, as no byte of it then needs to be looked at again."""
    remote = REMOTES[NAME][0]
    npz = ensure_downloaded(NAME, remote)
    with data_errors(npz):
        if not matches_checksum(npz, remote):
            raise checksum_error(f"the md5 of {str(npz)!r} is not {remote.md5}")
    size = int(np.prod(SHAPE))
    with cache_lock(pixels.parent, size):
        if pixels.is_file():  # another process was faster
            return
        part = pixels.with_suffix(".part")
        try:
            _write(npz, part, size)
            commit(part, pixels)
        finally:
            part.unlink(missing_ok=True)


def _write(npz: Path, part: Path, size: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if free < size:
        raise OSError(f"only {free / 1e6:.0f} MB are free")
    with (
        zipfile.ZipFile(npz) as archive,
        archive.open("imgs.npy") as images,
        part.open("wb") as file,
    ):
        np.lib.format.read_magic(images)
        np.lib.format.read_array_header_1_0(images)
        np.lib.format.write_array_header_1_0(
            file, {"descr": "|b1", "fortran_order": False, "shape": SHAPE}
        )
        with byte_progress(f"unpacking {NAME}", 0, size) as advance:
            while block := images.read(2**20):
                advance(file.write(block))
