"""A server in a thread: where an event loop runs, as in a notebook, or on request."""

import asyncio

import httpx
import numpy as np
import pytest

import vaekit
from conftest import small_images
from raising import raises
from vaekit.errors import ConfigError, OutputError

X = small_images(3).train.x


def quiet(address: str) -> None:
    """Print nothing."""


def test_in_an_event_loop_a_server_runs_in_a_thread(small_run):
    async def cell() -> list:
        server = vaekit.serve(small_run, port=0, ready=quiet)
        assert server is not None
        async with httpx.AsyncClient(base_url=server.url) as client:
            answer = await client.post("/v1/encode", json={"x": X.tolist()})
        server.stop()
        assert server.url in repr(server)
        with pytest.raises(httpx.ConnectError):
            httpx.get(server.url)
        return answer.json()["mean"]

    np.testing.assert_allclose(asyncio.run(cell()), small_run.encode(X).mean, rtol=1e-4)


def test_a_server_ends_with_its_block_and_frees_its_port(small_run):
    addresses: list[str] = []
    with vaekit.serve(small_run, port=0, ready=addresses.append, background=True) as server:
        assert addresses == [server.url]
        assert httpx.get(f"{server.url}/health").status_code == 200
        port = httpx.URL(server.url).port
        with raises(OutputError, "port"):
            vaekit.serve(small_run, port=port, background=True)
    assert not server.is_running
    server.stop()
    with vaekit.serve(small_run, port=port, ready=quiet, background=True) as again:
        assert again.url == server.url


def test_a_server_that_cannot_start_leaves_nothing_behind(small_run):
    with raises(ConfigError, "host"):
        vaekit.serve(small_run, host="no such host", background=True)


@pytest.mark.process
@pytest.mark.slow
def test_a_notebook_shows_the_explorer_in_a_frame(small_run):
    with vaekit.explore(small_run, ready=quiet, background=True) as server:
        assert f'src="{server.url}"' in server._repr_html_()
        policy = httpx.get(server.url).headers["content-security-policy"]
        assert "frame-ancestors http://localhost:*" in policy
    assert "<iframe" not in server._repr_html_()
