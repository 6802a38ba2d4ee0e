"""Hostile data are refused in one line, at once, in little memory, and nothing is written."""

import zipfile
from ast import literal_eval
from pathlib import Path

import numpy as np
import pytest

from hostile import inputs
from hostile.limited import run_limited, snapshot
from hostile.outcomes import MB, faults
from tar_fixtures import write_tar

pytest.importorskip("webdataset", reason="shards need webdataset")
pytestmark = pytest.mark.process

BOUND = 16 * MB
SETUP = """
from pathlib import Path
import numpy as np
from PIL import Image, ImageFile
import tifffile, webdataset.tariterators, webdataset.gopen
from vaekit.data import load
from vaekit.data.readers.npz import read_npy
image = np.zeros((1, 4, 4), np.uint8)
load([Image.fromarray(image[0])], resize=(2, 2))
"""
SUFFIXES = ("npy", "npz", "png", "tif", "tar", "idx")


def write_inputs(folder: Path) -> dict[str, str]:
    """Hostile inputs, and by name the expression that reads each."""
    cases: dict[str, str] = {}
    for kind, make in inputs.SPECIAL.items():
        for suffix in SUFFIXES:
            path = make(folder, f"{kind}.{suffix}")
            cases[f"{kind} as {suffix}"] = f"load({str(path)!r})"
        cases[f"{kind} as npy of impute"] = (
            f"read_npy(Path({str(folder / f'{kind}.npy')!r}), 'data')"
        )
        cases[f"{kind} as test data"] = f"load(image, test={str(folder / f'{kind}.npy')!r})"
        cases |= special_in_folders(folder, kind)
    makers = (array_inputs, tar_inputs, image_inputs, path_inputs)
    for maker in makers:
        cases |= maker(folder)
    return cases


def special_in_folders(folder: Path, kind: str) -> dict[str, str]:
    """A special file among images, and in the place of labels."""
    images, idx = folder / f"images {kind}", folder / f"idx {kind}"
    images.mkdir()
    idx.mkdir()
    (images / "a.png").write_bytes(inputs.png_of_zeros(4, 4))
    (idx / "train-images-idx3-ubyte").write_bytes(inputs.idx_header((2, 2, 2)) + bytes(8))
    inputs.SPECIAL[kind](idx, "train-labels-idx1-ubyte")
    cases = {f"{kind} as labels": f"load({str(idx)!r})"}
    if kind in ("pipe", "socket"):  # links that leave the folder are left out, with a note
        inputs.SPECIAL[kind](images, "b.png")
        cases[f"{kind} in a folder"] = f"load({str(images)!r})"
    return cases


def array_inputs(folder: Path) -> dict[str, str]:
    """Arrays in .npy, .npz and IDX."""
    paths = {
        "npz of zeros": inputs.npz_of_zeros(folder / "zeros.npz", 24 * MB),
        "npz with a long header": inputs.npz_of_zeros(
            folder / "header.npz", 14 * MB, inputs.long_npy_header(14 * MB - 12)
        ),
        "npz that declares 4 GB": inputs.npz_that_declares(folder / "declares.npz", 4 * 10**9),
        "npz of many members": inputs.npz_of_members(folder / "members.npz", 500_000),
        "npz by lzma": inputs.npz_of_zeros(folder / "lzma.npz", MB, method=zipfile.ZIP_LZMA),
        "idx of zeros": inputs.gzipped_zeros(
            folder / "idx.gz", 24 * MB, inputs.idx_header((1, 24 * MB - 12))
        ),
        "idx longer than it declares": inputs.gzipped_zeros(
            folder / "idx-long.gz", 24 * MB, inputs.idx_header((1, 9))
        ),
        "idx shorter than it declares": inputs.gzipped_zeros(
            folder / "idx-short.gz", 1 * MB, inputs.idx_header((1, 14 * MB))
        ),
        "sparse npy of another byte order": inputs.sparse(
            folder / "order.npy", 400 * MB, inputs.npy_header((1, 100 * MB - 32), ">i4")
        ),
        "sparse npy with a long header": inputs.sparse(
            folder / "header.npy", 10**11, inputs.long_npy_header(2**32 - 1)
        ),
        "npy longer than the file": inputs.sparse(
            folder / "short.npy", 1000, inputs.npy_header((10**12, 4))
        ),
    }
    large = inputs.sparse(folder / "large.npy", 10**11, inputs.npy_header((1, 10**11 - 128)))
    cases = {name: f"load({str(path)!r})" for name, path in paths.items()}
    return cases | {"sparse npy of impute": f"read_npy(Path({str(large)!r}), 'data')"}


