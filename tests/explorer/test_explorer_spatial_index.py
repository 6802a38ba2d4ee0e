"""The search for points near a position or inside a polygon equals an exhaustive search."""

import numpy as np
import pytest
from matplotlib.path import Path as Polygon

pytestmark = pytest.mark.browser

RNG = np.random.default_rng(3)
WIDE_CLUSTER = RNG.normal(size=(150, 2)) * (3, 0.5)
SMALL_CLUSTER = RNG.normal(size=(50, 2)) * 0.05 + (1, 2)
POINTS = np.concatenate([WIDE_CLUSTER, SMALL_CLUSTER]).astype(np.float32)

SEARCH = """async ([xs, ys, queries, polygons]) => {
    const { SpatialIndex } = await import('./spatial-index.js');
    const index = new SpatialIndex(Float32Array.from(xs), Float32Array.from(ys));
    const all = () => true;
    const even = (i) => i % 2 === 0;
    const nearest = (isAllowed) =>
        queries.map(([x, y, distance]) => index.nearest(x, y, distance, isAllowed));
    const inside = (isAllowed) =>
        polygons.map((polygon) => Array.from(index.inside(polygon, isAllowed)));
    return {
        nearest: nearest(all), nearestEven: nearest(even),
        inside: inside(all), insideEven: inside(even),
    };
}"""

POSITIONS = np.concatenate([RNG.normal(size=(60, 2)) * (4, 1), POINTS[::10] + 1e-3])
MAX_DISTANCES = np.resize([0.02, 0.3, 2.0, 50.0], len(POSITIONS))
POLYGONS = [
    np.array([(-2.0, -0.7), (0.5, -0.6), (1.5, 2.2), (-1.0, 0.4)]),
    np.array([(0.9, 1.9), (1.1, 1.9), (1.1, 2.1), (0.9, 2.1)]),
    np.array([(-9.0, -9.0), (9.0, -9.0), (9.0, 9.0), (0.0, 0.0), (-9.0, 9.0)]),  # not convex
    np.array([(20.0, 20.0), (21.0, 20.0), (21.0, 21.0)]),
]


@pytest.fixture(scope="module")
def result(browser, address):
    """The answers of the page to all queries."""
    page = browser.new_context().new_page()
    page.goto(address)
    queries = np.column_stack([POSITIONS, MAX_DISTANCES])
    arrays = [array.tolist() for array in (POINTS[:, 0], POINTS[:, 1], queries)]
    answer = page.evaluate(SEARCH, [*arrays, [polygon.tolist() for polygon in POLYGONS]])
    page.context.close()
    return answer


@pytest.mark.parametrize(("name", "step"), [("nearest", 1), ("nearestEven", 2)])
def test_the_nearest_allowed_point_equals_that_of_an_exhaustive_search(
    result, name: str, step: int
):
    distances = np.hypot(*(POSITIONS[:, None] - POINTS[None]).transpose(2, 0, 1))
    is_allowed = np.arange(len(POINTS)) % step == 0
    allowed = np.where(is_allowed, distances, np.inf)
    expected = np.where(allowed.min(1) <= MAX_DISTANCES, allowed.argmin(1), -1)
    assert (expected < 0).any() and (expected >= 0).sum() > 30
    assert result[name] == expected.tolist()


@pytest.mark.parametrize(("name", "step"), [("inside", 1), ("insideEven", 2)])
def test_the_allowed_points_inside_a_polygon_equal_those_of_an_exhaustive_search(
    result, name: str, step: int
):
    for polygon, points in zip(POLYGONS, result[name], strict=True):
        expected = np.flatnonzero(Polygon(polygon).contains_points(POINTS))
        assert points == expected[expected % step == 0].tolist()
    assert [len(points) > 0 for points in result["inside"]] == [True, True, True, False]
