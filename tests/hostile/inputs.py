"""Files that stand for far more than they have, that never end, or that are no files.

Every function writes into a folder and returns the path; nothing large is kept in memory, and files
on disk are small or sparse.
"""

import gzip
import io
import os
import socket
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

GB = 10**9
MEGAPIXELS_88 = (8000, 11000)
"""Height and width below the largest that Pillow decodes."""


def pipe(folder: Path, name: str) -> Path:
    """A pipe that nobody writes into."""
    os.mkfifo(folder / name)
    return folder / name


def listening_socket(folder: Path, name: str) -> Path:
    """A socket."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / name))
    return folder / name


def link(folder: Path, name: str, target: str) -> Path:
    """A link to anywhere."""
    (folder / name).symlink_to(target)
    return folder / name


SPECIAL = {
    "pipe": pipe,
    "socket": listening_socket,
    "device": lambda folder, name: link(folder, name, "/dev/zero"),
    "kernel": lambda folder, name: link(folder, name, "/proc/self/maps"),
}
"""Makers of what is no regular file, by kind."""


def sparse(path: Path, size: int, start: bytes = b"", end: bytes = b"") -> Path:
    """A file with a start and an end, and holes between."""
    with path.open("wb") as file:
        file.write(start)
        file.truncate(size)
        file.seek(size - len(end))
        file.write(end)
    return path


def gzipped_zeros(path: Path, size: int, start: bytes = b"") -> Path:
    """A gzipped start, followed by zeros up to a size."""
    block = bytes(2**22)
    with gzip.open(path, "wb", compresslevel=9) as file:
        file.write(start)
        for _ in range((size - len(start)) // len(block)):
            file.write(block)
        file.write(bytes((size - len(start)) % len(block)))
    return path


# --- Arrays --------------------------------------------------------------------------------------


def npy_header(shape: tuple[int, ...], descr: str = "|u1") -> bytes:
    """The header of an .npy file."""
    file = io.BytesIO()
    header = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue()


def long_npy_header(length: int) -> bytes:
    """The start of an .npy file of version 2 whose header has this length."""
    return b"\x93NUMPY\x02\x00" + struct.pack("<I", length)


def npz_of_zeros(path: Path, size: int, start: bytes | None = None, method: int = 8) -> Path:
    """An .npz file with one array of zeros.

    Args:
        path: The file.
        size: Bytes of the member.
        start: Its first bytes; default the header of an array of that size.
        method: Its compression.
    """
    if start is None:
        start = npy_header((1, size - 128))
    block = bytes(2**22)
    with zipfile.ZipFile(path, "w", method) as archive, archive.open("x.npy", "w") as member:
        member.write(start)
        for _ in range((size - len(start)) // len(block)):
            member.write(block)
        member.write(bytes((size - len(start)) % len(block)))
    return path


def npz_that_declares(path: Path, size: int) -> Path:
    """An .npz file whose one member declares a size that it does not have."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", npy_header((size - 128,)) + bytes(1000))
        archive.infolist()[0].file_size = min(size, 2**32 - 2)
    return path


def npz_of_members(path: Path, count: int) -> Path:
    """An .npz file of very many arrays, all of them at one place."""
    name = b"x"
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 0, 0, 0, 0, 0, 0, 1, 0) + name
    entry = struct.pack(
        "<4s4B4H3L5H2L", b"PK\1\2", 20, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0
    )
    directory = (entry + name) * count
    sizes = (len(directory), len(local), 0)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count % 65536, count % 65536, *sizes)
    path.write_bytes(local + directory + end)
    return path


def idx_header(sizes: tuple[int, ...]) -> bytes:
    """The header of an IDX file of bytes."""
    return bytes((0, 0, 8, len(sizes))) + struct.pack(f">{len(sizes)}I", *sizes)


# --- Archives ------------------------------------------------------------------------------------


def tar_member(name: str, size: int, kind: bytes = b"0") -> bytes:
    """The header of a file of an archive."""
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    info.linkname = "/etc/hostname" if kind in (b"1", b"2") else ""
    return info.tobuf(tarfile.GNU_FORMAT)


def tar_attributes(attributes: dict[str, str]) -> bytes:
    """A header of POSIX attributes and its content."""
    records = b""
    for key, value in attributes.items():
        text = f" {key}={value}\n".encode()
        size = len(text) + len(str(len(text) + 2))
        records += str(size).encode() + text
    return tar_member("attributes", len(records), b"x") + records + bytes(-len(records) % 512)


