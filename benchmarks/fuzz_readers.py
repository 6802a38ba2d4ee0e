"""The readers that `fuzz.py` feeds, each with its seeds: one entry of `READERS`.

Nothing of the package is imported before a reader is made, so that it can be instrumented first.
"""

import asyncio
import gzip
import io
import shutil
import tarfile
import tempfile
import weakref
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

Read = Callable[[bytes], object]
"""Reads the content of a file or request."""


# --- Seeds ---------------------------------------------------------------------------------------


def npy(array: np.ndarray) -> bytes:
    """An .npy file."""
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


def npz(**arrays: np.ndarray) -> bytes:
    """An .npz file."""
    content = io.BytesIO()
    np.savez(content, **arrays)  # type: ignore[arg-type]
    return content.getvalue()


def zipped(member: bytes) -> bytes:
    """An .npz file with correct checksums whose only member has this content."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("x.npy", member)
    return content.getvalue()


def idx(array: np.ndarray) -> bytes:
    """An IDX file of bytes."""
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.astype(np.uint8).tobytes()


def shard(**members: bytes) -> bytes:
    """A tar file."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name, member in members.items():
            header = tarfile.TarInfo(name.replace("_", "."))
            header.size = len(member)
            archive.addfile(header, io.BytesIO(member))
    return content.getvalue()


def picture(kind: str, mode: str = "L", **options: Any) -> bytes:
    """An image of 6 x 5 pixels."""
    from PIL import Image

    values = np.arange(30 * len(mode), dtype=np.uint8).reshape(5, 6, len(mode)).squeeze()
    content = io.BytesIO()
    Image.fromarray(values).save(content, kind, **options)
    return content.getvalue()


def deep_tiff() -> bytes:
    """A TIFF of two pages of 16 bits."""
    import tifffile

    content = io.BytesIO()
    tifffile.imwrite(
        content, np.arange(60, dtype=np.uint16).reshape(2, 5, 6), photometric="minisblack"
    )
    return content.getvalue()


X = np.arange(60, dtype=np.float32).reshape(10, 6) % 7
IMAGES = np.arange(10 * 30, dtype=np.uint8).reshape(10, 5, 6)
CODES = b"file,example,class,z1,z2,stddev1,stddev2\na.png,0,cat,0.5,-1,1,1\nb.png,1,dog,1,2,0.1,3\n"


# --- Readers -------------------------------------------------------------------------------------