def tar_inputs(folder: Path) -> dict[str, str]:
    """Shards."""
    gb = 5 * inputs.GB
    header = inputs.tar_member
    paths = {
        "sparse member": inputs.sparse_tar(folder / "sparse.tar", gb),
        "sparse member by attributes": inputs.pax_sparse_tar(folder / "pax.tar", gb),
        "tar.gz of zeros": inputs.gzipped_zeros(
            folder / "zeros.tar.gz", 24 * MB, header("a.npy", 24 * MB - 512)
        ),
        "tar.gz of zeros to skip": inputs.gzipped_zeros(
            folder / "skip.tar.gz", 24 * MB, header("a.txt", 24 * MB - 512)
        ),
        "tar.gz of many members": inputs.tar_of_members(folder / "members.tar.gz", 60_000),
        "member of 8 GB": inputs.sparse(
            folder / "large.tar", 2**33, header("a.npy", 2**33 - 2048), bytes(1024)
        ),
        "members of 1 GB that are missing": inputs.sparse(
            folder / "missing.tar", 2048, header("a.npy", 2**30), bytes(1024)
        ),
        "long name of 8 GB": inputs.sparse(
            folder / "name.tar", 2**33, header("long", 2**33 - 2048, b"L"), bytes(1024)
        ),
        "attributes of 12 MB": inputs.gzipped_zeros(
            folder / "attributes.tar.gz", 14 * MB, header("x", 12 * MB, b"x")
        ),
        "headers without end": inputs.gzipped_zeros(
            folder / "endless.tar.gz", MB, inputs.tar_attributes({"comment": "x"}) * 900
        ),
        "negative size": write(folder / "negative.tar", negative_member() + bytes(1024)),
    }
    for name, kind in (("link", b"1"), ("symbolic link", b"2"), ("device", b"3"), ("fifo", b"6")):
        member = header("a.png", 0, kind)
        paths[f"{name} in a tar"] = write(folder / f"tar {name}.tar", member + bytes(1024))
    array = inputs.npy_header((10**9,), "<f8")
    paths["npy member that declares 8 GB"] = write_tar(folder / "array.tar", {"a.npy": array})
    return {name: f"load({str(path)!r})" for name, path in paths.items()}


def image_inputs(folder: Path) -> dict[str, str]:
    """Images that stand for many pixels."""
    many = folder / "many"
    many.mkdir()
    large = inputs.png_of_zeros(*inputs.MEGAPIXELS_88, color_type=0)
    for index in range(2):
        (many / f"{index}.png").write_bytes(large)
    small = write(folder / "small.png", inputs.png_of_zeros(4, 4))
    animated = inputs.animated_png(folder / "frames.png", 2**31 - 1)
    tags = inputs.tiff_of_tags(folder / "tags.tif", 2**29)
    pages = inputs.tiff_of_pages(folder / "pages.tif", 150_000)
    paths = {
        "PNGs of 88 megapixels": many,
        "frames that are not there": animated,
        "TIFF of tags": tags,
        "TIFF of pages": pages,
        "TIFF page of 4 gigapixels": inputs.tiff_page_of(folder / "page.tif", 2**16),
        "TIFF page of 225 megapixels": inputs.tiff_page_of(folder / "page2.tif", 15_000),
    }
    cases = {name: f"load({str(path)!r})" for name, path in paths.items()}
    shard = write_tar(folder / "image.tar", {"a.png": small.read_bytes()})
    size = "resize=(60000, 60000)"
    return cases | {
        "resize of a file": f"load({str(small)!r}, {size})",
        "resize of arrays": f"load(image, {size})",
        "resize of named data": f"load('digits', {size})",
        "resize within the bound of an image": "load('digits', resize=(2000, 2000))",
        "resize to tiles": f"load({str(small)!r}, resize=(16000, 16000), tile=(8000, 8000))",
        "resize of a tar": f"load({str(shard)!r}, resize=(16000, 16000))",
    }


