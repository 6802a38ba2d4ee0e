"""The whole explorer as one HTML file, which needs no server and no network."""

import base64
import gzip
import hashlib
import re
from graphlib import TopologicalSorter

from vaekit.explorer import assets
from vaekit.explorer.content import Content

IMPORT = re.compile(r'(?:from|import)\s+"\./([\w.-]+)"')

# Modules cannot import each other from a file on disk. They become blobs, each told the addresses of those before it.
BOOT = """
const addresses = new Map();
for (const element of document.querySelectorAll("script[data-module]")) {
  const blob = (whole, name) => (addresses.has(name) ? JSON.stringify(addresses.get(name)) : whole);
  const source = element.textContent.replace(/"\\.\\/([\\w.-]+)"/g, blob);
  addresses.set(element.dataset.module, URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
}
import(addresses.get("main.js"));
"""

POLICY = (
    "default-src 'none'; script-src '{boot}' blob: 'wasm-unsafe-eval'; style-src '{style}'; img-src blob: data:; "
    "connect-src 'none'; base-uri 'none'; form-action 'none'"
)


def to_page(content: Content) -> str:
    """The page with everything in it: modules and style as text, bytes as gzip in base64."""
    style = assets.style()
    head = "\n".join(
        (
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY.format(boot=_hash(BOOT), style=_hash(style))}">',
            f"<style>{style}</style>",
        )
    )
    html = _replaced(assets.html(), "<!-- head -->", "<!-- end of head -->", head)
    return _replaced(
        html, "<!-- scripts -->", "<!-- end of scripts -->", "\n".join(_scripts(content))
    )


def _scripts(content: Content) -> list[str]:
    found = [f'<script type="application/json" id="facts">{content.to_json().decode()}</script>']
    blobs = {name: gzip.compress(blob, 6, mtime=0) for name, blob in content.blobs().items()}
    for name, blob in {**blobs, "wasm": assets.runtime_wasm()}.items():
        text = base64.b64encode(blob).decode()
        found.append(f'<script type="application/octet-stream" data-blob="{name}">{text}</script>')
    for name, source in in_order().items():
        assert "</script" not in source and "<!--" not in source, name
        found.append(f'<script type="text/plain" data-module="{name}">{source}</script>')
    return [*found, f"<script>{BOOT}</script>"]


def in_order() -> dict[str, str]:
    """All modules, each behind those that it imports."""
    sources = {assets.RUNTIME_MODULE: assets.runtime_module().decode(), **assets.modules()}
    imports = {
        name: set(IMPORT.findall(source)) if name.endswith(".js") else set()
        for name, source in sources.items()
    }
    return {name: sources[name] for name in TopologicalSorter(imports).static_order()}


def _replaced(html: str, start: str, end: str, by: str) -> str:
    before, _, rest = html.partition(start)
    return before + by + rest.partition(end)[2]


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
