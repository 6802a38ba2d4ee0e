"""Metrics for Prometheus: each request under its own endpoint; clients create no series."""

import re

import pytest
from server_client import ask, metrics, post, served


def endpoints(series: dict[str, float]) -> set[str]:
    """The endpoints that any series names."""
    return {endpoint for name in series for endpoint in re.findall('endpoint="([^"]*)"', name)}


def test_unknown_paths_are_counted_as_one(small_run):
    app = served(small_run)
    ask(app, "GET", "/health")
    before = endpoints(metrics(app))
    for path in ("/nowhere", "/v1/nothing", "/health/", "/nowhere?count=1"):
        assert ask(app, "GET", path).status_code == 404
    series = metrics(app)
    assert endpoints(series) == before | {"other", "/metrics"}
    assert series['vaekit_requests_total{endpoint="other",status="404"}'] == 4
    assert series['vaekit_request_seconds_count{endpoint="other"}'] == 4


@pytest.mark.parametrize("name", ["encode", "decode", "sample", "score"])
def test_examples_and_statuses_are_counted_by_endpoint(small_run, name: str):
    app = served(small_run, max_examples=50)
    example = [[[0] * 8] * 8]
    bodies = {
        "encode": lambda count: {"x": [example] * count},
        "score": lambda count: {"x": [example] * count},
        "decode": lambda count: {"z": [[0] * 3] * count},
        "sample": lambda count: {"count": count},
    }
    statuses = [post(app, name, bodies[name](count)).status_code for count in (2, 5, 51)]
    assert statuses == [200, 200, 422]
    series = metrics(app)
    assert series[f'vaekit_examples_total{{endpoint="/v1/{name}"}}'] == 7
    assert series[f'vaekit_requests_total{{endpoint="/v1/{name}",status="200"}}'] == 2
    assert series[f'vaekit_requests_total{{endpoint="/v1/{name}",status="422"}}'] == 1
    assert endpoints(series) - {"/metrics"} == {f"/v1/{name}"}
