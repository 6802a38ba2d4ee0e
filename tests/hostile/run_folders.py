"""Run folders that someone else made: each entry spoils a copy of a good one in one way."""

import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from safetensors.torch import load_file, save

Spoil = Callable[[Path], Any]

WEIGHTS = "model.safetensors"
CHECKPOINT = "checkpoints/last.safetensors"
HUGE = 10**400


# --- Any file --------------------------------------------------------------------------------


def special(name: str, kind: str) -> Spoil:
    """Replace a file by something that is no regular file, or by a link."""

    def spoil(folder: Path) -> None:
        path = folder / name
        path.unlink()
        if kind == "pipe":
            os.mkfifo(path)
        elif kind == "folder":
            path.mkdir()
        else:
            targets = {"device": "/dev/zero", "kernel": "/proc/self/environ", "loop": path.name}
            path.symlink_to(targets.get(kind, "/etc/passwd"))

    return spoil


def sparse(name: str, size: int = 2**40) -> Spoil:
    """Give a file an enormous size that takes no space."""
    return lambda folder: os.truncate(folder / name, size)


def content(name: str, value: bytes) -> Spoil:
    """Give a file another content."""
    return lambda folder: (folder / name).write_bytes(value)


# --- Text ------------------------------------------------------------------------------------


def summary(*keys: str, value: Any) -> Spoil:
    """Change one value of summary.json; the value `...` removes its key."""

    def spoil(folder: Path) -> None:
        path = folder / "summary.json"
        root = parent = json.loads(path.read_text())
        for key in keys[:-1]:
            parent = parent[key]
        if value is ...:
            del parent[keys[-1]]
        else:
            parent[keys[-1]] = value
        path.write_text(json.dumps(root))

    return spoil


def config(**changes: Any) -> Spoil:
    """Change values of config.yaml."""

    def spoil(folder: Path) -> None:
        path = folder / "config.yaml"
        path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | changes))

    return spoil


def metrics(old: str, new: str) -> Spoil:
    """Replace text in metrics.csv."""

    def spoil(folder: Path) -> None:
        path = folder / "metrics.csv"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    return spoil


