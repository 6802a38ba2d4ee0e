"""Explore the latent space of a run in the browser: a local server, or a page in one file."""

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from vaekit import html
from vaekit.arguments import as_path
from vaekit.data.splits import SplitName
from vaekit.explorer import explorer_app, render_page
from vaekit.files.atomic import atomic_write_bytes, check_new_file
from vaekit.runs import Run, as_run
from vaekit.runtime.device import keep_freed_memory
from vaekit.runtime.library_call import library_call
from vaekit.web import LOOPBACK, App, RunningServer, in_event_loop, serve_app
from vaekit.workflows.explorer_content import build_content, embed_originals

FRAME_HEIGHT = 720
LOCAL_PAGES = "http://localhost:* https://localhost:* http://127.0.0.1:* https://127.0.0.1:*"
"""Pages that may show the explorer in a frame: notebooks on this machine."""


@dataclass(frozen=True)
class PageFile:
    """The result of `export_page`.

    Attributes:
        file: The path of the page.
        bytes: Its size.
        codes: The number of examples on the map.
        images: The number of examples whose originals are in the page.
    """

    file: Path
    bytes: int
    codes: int
    images: int

    def to_dict(self) -> dict[str, object]:
        """The result as JSON values."""
        return {**asdict(self), "file": str(self.file)}


class RunningExplorer(RunningServer):
    """The explorer of a run, served by a thread; a notebook shows it in place."""

    def _repr_html_(self) -> str:
        """The page in a frame, and its address."""
        title = f"Explorer at {self.url}"
        if not self.is_running:
            return html.card(title, html.note("It has been stopped."))
        hint = "On this machine, until stop(). On another machine, use vaekit.export_page."
        return html.card(title, html.frame(self.url, "explorer", FRAME_HEIGHT), html.note(hint))


@library_call
def explore(
    run: Run | str | os.PathLike,
    *,
    split: SplitName | None = None,
    data: Any = None,
    port: int = 0,
    ready: Callable[[str], None] = print,
    background: bool | None = None,
) -> RunningExplorer | None:
    """Serve a page about a run's latent space to this machine: until Ctrl-C, or in a thread.

    Args:
        run: The run, or the path of its folder.
        split: The part of the dataset on the map; default test.
        data: Other examples for the map, at most 200,000; default the run's dataset.
        port: The port; 0 picks a free one.
        ready: Called with the address when the server listens.
        background: Serve in a thread of its own; default if an event loop runs in this one, as in
            a notebook, which then shows the page.

    Returns:
        In the background the server, with `url` and `stop()`; else None, after Ctrl-C.

    Raises:
        ConfigError: The packages for the explorer are not installed, or there are too many
            examples.
        OutputError: The port is in use.

    >>> import vaekit
    >>> vaekit.explore("runs/mnist")  # doctest: +SKIP
    """
    keep_freed_memory()
    run = as_run(run)

    def make_app(frames: str = "'none'") -> App:
        content = build_content(run, split=split, data=data)
        return explorer_app(content, hosts=LOOPBACK, frame_ancestors=frames)

    if background is None:
        background = in_event_loop()
    if not background:
        return serve_app(make_app, LOOPBACK[0], port, ready=ready, extra="explore")
    server = RunningExplorer(partial(make_app, LOCAL_PAGES), LOOPBACK[0], port, extra="explore")
    ready(server.url)
    return server


@library_call
def export_page(
    run: Run | str | os.PathLike,
    out: str | os.PathLike,
    *,
    split: SplitName | None = None,
    data: Any = None,
    overwrite: bool = False,
) -> PageFile:
    """Write the explorer of a run as one HTML file that needs neither a server nor a network.

    Args:
        run: The run, or the path of its folder.
        out: The HTML file.
        split: The part of the dataset on the map; default test.
        data: Other examples for the map, at most 200,000; default the run's dataset.
        overwrite: Overwrite an existing file.

    Returns:
        The file, its size, and the number of examples in it; at most 2,000 originals are included.

    Raises:
        ConfigError: The packages for the explorer are not installed, or there are too many
            examples.
        OutputError: The file exists and `overwrite` is false, or cannot be written.

    >>> import vaekit
    >>> vaekit.export_page("runs/conv", "page.html").codes
    6
    """
    out = as_path("out", out)
    check_new_file(out, overwrite)
    content = embed_originals(build_content(as_run(run), split=split, data=data))
    page = render_page(content).encode()
    atomic_write_bytes(out, page)
    return PageFile(out, len(page), content.facts.examples, len(content.arrays["originals"]))