def path_inputs(folder: Path) -> dict[str, str]:
    """Paths that no file can have."""
    below_a_file = str(write(folder / "file.npy", b"") / "below.npy")
    paths = {
        "long name": "a" * 5000 + ".npy",
        "long path": "/".join(["a" * 200] * 30) + ".npy",
        "zero": "a\0b.npy",
        "surrogate": "a\udc80\ud800.npy",
        "below a file": below_a_file,
        "empty": "",
        "line breaks": "a\nb\n.npy",
        "tar of a long name": "a" * 5000 + ".tar",
        "tar with a zero": "a\0b.tar",
        "tar with a surrogate": "\ud800-{0..2}.tar",
        "long image": "a" * 5000 + ".png",
    }
    cases = {f"path: {name}": f"load({path!r})" for name, path in paths.items()}
    test = {f"test path: {name}": f"load(image, test={path!r})" for name, path in paths.items()}
    return cases | test


def write(path: Path, content: bytes) -> Path:
    """A file of this content."""
    path.write_bytes(content)
    return path


def negative_member() -> bytes:
    """The header of a file whose size is below zero, in the binary form of GNU."""
    block = bytearray(inputs.tar_member("a.npy", 0))
    block[124:136] = b"\xff" * 10 + b"\xfe\x00"
    block[148:156] = b" " * 8
    block[148:156] = f"{sum(block):06o}\0 ".encode()
    return bytes(block)


class Run:
    """All cases, run once, and what the folders held before and after."""

    def __init__(self, folder: Path):
        self.inputs, self.work = folder / "inputs", folder / "work"
        self.inputs.mkdir()
        self.work.mkdir()
        self.cases = write_inputs(self.inputs)
        self.before = snapshot(self.inputs)
        self.outcomes = run_limited(
            self.cases,
            setup=SETUP,
            folder=self.work,
            environment={"VAEKIT_MAX_DATA_BYTES": str(BOUND), "VAEKIT_DATA": str(folder)},
        )


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    """The outcomes of all cases, of one process."""
    return Run(tmp_path_factory.mktemp("hostile"))


def test_every_input_is_refused_in_one_line_at_once_and_in_little_memory(run):
    wrong = [fault for name in run.cases for fault in faults(name, run.outcomes.get(name))]
    assert not wrong, "\n".join(wrong)


def test_nothing_is_written(run):
    assert snapshot(run.inputs) == run.before
    assert not list(run.work.iterdir())


@pytest.mark.parametrize(
    "name", ["npz of zeros", "idx of zeros", "tar.gz of zeros", "PNGs of 88 megapixels"]
)
def test_the_message_says_how_to_allow_more(run, name):
    assert "VAEKIT_MAX_DATA_BYTES" in run.outcomes[name].message


def test_a_higher_bound_allows_more(tmp_path):
    path = inputs.npz_of_zeros(tmp_path / "zeros.npz", 24 * MB)
    cases = {"higher": f"load({str(path)!r}).shape"}
    environment = {"VAEKIT_MAX_DATA_BYTES": "1G"}
    outcomes = run_limited(cases, setup=SETUP, folder=tmp_path, environment=environment)
    assert outcomes["higher"].error is None, outcomes["higher"].message
    assert np.prod(literal_eval(outcomes["higher"].value)) == 24 * MB - 128
