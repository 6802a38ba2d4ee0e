"""Requests a second and latency of `vaekit serve`: requests computed together beside one at a time, JSON beside binary.

    vaekit train conv --epochs 1 --limit 10000 --out /tmp/serve-run
    python benchmarks/serve.py /tmp/serve-run

Two server processes of the same run, one with `--rows-at-once 1`, take turns under the same clients: 1, 8 and 64 connections
that are kept, each with one row in every request, sending the next when the answer is there. The clients are this process, on
the same machine, so that both sides share its cores. Answers are held to those of the library first. About 5 minutes.
"""

import argparse
import asyncio
import contextlib
import gc
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from io import BytesIO
from urllib.parse import urlsplit

import numpy as np

import vaekit
from vaekit.runs import Run

CLIENTS = (1, 8, 64)
SERVERS = {"together": [], "one at a time": ["--rows-at-once", "1"]}
NPY = "application/x-npy"


@contextlib.contextmanager
def serving(run: str, options: list[str]) -> Iterator[str]:
    """A server of its own process, and its address."""
    command = [sys.executable, "-m", "vaekit", "serve", run, "--port", "0", "--json", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield json.loads("".join(iter(server.stdout.readline, "}\n")) + "}")["address"]
        finally:
            server.send_signal(signal.SIGINT)


def request(path: str, media: str, body: bytes) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {media}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def npy(array: np.ndarray) -> bytes:
    file = BytesIO()
    np.save(file, array)
    return file.getvalue()


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sent: bytes) -> bytes:
    writer.write(sent)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    body = await reader.readexactly(int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0]))
    if not head.startswith(b"http/1.1 200"):
        raise SystemExit(f"{head.decode()}{body.decode()}")
    return body


async def load(address: str, requests: list[bytes], clients: int, seconds: float) -> list[float]:
    """The latency of every request, in milliseconds, of so many clients for so long."""
    place, latencies, end = urlsplit(address), [], time.perf_counter() + seconds

    async def client(first: int) -> None:
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        at = first
        while (began := time.perf_counter()) < end:
            await answer(reader, writer, requests[at % len(requests)])
            latencies.append(1000 * (time.perf_counter() - began))
            at += clients
        writer.close()

    await asyncio.gather(*(client(k) for k in range(clients)))
    return latencies


async def once(address: str, sent: bytes) -> bytes:
    place = urlsplit(address)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    body = await answer(reader, writer, sent)
    writer.close()
    return body


def check(address: str, run: Run, z: np.ndarray, cases: dict[str, list[bytes]]) -> None:
    """The first answers are what the library gives."""
    wanted = run.decode(z[:1])
    found = {
        "JSON": np.array(json.loads(asyncio.run(once(address, cases["decode, JSON"][0])))["x"]),
        "binary": np.load(BytesIO(asyncio.run(once(address, cases["decode, binary"][0])))),
    }
    for media, values in found.items():
        if not np.allclose(values, wanted, rtol=1e-4, atol=1e-3):
            raise SystemExit(
                f"{media}: the server's answer is {np.abs(values - wanted).max():g} from the library's"
            )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run")
    parser.add_argument("--seconds", type=float, default=4, help="of one turn")
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    run, rng = vaekit.load_run(options.run), np.random.default_rng(0)
    z = rng.normal(size=(256, run.model.latent_shape.numel())).astype(np.float32)
    x = np.round(run.decode(z)).astype(np.uint8)
    cases = {
        "decode, JSON": [
            request("/v1/decode", "application/json", json.dumps({"z": [row.tolist()]}).encode())
            for row in z
        ],
        "decode, binary": [request("/v1/decode", NPY, npy(row[None])) for row in z],
        "encode, JSON": [
            request("/v1/encode", "application/json", json.dumps({"x": [row.tolist()]}).encode())
            for row in x
        ],
        "encode, binary": [request("/v1/encode", NPY, npy(row[None])) for row in x],
    }
    gc.collect()
    gc.freeze()  # a pause of the clients would be taken for one of the server
    with contextlib.ExitStack() as stack:
        addresses = {
            name: stack.enter_context(serving(options.run, given))
            for name, given in SERVERS.items()
        }
        for address in addresses.values():
            check(address, run, z, cases)
        print(
            "| request | clients | server | requests/s | p50, ms | p95 | p99 |\n|---|---|---|---|---|---|---|"
        )
        rates = {
            (case, clients): measured(addresses, case, clients, cases[case], options)
            for case in cases
            for clients in CLIENTS
        }
    for (case, clients), rate in rates.items():
        print(
            f"{case}, {clients} clients: together {rate['together'] / rate['one at a time']:.2f} times one at a time"
        )
    for what in ("decode", "encode"):
        for clients in CLIENTS:
            ratio = (
                rates[f"{what}, binary", clients]["together"]
                / rates[f"{what}, JSON", clients]["together"]
            )
            print(f"{what}, {clients} clients, together: binary {ratio:.2f} times JSON")


def measured(
    addresses: dict[str, str],
    case: str,
    clients: int,
    requests: list[bytes],
    options: argparse.Namespace,
) -> dict:
    """Requests a second by server, turns put together; their lines are printed."""
    found: dict[str, list[float]] = {name: [] for name in addresses}
    for _ in range(options.turns):
        for name, address in addresses.items():
            asyncio.run(load(address, requests, clients, 0.3))  # warm
            found[name] += asyncio.run(load(address, requests, clients, options.seconds))
    rates = {
        name: len(latencies) / (options.turns * options.seconds)
        for name, latencies in found.items()
    }
    for name, latencies in found.items():
        tail = " | ".join(f"{value:.1f}" for value in np.percentile(latencies, (50, 95, 99)))
        print(f"| {case} | {clients} | {name} | {rates[name]:,.0f} | {tail} |", flush=True)
    return rates


if __name__ == "__main__":
    main()
