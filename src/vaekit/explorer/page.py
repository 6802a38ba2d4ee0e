"""The explorer as one HTML file that needs neither a server nor a network."""

import base64
import gzip
import hashlib
import re
from graphlib import TopologicalSorter

from vaekit.explorer import assets
from vaekit.explorer.content import ExplorerContent

IMPORT = re.compile(r'(?:from|import)\s+"\./([\w.-]+)"')

# Modules in a file cannot import one another. They become blobs, each with the addresses of the
# blobs before it in place of the file names.
LOADER = """
const addresses = new Map();
const addressOf = (match, name) =>
  addresses.has(name) ? JSON.stringify(addresses.get(name)) : match;
for (const element of document.querySelectorAll("script[data-module]")) {
  const source = element.textContent.replace(/"\\.\\/([\\w.-]+)"/g, addressOf);
  const blob = new Blob([source], { type: "text/javascript" });
  addresses.set(element.dataset.module, URL.createObjectURL(blob));
}
import(addresses.get("main.js"));
"""

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src '{loader}' blob: 'wasm-unsafe-eval'; style-src '{style}'; "
    "img-src blob: data:; connect-src 'none'; base-uri 'none'; form-action 'none'"
)


def render_page(content: ExplorerContent) -> str:
    """Render the page with everything in it.

    Args:
        content: The content of the page; modules and style become text, bytes gzip in base64.

    Returns:
        The HTML.

    >>> render_page(content)  # doctest: +SKIP
    """
    style = assets.style()
    policy = CONTENT_SECURITY_POLICY.format(loader=_hash(LOADER), style=_hash(style))
    head = f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n<style>{style}</style>'
    html = _replace_between(assets.html(), "<!-- head -->", "<!-- end of head -->", head)
    scripts = "\n".join(_scripts(content))
    return _replace_between(html, "<!-- scripts -->", "<!-- end of scripts -->", scripts)


def sorted_modules() -> dict[str, str]:
    """All modules by file name, each after the modules that it imports."""
    sources = {assets.RUNTIME_MODULE: assets.runtime_module().decode(), **assets.modules()}
    imports = {
        name: set(IMPORT.findall(source)) if name.endswith(".js") else set()
        for name, source in sources.items()
    }
    return {name: sources[name] for name in TopologicalSorter(imports).static_order()}


def _scripts(content: ExplorerContent) -> list[str]:
    facts = content.to_json().decode()
    scripts = [f'<script type="application/json" id="facts">{facts}</script>']
    blobs = {name: gzip.compress(blob, 6, mtime=0) for name, blob in content.blobs().items()}
    blobs["wasm"] = assets.runtime_wasm()
    for name, blob in blobs.items():
        text = base64.b64encode(blob).decode()
        scripts.append(
            f'<script type="application/octet-stream" data-blob="{name}">{text}</script>'
        )
    for name, source in sorted_modules().items():
        assert "</script" not in source and "<!--" not in source, name
        scripts.append(f'<script type="text/plain" data-module="{name}">{source}</script>')
    return [*scripts, f"<script>{LOADER}</script>"]


def _replace_between(html: str, start: str, end: str, replacement: str) -> str:
    before, _, rest = html.partition(start)
    _, _, after = rest.partition(end)
    return before + replacement + after


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
