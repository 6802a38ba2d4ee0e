"""dSprites: white shapes on black, one image per combination of five factors (Matthey et al.,
2017).

The first image has the first value of every factor. The last factor changes from image to image,
the first one slowest: shape (3), scale (6 from 0.5 to 1), orientation (40 from 0 to 2 pi),
horizontal position (32), vertical position (32). Shapes are the labels.

The 19 MB of the official .npz are 3 GB of pixels, and compressed data cannot be memory-mapped. On
first use the images are therefore unpacked into the cache, and mapped from there. The checksum of
the .npz is verified before, and the unpacked file gets its name only when it is complete and on
disk; so loading checks its header and its size, and hashes nothing.
"""

import errno
import shutil
import zipfile
from pathlib import Path

import numpy as np

from vaekit.data.building import build_dataset, raw_examples
from vaekit.data.cache import cache_folder, cache_lock, commit
from vaekit.data.dataset import Dataset
from vaekit.data.file_reading import data_errors
from vaekit.data.readers.npz import map_npy
from vaekit.data.remote_file import RemoteFile, checksum_error, ensure_downloaded, is_cached
from vaekit.data.support import Support
from vaekit.errors import DataError
from vaekit.files.regular import open_regular
from vaekit.runtime.terminal_progress import byte_progress

NAME = "dsprites"
CLASSES = ("square", "ellipse", "heart")
SHAPE = (3 * 6 * 40 * 32 * 32, 64, 64)
BLOCK_BYTES = 2**20

FILE_NAME = "dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz"
FILES: tuple[RemoteFile, ...] = (
    RemoteFile(
        name=FILE_NAME,
        md5="7da33b31b13a06f4b04a70402ce90c2e",
        size=19_318_135,
        addresses=(
            "https://raw.githubusercontent.com/google-deepmind/dsprites-dataset/master/"
            f"{FILE_NAME}",
            f"https://github.com/google-deepmind/dsprites-dataset/raw/master/{FILE_NAME}",
        ),
    ),
)


def read(support: Support | None = None) -> Dataset:
    """737,280 images of zeros and ones, 64 x 64, memory-mapped, labeled with their shapes; no test
    part."""
    path = _images_path()
    if not path.is_file():
        _unpack(path)
    labels = np.array(CLASSES).repeat(SHAPE[0] // len(CLASSES))
    examples = raw_examples(_mapped(path), labels, NAME)
    return build_dataset(NAME, examples, support=support or Support("binary"), classes=CLASSES)


def is_local() -> bool:
    """Whether nothing needs to be downloaded."""
    return _images_path().is_file() or is_cached(NAME, FILES)


def _images_path() -> Path:
    """The unpacked images in the cache."""
    return cache_folder(NAME) / "images.npy"


def _mapped(path: Path) -> np.ndarray:
    try:
        with data_errors(path):
            x = map_npy(path)
            if x.shape != SHAPE or x.dtype != bool:
                raise ValueError(f"got {x.dtype} of shape {x.shape}, expected bool of {SHAPE}")
    except DataError as error:
        raise DataError(f"{error} Remove it to unpack it again.") from error
    return x


def _unpack(path: Path) -> None:
    """Decompress the images into a file that can be mapped; as bool, so that no value needs to be
    checked again."""
    (remote,) = FILES
    (npz,) = ensure_downloaded(NAME, FILES)
    with data_errors(npz):
        if not remote.matches_checksum(npz):
            raise checksum_error(f"the MD5 of {str(npz)!r} is not {remote.md5}.")
    size = int(np.prod(SHAPE))
    with cache_lock(path.parent, size):
        if path.is_file():  # another process was faster
            return
        part = path.with_suffix(".part")
        try:
            _write_images(npz, part, size)
            commit(part, path)
        finally:
            part.unlink(missing_ok=True)


def _write_images(npz: Path, part: Path, size: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if free < size:
        raise OSError(errno.ENOSPC, f"only {free / 1e6:.0f} MB are free")
    with (
        open_regular(npz) as file,
        zipfile.ZipFile(file) as archive,
        archive.open("imgs.npy") as images,
        part.open("wb") as unpacked,
    ):
        np.lib.format.read_magic(images)
        np.lib.format.read_array_header_1_0(images)
        header = {"descr": "|b1", "fortran_order": False, "shape": SHAPE}
        np.lib.format.write_array_header_1_0(unpacked, header)
        with byte_progress(f"unpacking {NAME}", 0, size) as advance:
            while block := images.read(BLOCK_BYTES):
                advance(unpacked.write(block))
