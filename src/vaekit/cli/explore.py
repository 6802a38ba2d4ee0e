"""`vaekit explore`."""

import os
import sys
import threading
import webbrowser
from functools import partial
from typing import Annotated

import typer

from vaekit.cli import output
from vaekit.cli.options import Json, OtherData, Port, RunPath, Split


def explore(
    run: RunPath,
    split: Split = None,
    data: OtherData = None,
    port: Port = 0,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")
    ] = True,
    json: Json = False,
) -> None:
    """Explore the latent space of a run in the browser.

    A page on this machine only, until Ctrl-C: a map of the latent codes, and the decoded example
    under the pointer. Install with: pip install "vaekit[explore]"
    """
    from vaekit import workflows

    ready = partial(print_address, browser=browser, as_json=json)
    workflows.explore(run, split=split, data=data, port=port, ready=ready, background=False)


def print_address(address: str, *, browser: bool, as_json: bool) -> None:
    """Print the address of the page, and open it if there is a desktop."""
    facts = {"address": address} if as_json else {"address": address, "stop": "Ctrl-C"}
    output.print_result(facts, as_json)
    sys.stdout.flush()  # nothing else is printed until the server ends
    has_desktop = sys.platform in ("darwin", "win32") or bool(
        {"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys()
    )
    if browser and has_desktop:
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
