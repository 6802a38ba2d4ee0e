"""Shards in the layout of webdataset."""

import io
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image

from vaekit.data import Examples


def png(image: np.ndarray) -> bytes:
    """A gray image [1, H, W] as a PNG."""
    content = io.BytesIO()
    Image.fromarray(image[0]).save(content, "PNG")
    return content.getvalue()


def npy(array: np.ndarray) -> bytes:
    """An array in the .npy format."""
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


def write_tar(path: Path, files: dict[str, bytes]) -> Path:
    """A tar file of these contents by name, in this order."""
    with tarfile.open(path, "w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def write_shards(folder: Path, examples: Examples, count: int = 3) -> str:
    """Write labeled images into `count` shards of equal size; the notation that names them."""
    size = len(examples) // count
    for shard in range(count):
        files = {}
        for i in range(shard * size, (shard + 1) * size):
            files[f"{i:04d}.png"] = png(examples.x[i])
            files[f"{i:04d}.cls"] = str(examples.y[i]).encode()
        write_tar(folder / f"part-{shard}.tar", files)
    return str(folder / f"part-{{0..{count - 1}}}.tar")
