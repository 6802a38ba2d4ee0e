"""`vaekit serve`."""

import shlex
import sys
from functools import partial
from pathlib import Path
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
    token_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="File with the bearer token of all requests. Default: the variable VAEKIT_TOKEN, "
            "else no token.",
        ),
    ] = None,
    tls_certificate: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Certificate and its chain, in PEM, for https."),
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Private key of the certificate, in PEM.")
    ] = None,
    access_log: Annotated[
        bool,
        typer.Option(
            "--access-log/--no-access-log", help="Print a line per request on standard error."
        ),
    ] = True,
    json: Json = False,
) -> None:
    """Serve encode, decode, sample and score over HTTP.

    The server listens until Ctrl-C. Install with: pip install "vaekit[serve]"
    """
    from vaekit import workflows
    from vaekit.server import Limits
    from vaekit.web import read_token

    token = read_token(token_file)

    limits = None if max_batch_examples is None else Limits(max_batch_examples=max_batch_examples)
    workflows.serve(
        run,
        host=host,
        port=port,
        limits=limits,
        token=token,
        tls_certificate=tls_certificate,
        tls_key=tls_key,
        access_log=sys.stderr if access_log else None,
        ready=partial(print_address, header=_header(token, token_file), as_json=json),
        background=False,
    )


def _header(token: str | None, file: Path | None) -> str:
    """The option of curl that sends the token, without the token."""
    if token is None:
        return ""
    source = "$VAEKIT_TOKEN" if file is None else f"$(cat {shlex.quote(str(file))})"
    return f'-H "Authorization: Bearer {source}" '


def print_address(address: str, *, header: str, as_json: bool) -> None:
    """Print the address of the server and a first request."""
    description = f"{address}/openapi.json"
    if as_json:
        output.print_json({"address": address, "description": description})
    else:
        request = f"curl {header}--json '{{\"count\": 1}}' {address}/v1/sample"
        facts = {"address": address, "try": request, "more": description, "stop": "Ctrl-C"}
        output.print_facts(facts)
    sys.stdout.flush()  # nothing else is printed until the server ends
