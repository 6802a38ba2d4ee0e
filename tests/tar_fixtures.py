"""Shards as webdataset writes them."""

import io
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image

from vaekit.data import Examples


def png(image: np.ndarray) -> bytes:
    content = io.BytesIO()
    Image.fromarray(image[0]).save(content, "PNG")
    return content.getvalue()


def npy(row: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.save(content, row)
    return content.getvalue()


def write_tar(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def write_shards(folder: Path, rows: Examples, count: int = 3) -> str:
    """The rows in so many shards of equal size, as PNG with classes; the notation that names them."""
    each = len(rows) // count
    for i in range(count):
        files = {}
        for row in range(i * each, (i + 1) * each):
            files[f"{row:04d}.png"] = png(rows.x[row])
            files[f"{row:04d}.cls"] = str(rows.y[row]).encode()
        write_tar(folder / f"part-{i}.tar", files)
    return str(folder / f"part-{{0..{count - 1}}}.tar")
