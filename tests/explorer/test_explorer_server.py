"""The explorer's server: what it gives, to whom, and what it refuses."""

import asyncio
import gzip
import json
import re
import socket
import sys
from dataclasses import replace
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest

from browser_fixtures import serving
from vaekit.errors import WorkError
from vaekit.explorer import assets
from vaekit.workflows.explore import content_of

REFUSED = [
    *(
        "/../pyproject.toml",
        "/..%2f..%2fetc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "//etc/passwd",
        "/static/index.html",
        "/page.py",
    ),
    *(
        "/rows/60",
        "/rows/-1",
        "/rows/1e3",
        "/rows/" + "9" * 5000,
        "/rows/٣",
        "/rows/",
        "/blobs/",
        "/blobs/../facts.json",
        "/main.js%00",
    ),
]


def test_every_address_says_what_it_is_and_forbids_what_it_can(address):
    page = httpx.get(address)
    policy = page.headers["content-security-policy"]
    assert (
        "default-src 'none'" in policy
        and "wasm-unsafe-eval" in policy
        and "'unsafe-eval'" not in policy
    )
    assert "unsafe-inline" not in policy and "http" not in policy
    names = re.findall(r'(?:src|href)="([\w.-]+)"', page.text)
    assert set(names) == {"style.css", "main.js"}
    for name in (
        *names,
        *assets.modules(),
        assets.RUNTIME_MODULE,
        "facts.json",
        "blobs/decoder",
        "blobs/codes",
        "blobs/wasm",
    ):
        answer = httpx.get(f"{address}/{name}")
        assert (
            answer.status_code == 200 and answer.headers["x-content-type-options"] == "nosniff"
        ), name
        assert answer.headers["content-security-policy"] == policy


def test_rows_and_arrays_are_the_runs_own(address, bars):
    facts = httpx.get(f"{address}/facts.json").json()
    assert facts["arrays"]["codes"] == {"type": "float32", "shape": [60, 3]}
    assert len(httpx.get(f"{address}/blobs/codes").content) == 60 * 3 * 4
    for row in (0, 59):
        assert np.array_equal(
            np.frombuffer(httpx.get(f"{address}/rows/{row}").content, np.uint8),
            bars[0][row].ravel(),
        )


def raw(address: str, request: str) -> str:
    """The first line that a server answers to these bytes."""
    place = urlsplit(address)
    with socket.create_connection((place.hostname, place.port), timeout=20) as connection:
        connection.sendall(request.encode())
        return connection.recv(4096).decode("latin-1").splitlines()[0]


@pytest.mark.parametrize("path", REFUSED)
def test_no_path_leads_anywhere_else(address, path):
    request = (
        f"GET {path} HTTP/1.1\r\nHost: {urlsplit(address).netloc}\r\nConnection: close\r\n\r\n"
    )
    assert raw(address, request).split(" ")[1] in ("404", "400", "431")
    assert httpx.get(address).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "", "localhost:80@evil.example"]
)
def test_another_host_is_refused(address, host):
    request = f"GET /facts.json HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    assert raw(address, request).split(" ")[1] in ("421", "400")


def test_nothing_can_be_sent_to_it(address):
    assert httpx.post(address, content=b"x" * 100_000).status_code == 413
    assert httpx.post(address, content=b"x").status_code == 405
    assert httpx.put(f"{address}/facts.json", content=b"{}").status_code == 405


def test_hundreds_of_requests_at_once_are_answered(address):
    async def load() -> list[bytes]:
        async with httpx.AsyncClient(
            limits=httpx.Limits(max_connections=100), timeout=60
        ) as client:
            answers = await asyncio.gather(
                *(client.get(f"{address}/rows/{i % 60}") for i in range(300))
            )
        return [answer.content for answer in answers if answer.status_code == 200]

    found = asyncio.run(load())
    assert len(found) == 300
    assert found[:60] == found[60:120] and len(set(found[:60])) == 60


def test_it_listens_on_this_machine_alone_and_a_taken_port_is_one_line(cli, small_run):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        data = small_run.path.parent / "bars.npz"
        status, out, err = cli(
            "explore",
            small_run.path,
            "--data",
            data,
            "--port",
            taken.getsockname()[1],
            "--no-browser",
        )
    assert (status, out) == (2, "") and err.startswith("vaekit: port ") and err.count("\n") == 1


