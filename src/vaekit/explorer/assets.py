"""The files of the page, read from the package; the vendored runtime is compared with its hashes."""

import gzip
import hashlib
from functools import cache
from pathlib import Path

from vaekit.errors import WorkError

STATIC = Path(__file__).parent / "static"
RUNTIME_MODULE, RUNTIME_WASM = "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"
SHA256 = {
    RUNTIME_MODULE: "11e64bd8ffe11bd1a2a2f0d6275fdfbbba7262f0b76b99b53d228a8a22ef3d90",
    RUNTIME_WASM: "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
}
"""Of onnxruntime-web 1.30.0, as published."""


@cache
def runtime_module() -> bytes:
    """The JavaScript of onnxruntime-web."""
    return _genuine(RUNTIME_MODULE, (STATIC / "runtime" / RUNTIME_MODULE).read_bytes())


@cache
def runtime_wasm() -> bytes:
    """The WebAssembly of onnxruntime-web, compressed by gzip as it lies in the package."""
    compressed = (STATIC / "runtime" / f"{RUNTIME_WASM}.gz").read_bytes()
    _genuine(RUNTIME_WASM, gzip.decompress(compressed))
    return compressed


def html() -> str:
    return (STATIC / "index.html").read_text(encoding="utf-8")


def style() -> str:
    return (STATIC / "style.css").read_text(encoding="utf-8")


def modules() -> dict[str, str]:
    """The page's own ES modules, by file name."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(STATIC.glob("*.js"))}


def _genuine(name: str, content: bytes) -> bytes:
    if hashlib.sha256(content).hexdigest() != SHA256[name]:
        raise WorkError(
            f"{name} of the installed vaekit is not what was published: install vaekit again"
        )
    return content