def old_sparse_member(name: str, real_size: int) -> bytes:
    """A sparse file in the old format of GNU: no content, and a real size."""
    block = bytearray(tar_member(name, 0, b"S"))
    number = f"{real_size:011o}\0".encode()
    block[386:398], block[398:410] = number, b"00000000000\0"  # one piece, at the end
    block[483:495] = number
    block[148:156] = b" " * 8
    block[148:156] = f"{sum(block):06o}\0 ".encode()
    return bytes(block)


def sparse_tar(path: Path, real_size: int) -> Path:
    """An archive of one sparse file in the old format of GNU."""
    path.write_bytes(old_sparse_member("a.npy", real_size) + bytes(1024))
    return path


def pax_sparse_tar(path: Path, real_size: int) -> Path:
    """An archive of one sparse file by POSIX attributes."""
    attributes = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": "a.npy",
        "GNU.sparse.realsize": str(real_size),
    }
    pieces = f"1\n{real_size}\n0\n".encode()
    content = pieces + bytes(512 - len(pieces))
    member = tar_member("a.npy", len(content)) + content
    path.write_bytes(tar_attributes(attributes) + member + bytes(1024))
    return path


def tar_of_members(path: Path, count: int) -> Path:
    """A gzipped archive of very many empty files."""
    member = tar_member("a.txt", 0) * 2000
    with gzip.open(path, "wb", compresslevel=9) as file:
        for _ in range(count // 2000):
            file.write(member)
        file.write(bytes(1024))
    return path


# --- Images --------------------------------------------------------------------------------------


def png_of_zeros(height: int, width: int, color_type: int = 2) -> bytes:
    """A PNG of one color: RGB, or gray for the color type 0."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)

    compressor = zlib.compressobj(9)
    row = bytes(1 + width * (3 if color_type == 2 else 1))
    rows = b"".join(compressor.compress(row) for _ in range(height)) + compressor.flush()
    header = struct.pack(">2I5B", width, height, 8, color_type, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


def animated_png(path: Path, frames: int) -> Path:
    """A PNG of one small frame that declares many."""
    file = io.BytesIO()
    images = [Image.new("L", (4, 4), value) for value in (0, 255)]
    images[0].save(file, "PNG", save_all=True, append_images=images[1:])
    content = bytearray(file.getvalue())
    at = content.index(b"acTL")
    content[at + 4 : at + 8] = struct.pack(">I", frames)
    content[at + 12 : at + 16] = struct.pack(">I", zlib.crc32(content[at : at + 12]))
    path.write_bytes(content)
    return path


def tiff(entries: list[tuple[int, int, int, int]], size: int, path: Path) -> Path:
    """A sparse TIFF of one page with these tags (number, type, count, value)."""
    directory = struct.pack("<H", len(entries))
    directory += b"".join(struct.pack("<HHII", *entry) for entry in entries) + bytes(4)
    return sparse(path, size, b"II*\0" + struct.pack("<I", 8) + directory)


def tiff_of_tags(path: Path, count: int) -> Path:
    """A page with as many strips, whose positions are in a hole of the file."""
    entries = [
        (256, 4, 1, 16),
        (257, 4, 1, 16),
        (258, 3, 1, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (273, 4, count, 4096),
        (277, 3, 1, 1),
        (278, 4, 1, 1),
        (279, 4, count, 4096),
    ]
    return tiff(entries, 4 * count + 8192, path)


def tiff_of_pages(path: Path, count: int) -> Path:
    """A list of very many pages of no tags."""
    pages = b"".join(struct.pack("<HI", 0, 8 + 6 * (i + 1)) for i in range(count))
    path.write_bytes(b"II*\0" + struct.pack("<I", 8) + pages + bytes(6))
    return path


def tiff_page_of(path: Path, side: int) -> Path:
    """A page of zeros, uncompressed in a hole of the file."""
    entries = [
        (256, 4, 1, side),
        (257, 4, 1, side),
        (258, 3, 1, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (273, 4, 1, 4096),
        (277, 3, 1, 1),
        (278, 4, 1, side),
        (279, 4, 1, min(side * side, 2**32 - 1)),
    ]
    return tiff(entries, side * side + 8192, path)
