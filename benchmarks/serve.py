"""Requests per second and latency of `vaekit serve`: batched or one at a time, JSON or binary.

    vaekit train conv --epochs 1 --train-size 10000 --out /tmp/serve-run
    python benchmarks/serve.py /tmp/serve-run

Two servers of the same run, one of them with `--max-batch-examples 1`, take turns under the same
clients: 1, 8 and 64 persistent connections, each with one example per request, sending the next
request after the answer. The clients are this process, on the same machine, so both sides share its
cores. Answers are first compared with the library's. Takes about 5 minutes.
"""

import argparse
import asyncio
import contextlib
import gc
import json
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from urllib.parse import urlsplit

import numpy as np

import vaekit
from command_line import argument_parser, vaekit_command
from vaekit.runs import Run

CLIENTS = (1, 8, 64)
BATCHED = "batched"
ONE_AT_A_TIME = "one at a time"
SERVERS = {BATCHED: [], ONE_AT_A_TIME: ["--max-batch-examples", "1"]}
"""Options of each server."""

JSON_TYPE = "application/json"
NPY_TYPE = "application/x-npy"
CODES = 256
WARM_UP_SECONDS = 0.3


# --- Servers and requests ------------------------------------------------------------------------


@contextlib.contextmanager
def running_server(run: str, options: Sequence[str]) -> Iterator[str]:
    """The address of a server in a process of its own."""
    command = vaekit_command("serve", run, "--port", 0, "--json", *options)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            lines = iter(server.stdout.readline, "}\n")  # up to the end of the JSON object
            yield json.loads("".join(lines) + "}")["address"]
        finally:
            server.send_signal(signal.SIGINT)


def http_request(path: str, media_type: str, body: bytes) -> bytes:
    """A POST request."""
    head = (
        f"POST {path} HTTP/1.1\r\n"
        "Host: localhost\r\n"
        f"Content-Type: {media_type}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def json_request(path: str, name: str, example: np.ndarray) -> bytes:
    """A request with one example as JSON."""
    body = json.dumps({name: [example.tolist()]}).encode()
    return http_request(path, JSON_TYPE, body)


def npy_request(path: str, example: np.ndarray) -> bytes:
    """A request with one example as .npy."""
    file = BytesIO()
    np.save(file, example[None])
    return http_request(path, NPY_TYPE, file.getvalue())


async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> bytes:
    """The body of the answer to a request; SystemExit if the server refuses it."""
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = head.partition(b"content-length:")[2].split(b"\r\n", 1)[0]
    body = await reader.readexactly(int(length))
    if not head.startswith(b"http/1.1 200"):
        raise SystemExit(f"{head.decode()}{body.decode()}")
    return body


async def send_once(address: str, request: bytes) -> bytes:
    """The answer on a connection of its own."""
    url = urlsplit(address)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    body = await send(reader, writer, request)
    writer.close()
    return body


# --- Measurement ---------------------------------------------------------------------------------


async def measure_latencies(
    address: str, requests: Sequence[bytes], clients: int, seconds: float
) -> list[float]:
    """The latency of every request of concurrent clients, in milliseconds."""
    url = urlsplit(address)
    latencies: list[float] = []
    end = time.perf_counter() + seconds

    async def run_client(first: int) -> None:
        reader, writer = await asyncio.open_connection(url.hostname, url.port)
        index = first
        while (start := time.perf_counter()) < end:
            await send(reader, writer, requests[index % len(requests)])
            latencies.append(1000 * (time.perf_counter() - start))
            index += clients
        writer.close()

    await asyncio.gather(*(run_client(number) for number in range(clients)))
    return latencies


def measure_rates(
    addresses: Mapping[str, str],
    case: str,
    requests: Sequence[bytes],
    clients: int,
    options: argparse.Namespace,
) -> dict[str, float]:
    """Requests per second of each server over all turns; prints a line per server."""
    latencies: dict[str, list[float]] = {name: [] for name in addresses}
    for _ in range(options.turns):
        for name, address in addresses.items():
            asyncio.run(measure_latencies(address, requests, clients, WARM_UP_SECONDS))
            turn = measure_latencies(address, requests, clients, options.seconds)
            latencies[name] += asyncio.run(turn)
    rates = {}
    for name, measured in latencies.items():
        rates[name] = len(measured) / (options.turns * options.seconds)
        percentiles = " | ".join(f"{value:.1f}" for value in np.percentile(measured, (50, 95, 99)))
        print(f"| {case} | {clients} | {name} | {rates[name]:,.0f} | {percentiles} |", flush=True)
    return rates


def check_answers(address: str, run: Run, z: np.ndarray, cases: Mapping[str, list[bytes]]) -> None:
    """SystemExit if the first answers of a server differ from the library's."""
    expected = run.decode(z[:1])
    json_body = asyncio.run(send_once(address, cases["decode, JSON"][0]))
    npy_body = asyncio.run(send_once(address, cases["decode, binary"][0]))
    answers = {"JSON": np.array(json.loads(json_body)["x"]), "binary": np.load(BytesIO(npy_body))}
    for encoding, values in answers.items():
        if not np.allclose(values, expected, rtol=1e-4, atol=1e-3):
            difference = np.abs(values - expected).max()
            raise SystemExit(
                f"the server's {encoding} answer differs from the library's by {difference:g}"
            )


def main() -> None:
    """Start both servers, measure all cases and print ratios."""
    parser = argument_parser(__doc__)
    parser.add_argument("run")
    parser.add_argument("--seconds", type=float, default=4, help="length of a turn")
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    run = vaekit.load_run(options.run)
    rng = np.random.default_rng(0)
    z = rng.normal(size=(CODES, run.model.latent_shape.numel())).astype(np.float32)
    x = np.round(run.decode(z)).astype(np.uint8)
    cases = {
        "decode, JSON": [json_request("/v1/decode", "z", code) for code in z],
        "decode, binary": [npy_request("/v1/decode", code) for code in z],
        "encode, JSON": [json_request("/v1/encode", "x", image) for image in x],
        "encode, binary": [npy_request("/v1/encode", image) for image in x],
    }
    gc.collect()
    gc.freeze()  # a pause of the clients would count as one of the server
    rates = {}
    with contextlib.ExitStack() as stack:
        addresses = {
            name: stack.enter_context(running_server(options.run, server_options))
            for name, server_options in SERVERS.items()
        }
        for address in addresses.values():
            check_answers(address, run, z, cases)
        print("| request | clients | server | requests/s | p50, ms | p95 | p99 |")
        print("|---|---|---|---|---|---|---|")
        for case, requests in cases.items():
            for clients in CLIENTS:
                rates[case, clients] = measure_rates(addresses, case, requests, clients, options)
    print_ratios(rates)


def print_ratios(rates: Mapping[tuple[str, int], Mapping[str, float]]) -> None:
    """Print batched to one at a time, and binary to JSON."""
    for (case, clients), rate in rates.items():
        ratio = rate[BATCHED] / rate[ONE_AT_A_TIME]
        print(f"{case}, {clients} clients: batched {ratio:.2f} times one at a time")
    for task in ("decode", "encode"):
        for clients in CLIENTS:
            binary = rates[f"{task}, binary", clients][BATCHED]
            ratio = binary / rates[f"{task}, JSON", clients][BATCHED]
            print(f"{task}, {clients} clients, batched: binary {ratio:.2f} times JSON")


if __name__ == "__main__":
    main()