class Files:
    """A folder that inputs are written into."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp())

    def write(self, name: str, content: bytes) -> Path:
        """A file of this content."""
        path = self.folder / name
        path.write_bytes(content)
        return path


def dataset(name: str, wrap: Callable[[bytes], bytes] = bytes) -> Read:
    """Load a dataset from one file."""
    import vaekit

    files = Files()
    return lambda content: vaekit.load_data(str(files.write(name, wrap(content))))


def image_folder(suffix: str) -> Read:
    """Load a folder of three images, of which one is the input."""
    import vaekit

    files = Files()
    for name in ("a", "b"):
        files.write(f"{name}.png", picture("png"))

    def read(content: bytes) -> object:
        files.write(f"c.{suffix}", content)
        return vaekit.load_data(str(files.folder))

    return read


def codes(name: str) -> Read:
    """Load latent codes."""
    from vaekit.inference.output import load_codes

    files = Files()
    return lambda content: load_codes(files.write(name, content))


def configuration() -> Read:
    """Load a configuration."""
    from vaekit.config import load_config_file

    files = Files()
    return lambda content: load_config_file(str(files.write("config.yaml", content)))


def setting() -> Read:
    """Parse `key=value` of the command line."""
    from vaekit.config.yaml_files import assignments

    return lambda content: assignments([content.decode("utf-8", "surrogateescape")])


@cache
def small_run() -> Path:
    """A run of one epoch, with the same id in every process, so that a kept corpus stays valid."""
    import vaekit

    folder = Files().folder / "run"
    options: dict[str, Any] = {"encoder": {"hidden": [4]}, "decoder": {"hidden": [4]}}
    data = (IMAGES.repeat(3, 0), np.arange(30) % 3)
    options |= {"latent_dim": 2, "training": {"epochs": 1}, "console": silent()}
    with mock.patch("vaekit.runs.claim.new_run_id", return_value=f"{1:032x}"):
        vaekit.train("mlp", data=data, out=folder, **options)
    return folder


def silent() -> Any:
    """A console that prints nothing."""
    from rich.console import Console

    return Console(quiet=True)


def run_file(name: str) -> Read:
    """Read a file of a run folder, which is the input, as loading the run does."""
    import vaekit
    from vaekit import runs
    from vaekit.runs.weights import load_into, read_weights

    folder = copied_run()
    run = vaekit.load_run(folder)
    readers: dict[str, Callable[[], object]] = {
        "config.yaml": lambda: vaekit.load_run(folder),
        "model.safetensors": lambda: load_into(
            run.model, read_weights(folder, run.model, run.run_id), folder
        ),
        "summary.json": lambda: runs.load_summary(folder, run.run_id),
        "metrics.csv": lambda: runs.load_history(folder, run.run_id),
        "split.npz": lambda: runs.load_split(folder, run.run_id, run.summary),
    }

    def read(content: bytes) -> object:
        (folder / name).write_bytes(content)
        return readers[name]()

    return read


def run_seed(name: str) -> Callable[[], list[bytes]]:
    """A file of a run folder."""
    return lambda: [(small_run() / name).read_bytes()]


def copied_run() -> Path:
    """A copy of the run, to spoil."""
    return Path(shutil.copytree(small_run(), Files().folder / "run"))


def checkpoint() -> Read:
    """Continue a training from a checkpoint, which is the input."""
    import torch

    import vaekit
    from vaekit.inputs import ModelInputs
    from vaekit.runs import Claim
    from vaekit.training.batches import Batches
    from vaekit.training.checkpoint import load_checkpoint
    from vaekit.training.processes import SingleProcess
    from vaekit.training.stage_trainer import StageTrainer
    from vaekit.workflows.training_length import build_stages

    folder = copied_run()
    run = vaekit.load_run(folder)
    inputs = ModelInputs(IMAGES.repeat(3, 0)[:, None], run.transform)
    (stage,) = build_stages(run.model, run.config, None, len(inputs))
    batches = Batches(inputs, stage.batch_size, 0)
    processes = SingleProcess(torch.device("cpu"))

    def read(content: bytes) -> object:
        (folder / "checkpoints/last.safetensors").write_bytes(content)
        trainer = StageTrainer(processes, run.model, stage, batches)
        return load_checkpoint(Claim(folder, run.run_id), trainer)

    return read


def requests(media: str, *paths: str) -> Read:
    """Send the input as the body of a request to a server, to these paths until one accepts it."""
    import httpx

    import vaekit
    from vaekit.server import Limits
    from vaekit.web import LOOPBACK
    from vaekit.workflows.serve import application

    app = application(vaekit.load_run(small_run()), hosts=LOOPBACK, limits=Limits())
    loop = asyncio.new_event_loop()
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=True),
        base_url="http://localhost",
        headers={"content-type": media},
    )

    def read(content: bytes) -> object:
        for path in paths:
            answer = loop.run_until_complete(client.post(path, content=content))
            if answer.status_code == 200:
                return answer
            assert answer.status_code in (400, 413, 415, 422), answer.text
        raise refusal(answer.json()["error"])

    weakref.finalize(read, loop.close)
    return read


def refusal(message: str) -> Exception:
    """A refused request, counted like a refused file."""
    from vaekit.errors import DataError

    return DataError(message)


READERS: dict[str, tuple[Callable[[], list[bytes]], Callable[[], Read]]] = {
    "npy": (lambda: [npy(X), npy(IMAGES)], lambda: dataset("x.npy")),
    "npz": (lambda: [npz(x=X, y=np.arange(10))], lambda: dataset("x.npz")),
    "npz member": (lambda: [npy(X), npy(IMAGES)], lambda: dataset("x.npz", zipped)),
    "idx": (lambda: [idx(IMAGES)], lambda: dataset("x.idx3-ubyte")),
    "idx gzip": (lambda: [idx(IMAGES)], lambda: dataset("x.idx3-ubyte.gz", gzip.compress)),
    "tar": (
        lambda: [shard(**{"0_npy": npy(X[0]), "0_cls": b"1", "1_npy": npy(X[1]), "1_cls": b"0"})],
        lambda: dataset("x.tar"),
    ),
    "tar gzip": (
        lambda: [shard(**{f"{i}_png": picture("png") for i in range(3)})],
        lambda: dataset("x.tar.gz", gzip.compress),
    ),
    "png": (
        lambda: [picture("png"), picture("png", "RGB"), picture("png", optimize=True)],
        lambda: image_folder("png"),
    ),
    "jpeg": (lambda: [picture("jpeg"), picture("jpeg", "RGB")], lambda: image_folder("jpg")),
    "gif": (lambda: [picture("gif")], lambda: image_folder("gif")),
    "tiff": (lambda: [picture("tiff"), deep_tiff()], lambda: dataset("x.tif")),
    "codes csv": (lambda: [CODES], lambda: codes("codes.csv")),
    "codes npz": (lambda: [npz(mean=X, stddev=X)], lambda: codes("codes.npz")),
    "configuration": (run_seed("config.yaml"), configuration),
    "setting": (lambda: [b"objective.beta=4", b"encoder={kind: mlp, hidden: [4]}"], setting),
    "run config": (run_seed("config.yaml"), lambda: run_file("config.yaml")),
    "run weights": (run_seed("model.safetensors"), lambda: run_file("model.safetensors")),
    "run summary": (run_seed("summary.json"), lambda: run_file("summary.json")),
    "run metrics": (run_seed("metrics.csv"), lambda: run_file("metrics.csv")),
    "run split": (run_seed("split.npz"), lambda: run_file("split.npz")),
    "run checkpoint": (run_seed("checkpoints/last.safetensors"), checkpoint),
    "request json": (
        lambda: [
            b'{"x": [[%s]]}' % str(IMAGES[0].tolist()).encode(),
            b'{"z": [[0.5, 1e3]]}',
            b'{"count": 2, "seed": 1}',
        ],
        lambda: requests("application/json", "/v1/encode", "/v1/decode", "/v1/sample"),
    ),
    "request npy": (lambda: [npy(IMAGES[:2])], lambda: requests("application/x-npy", "/v1/encode")),
    "request png": (lambda: [picture("png")], lambda: requests("image/png", "/v1/score")),
}
"""The seeds of each reader, and what makes it; both are called in a process of its own."""
