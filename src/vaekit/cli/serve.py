"""`vaekit serve`."""

import sys
from functools import partial
from typing import Annotated

import typer

from vaekit.cli import output
from vaekit.cli.options import Json, Port, RunPath


def serve(
    run: RunPath,
    host: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Address to listen on. All but loopback addresses are open to the network.",
        ),
    ] = "127.0.0.1",
    port: Port = 8000,
    max_batch_examples: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Examples of concurrent requests that are computed together; 1: each request "
            "alone. Default: by their size.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Serve encode, decode, sample and score over HTTP.

    The server listens until Ctrl-C. Install with: pip install "vaekit[serve]"
    """
    from vaekit import workflows
    from vaekit.server import Limits

    limits = None if max_batch_examples is None else Limits(max_batch_examples=max_batch_examples)
    ready = partial(print_address, as_json=json)
    workflows.serve(run, host=host, port=port, limits=limits, ready=ready, background=False)


def print_address(address: str, *, as_json: bool) -> None:
    """Print the address of the server and a first request."""
    description = f"{address}/openapi.json"
    if as_json:
        output.print_json({"address": address, "description": description})
    else:
        request = f"curl --json '{{\"count\": 1}}' {address}/v1/sample"
        facts = {"address": address, "try": request, "more": description, "stop": "Ctrl-C"}
        output.print_facts(facts)
    sys.stdout.flush()  # nothing else is printed until the server ends