def long_metrics(folder: Path) -> None:
    """A history of 40 MB."""
    path = folder / "metrics.csv"
    names, first, *_ = path.read_text().splitlines()
    path.write_text("\n".join([names, *[first] * (40_000_000 // len(first))]))


# --- Tensors ---------------------------------------------------------------------------------


def tensors(name: str, change: Callable[[dict[str, torch.Tensor]], object]) -> Spoil:
    """Change the tensors of a file and keep what is recorded about them."""

    def spoil(folder: Path) -> None:
        path = folder / name
        before = path.read_bytes()
        (size,) = struct.unpack("<Q", before[:8])
        metadata = json.loads(before[8 : 8 + size])["__metadata__"]
        loaded = load_file(path)
        change(loaded)
        path.write_bytes(save(loaded, metadata))

    return spoil


def each(convert: Callable[[torch.Tensor], torch.Tensor]) -> Callable[..., None]:
    """Convert every tensor of floats."""

    def change(loaded: dict[str, torch.Tensor]) -> None:
        for name, tensor in loaded.items():
            if tensor.is_floating_point():
                loaded[name] = convert(tensor)

    return change


def position(**changes: Any) -> Spoil:
    """Change values of what a checkpoint records beside its tensors."""

    def spoil(folder: Path) -> None:
        path = folder / CHECKPOINT
        before = path.read_bytes()
        (size,) = struct.unpack("<Q", before[:8])
        facts = json.loads(json.loads(before[8 : 8 + size])["__metadata__"]["vaekit"])
        facts["position"] |= changes
        path.write_bytes(save(load_file(path), {"vaekit": json.dumps(facts)}))

    return spoil


def declared(size: int) -> Spoil:
    """Weights whose header declares a size that the file does not have."""
    header = {"encoder.x": {"dtype": "F32", "shape": [size], "data_offsets": [0, 4 * size]}}
    text = json.dumps(header).encode()
    return content(WEIGHTS, struct.pack("<Q", len(text)) + text)


def split(**changes: Any) -> Spoil:
    """Change arrays of split.npz; None removes one."""

    def spoil(folder: Path) -> None:
        with np.load(folder / "split.npz") as file:
            arrays = dict(file) | changes
        np.savez(folder / "split.npz", **{k: v for k, v in arrays.items() if v is not None})

    return spoil


BAD_NUMBERS = [HUGE, -1, 1.5, "7", [7], {}, True, float("nan"), float("inf"), None]
INFINITY = torch.tensor(float("inf"))

LOADED: dict[str, Spoil] = {
    **{
        f"{name} is a {kind}": special(name, kind)
        for name in ("config.yaml", WEIGHTS, "metrics.csv", "summary.json", "split.npz")
        for kind in ("pipe", "device", "kernel", "link", "loop", "folder")
    },
    **{
        f"{name} has a terabyte": sparse(name)
        for name in ("config.yaml", WEIGHTS, "metrics.csv", "summary.json", "split.npz")
    },
    **{
        f"{name} is {value[:6]!r}": content(name, value)
        for name in ("config.yaml", WEIGHTS, "metrics.csv", "summary.json", "split.npz")
        for value in (b"", b"\0" * 100, b"\xff\xfe\x00", b"[" * 100_000, b'{"a":' * 50_000)
    },
    **{
        f"summary {key} = {str(value)[:20]}": summary(key, value=value)
        for key in ("epochs", "best_epoch")
        for value in (*BAD_NUMBERS, ...)
    },
    **{f"summary seed = {str(value)[:20]}": summary("seed", value=value) for value in BAD_NUMBERS},
    **{
        f"summary seconds = {str(value)[:20]}": summary("seconds", value=value)
        for value in (HUGE, "7", [7], True, float("nan"), ...)
    },
    "summary best_epoch = 99": summary("best_epoch", value=99),
    "summary epochs = 99": summary("epochs", value=99),
    **{
        f"summary test = {str(value)[:20]}": summary("test", value=value)
        for value in ([], {}, {"loss": 1}, "x", None, ...)
    },
    **{
        f"summary test.loss.value = {str(value)[:20]}": summary(
            "test", "loss", "value", value=value
        )
        for value in (HUGE, "1", [1], float("inf"), ...)
    },
    **{
        f"summary {key} = {value!r}": summary(key, value=value)
        for key in ("data", "parameters", "versions", "validation", "verdict")
        for value in (7, "x", [7], {"examples": [HUGE]})
    },
    "summary data.examples is another": summary("data", "examples", value={"train": 1}),
    "summary text is long": summary("unit", value="x" * 10_000),
    "summary format is new": summary("format", value=99),
    "metrics without a column": metrics("val_loss", "loss"),
    "metrics with a column twice": metrics("val_loss", "train_loss"),
    "metrics with an infinity": metrics("\n1,", "\n1,1e999,"),
    "metrics with text": metrics("\n1,", "\none,"),
    "metrics of other epochs": metrics("\n1,", "\n7,"),
    "metrics of a short row": metrics(",", "\n"),
    "metrics of 40 MB": long_metrics,
    "metrics of many columns": content("metrics.csv", b"a," * 1_000_000),
    "metrics of a long cell": content("metrics.csv", b"epoch\n" + b"1" * 5_000_000),
    "weights of float8": tensors(WEIGHTS, each(lambda x: x.to(torch.float8_e4m3fn))),
    "weights of complex numbers": tensors(WEIGHTS, each(lambda x: x.to(torch.complex64))),
    "weights of integers": tensors(WEIGHTS, each(lambda x: x.to(torch.int32))),
    "weights of infinity": tensors(WEIGHTS, each(lambda x: x + INFINITY)),
    "weights beyond float32": tensors(WEIGHTS, each(lambda x: x.double() + 1e300)),
    "weights flat": tensors(WEIGHTS, each(lambda x: x[None])),
    "weights with one more": tensors(WEIGHTS, lambda x: x.update({"\x1b[31m": INFINITY})),
    "weights with one less": tensors(WEIGHTS, lambda x: x.popitem()),
    "weights of a terabyte": declared(2**38),
    "weights truncated": lambda folder: os.truncate(folder / WEIGHTS, 700),
    "split without an array": split(test=None),
    "split of floats": split(test=np.array([1.5])),
    "split of objects": split(test=np.array([{}], object)),
    "split beyond the data": split(test=np.arange(6, dtype=np.int64) + 10**9),
    "split descending": split(test=np.arange(6, dtype=np.int64)[::-1].copy()),
    "split of another run": split(run_id=np.array("0" * 32)),
    "config of enormous nets": config(encoder={"kind": "mlp", "hidden": [65536, 65536]}),
    "config of an enormous example": config(latent_dim=10**9),
    "config of a huge number": config(seed=HUGE),
    "config of 801 kB": config(**{f"key{i}": {"a": [1, 2, 3]} for i in range(40_000)}),
    "config of deep nesting": content("config.yaml", b"a: " + b"{a: " * 5000),
    "config of an alias": content("config.yaml", b"a: &a [1]\nb: *a\n"),
    "config of a tag": content("config.yaml", b"a: !!python/object/apply:os.system [id]\n"),
}
"""Folders that cannot be loaded and evaluated; the split is not read by loading alone."""

RESUMED: dict[str, Spoil] = {
    **{
        f"checkpoint is a {kind}": special(CHECKPOINT, kind)
        for kind in ("pipe", "device", "link", "folder")
    },
    "checkpoint has a terabyte": sparse(CHECKPOINT),
    **{
        f"checkpoint is {value[:6]!r}": content(CHECKPOINT, value)
        for value in (b"", b"\0" * 100, b"PK\x03\x04" * 100)
    },
    **{
        f"position {key} = {str(value)[:20]}": position(**{key: value})
        for key in ("step", "epoch", "epochs_without_improvement", "batch_position")
        for value in (HUGE, -1, 1.5, "7", [7], True, float("nan"))
    },
    "position after the end": position(epoch=1000),
    "steps after the end": position(step=10**6),
    "best epoch of none": position(best={"epoch": 99}),
    "history of text": position(history=[{"epoch": "1"}]),
    "history without columns": position(history=[{"epoch": 1}], best={"epoch": 1}),
    "history of infinity": position(elapsed=float("inf")),
    "another key": position(other=1),
    "weights of infinity": tensors(CHECKPOINT, each(lambda x: x + INFINITY)),
    "weights of float8": tensors(CHECKPOINT, each(lambda x: x.to(torch.float8_e4m3fn))),
    "tensors flat": tensors(CHECKPOINT, each(lambda x: x.flatten())),
    "optimizer of another size": tensors(
        CHECKPOINT, lambda x: x.update({"optimizer.0.exp_avg": torch.zeros(3)})
    ),
    "optimizer of another parameter": tensors(
        CHECKPOINT, lambda x: x.update({"optimizer.999.exp_avg": torch.zeros(3)})
    ),
    "optimizer of another name": tensors(
        CHECKPOINT, lambda x: x.update({"optimizer.0.\x1b[31m": torch.zeros(())})
    ),
    "optimizer without a step": tensors(CHECKPOINT, lambda x: x.pop("optimizer.0.step")),
    "checkpoints is a link": lambda folder: (
        (folder / "checkpoints").rename(folder.with_name("elsewhere")),
        (folder / "checkpoints").symlink_to(folder.with_name("elsewhere")),
    ),
}
"""Folders of unfinished runs that cannot be resumed."""