def test_what_it_takes_is_named_whole_where_it_is_not_installed(refused, small_run, monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert (
        refused("explore", small_run.path)
        == 'vaekit: uvicorn is not installed: pip install "vaekit[explore]"\n'
    )
    assert (
        refused("serve", small_run.path)
        == 'vaekit: uvicorn is not installed: pip install "vaekit[serve]"\n'
    )


def test_two_explorers_find_ports_of_their_own(small_run, address):
    with serving(small_run.path) as second:
        assert second != address and second.startswith("http://127.0.0.1:")
        assert httpx.get(f"{second}/facts.json").json()["part"] == "test"


# --- The page as a file ---------------------------------------------------------------------------------------------------


def test_a_page_is_one_file_that_says_its_size_and_is_not_overwritten(cli, small_run, tmp_path):
    status, out, err = cli("export", small_run.path, "page.html", "--json")
    assert status == 0, err
    found, content = json.loads(out), (tmp_path / "page.html").read_bytes()
    facts = json.loads(content.split(b'id="facts">')[1].split(b"</script>")[0])
    assert (
        found["bytes"] == len(content)
        and found["images"]
        == found["codes"]
        == facts["rows"]
        == facts["arrays"]["kept"]["shape"][0]
    )
    assert (
        b'src="' not in content.replace(b'src="data:', b"")
        and b"https://" not in content.split(b"data-module")[0]
    )
    status, _, err = cli("export", small_run.path, "page.html")
    assert status == 2 and "page.html exists" in err
    assert (tmp_path / "page.html").read_bytes() == content
    status, _, err = cli("export", small_run.path, "page.html", "--force", "--split", "train")
    assert status == 0, err


def test_options_that_make_no_difference_are_refused(refused, small_run):
    for options, said in {
        (
            "there",
            "--split",
            "train",
        ): "--split train makes no difference to ONNX files, only to a PAGE.html",
        (
            "page.html",
            "--license",
            "mit",
        ): "--license mit makes no difference to what is not shared by --hub",
        (
            "page.html",
            "--hub",
            "hub",
        ): "the place page.html makes no difference to a folder for the hub",
        (
            "--hub",
            "hub",
            "--data",
            "x.npy",
        ): "--data x.npy makes no difference to a folder for the hub",
    }.items():
        assert said in refused("export", small_run.path, *options)


@pytest.mark.parametrize(
    ("test", "known"),
    [
        ({"loss": {"value": 2.5, "standard_error": None}}, {"value": 2.5, "standard_error": None}),
        (
            {"loss": {"value": 2.5, "standard_error": float("inf")}},
            {"value": 2.5, "standard_error": None},
        ),
        ({"loss": {"value": float("nan"), "standard_error": 1.0}}, None),
        ({"loss": "low"}, None),
        ({}, None),
    ],
)
def test_a_figure_that_is_no_number_is_not_shown(small_run, test, known):
    odd = replace(small_run, summary={**small_run.summary, "test": test})
    assert content_of(odd, split="test").facts["test"] == known


def test_a_page_has_its_runtime_as_it_was_published(monkeypatch, tmp_path):
    folder = tmp_path / "runtime"
    folder.mkdir()
    for file in (assets.STATIC / "runtime").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    changed = gzip.decompress((folder / f"{assets.RUNTIME_WASM}.gz").read_bytes())[:-1]
    (folder / f"{assets.RUNTIME_WASM}.gz").write_bytes(gzip.compress(changed))
    (folder / assets.RUNTIME_MODULE).write_text("alert(1)")
    monkeypatch.setattr(assets, "STATIC", tmp_path)
    for read in (assets.runtime_wasm, assets.runtime_module):
        read.cache_clear()
        with pytest.raises(WorkError, match="is not what was published: install vaekit again"):
            read()
        read.cache_clear()


def test_modules_stand_behind_those_that_they_import():
    from vaekit.explorer.page import IMPORT, in_order

    seen: set[str] = set()
    for name, source in in_order().items():
        if name.endswith(".js"):
            assert set(IMPORT.findall(source)) <= seen, name
            assert "innerHTML" not in source and "document.write" not in source
        seen.add(name)
    assert name == "main.js"
