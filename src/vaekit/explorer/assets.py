"""The files of the page from the package; the included runtime is verified by checksums."""

import gzip
import hashlib
from functools import cache
from pathlib import Path

from vaekit.errors import WorkError

STATIC = Path(__file__).parent / "static"
RUNTIME_MODULE = "ort.wasm.bundle.min.mjs"
RUNTIME_WASM = "ort-wasm-simd-threaded.wasm"
SHA256 = {
    RUNTIME_MODULE: "11e64bd8ffe11bd1a2a2f0d6275fdfbbba7262f0b76b99b53d228a8a22ef3d90",
    RUNTIME_WASM: "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
}
"""Checksums of onnxruntime-web 1.30.0 as published."""


@cache
def runtime_module() -> bytes:
    """The JavaScript of onnxruntime-web."""
    return _verified(RUNTIME_MODULE, (STATIC / "runtime" / RUNTIME_MODULE).read_bytes())


@cache
def runtime_wasm() -> bytes:
    """The WebAssembly of onnxruntime-web, compressed by gzip."""
    compressed = (STATIC / "runtime" / f"{RUNTIME_WASM}.gz").read_bytes()
    _verified(RUNTIME_WASM, gzip.decompress(compressed))
    return compressed


def html() -> str:
    """The HTML of the page."""
    return (STATIC / "index.html").read_text(encoding="utf-8")


def style() -> str:
    """The CSS of the page."""
    return (STATIC / "style.css").read_text(encoding="utf-8")


def modules() -> dict[str, str]:
    """The ES modules of the page without the runtime, by file name."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(STATIC.glob("*.js"))}


def _verified(name: str, content: bytes) -> bytes:
    if hashlib.sha256(content).hexdigest() != SHA256[name]:
        raise WorkError(
            f"{name} of the installed vaekit differs from its published version. "
            "Install vaekit again."
        )
    return content
