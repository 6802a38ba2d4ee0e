"""Bounds of memory for data, checked before it is allocated; `docs/limits.md` lists them.

Files on disk may be small and stand for much more: compressed, sparse, or by their headers alone.
"""

import os
import re

from vaekit.errors import ConfigError, DataError
from vaekit.runtime.memory import available_memory

MAX_BYTES_VARIABLE = "VAEKIT_MAX_DATA_BYTES"
"""The environment variable that sets the most bytes of a dataset."""
DEFAULT_MAX_BYTES = 8 * 2**30
UNITS = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}

MAX_IMAGE_PIXELS = 2**28
"""Pixels of an image once it is resized, and of a page of a TIFF."""
MAX_IMAGES = 20_000_000
"""Images of a dataset: files, pages and frames."""
MAX_FRAMES = 1_000_000
"""Frames of one file."""
MAX_FILE_PIXELS = 2**33
"""Pixels of all frames of one file."""
MAX_TIFF_PAGES = 100_000
MAX_TIFF_TAG_BYTES = 2**27
"""Bytes of the tags of all pages of a TIFF."""
MAX_MEMBERS = 1_000_000
"""Files in a shard."""
MAX_MEMBER_BYTES = 2**30
"""Bytes of one file in a shard."""
MAX_TAR_HEADER_BYTES = 2**18
"""Bytes of the long name or the attributes of one file in a shard."""
MAX_ARRAYS = 1_000
"""Arrays of an .npz file."""
MAX_ARRAY_HEADER_BYTES = 10_000
MAX_CSV_BYTES = 200_000_000
MAX_CSV_LINE_CHARACTERS = 4_000_000
MAX_CSV_CLASSES = 100_000


def max_data_bytes() -> int:
    """The most bytes of decoded data that a dataset may take in memory.

    The environment variable `VAEKIT_MAX_DATA_BYTES` sets it, as 100G; the default is 8 GiB, or half
    of the memory that this process may use if that is less.

    Raises:
        ConfigError: The variable is no number of bytes.

    >>> max_data_bytes() > 0
    True
    """
    text = os.environ.get(MAX_BYTES_VARIABLE, "").strip()
    if not text:
        return int(min(DEFAULT_MAX_BYTES, available_memory() / 2))
    found = re.fullmatch(r"([0-9]{1,15})([KMGT]?)", text.upper())
    if found is None or not int(found[1]):
        expected = "a number of bytes above 0, such as 8000000000, 8G or 1T"
        raise ConfigError(
            f"the environment variable {MAX_BYTES_VARIABLE} is invalid: got {text[:80]!r}, "
            f"expected {expected}."
        )
    return int(found[1]) << UNITS[found[2]]


def check_data_bytes(size: int, name: object, *, parameter: str | None = None) -> None:
    """Check that decoded data fit, before they are allocated.

    Args:
        size: Their bytes.
        name: What the message calls them.
        parameter: The parameter at fault.

    Raises:
        DataError: They take more than `max_data_bytes`.

    >>> check_data_bytes(1000, "the images")
    """
    allowed = max_data_bytes()
    if size > allowed:
        raise DataError(
            f"{name} would take too much memory: got {size:,} bytes, expected at most {allowed:,}. "
            f"Use fewer or smaller data, or set {MAX_BYTES_VARIABLE} to allow more.",
            parameter=parameter,
        )
