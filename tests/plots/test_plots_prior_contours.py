"""Contours of the prior hold the mass that they name, in closed form and from samples."""

import numpy as np
import pytest
from matplotlib.path import Path

from raising import raises
from vaekit.errors import DataError
from vaekit.plots import normal_contours, sampled_contours
from vaekit.plots.prior_contours import MASSES, extent

RNG = np.random.default_rng(0)
MEAN = np.array([1.0, -2.0])
ROOT = np.array([[2.0, 0.0], [0.7, 0.3]])


def mass_inside(contour, points: np.ndarray) -> float:
    """The share of points inside an odd number of the lines of a contour."""
    crossings = sum(Path(line).contains_points(points).astype(int) for line in contour.lines)
    return float((np.asarray(crossings) % 2).mean())


def test_contours_of_a_standard_normal_are_circles_of_known_radii():
    contours = normal_contours([0, 0], np.eye(2))
    assert [contour.name for contour in contours] == ["50 %", "90 %", "99 %"]
    for contour, radius in zip(contours, (1.1774, 2.1460, 3.0349), strict=True):
        assert np.allclose(np.hypot(*contour.lines[0].T), radius, atol=1e-4)


def test_contours_of_a_normal_density_are_at_one_mahalanobis_distance():
    precision = np.linalg.inv(ROOT @ ROOT.T)
    for contour, mass in zip(normal_contours(MEAN, ROOT @ ROOT.T), MASSES, strict=True):
        offset = contour.lines[0] - MEAN
        square = np.einsum("ni,ij,nj->n", offset, precision, offset)
        assert np.allclose(1 - np.exp(-square / 2), mass)
        assert np.allclose(offset[0], offset[-1])


def test_a_density_without_width_in_one_direction_has_flat_contours():
    for contour in normal_contours([0, 0], [[1, 1], [1, 1]]):
        x, y = contour.lines[0].T
        assert np.allclose(x, y)


def test_intervals_of_one_dimension():
    ends = [contour.lines[0].ravel() for contour in normal_contours([3], [[4]])]
    expected = [[3 - 2 * q, 3 + 2 * q] for q in (0.67449, 1.64485, 2.57583)]
    assert np.allclose(ends, expected, atol=1e-4)
    samples = 3 + 2 * RNG.normal(size=(40_000, 1))
    sampled = [contour.lines[0].ravel() for contour in sampled_contours(samples)]
    assert np.allclose(sampled, expected, atol=0.15)


def two_clusters(count: int) -> np.ndarray:
    return RNG.normal(size=(count, 2)) + RNG.integers(0, 2, (count, 1)) * [8, 4]


def ring(count: int) -> np.ndarray:
    angle = RNG.uniform(0, 2 * np.pi, count)
    radius = 5 + 0.5 * RNG.normal(size=count)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)


@pytest.mark.parametrize("density", [two_clusters, ring])
def test_contours_from_samples_hold_their_mass_of_other_samples(density):
    others = density(20_000)
    contours = sampled_contours(density(2_000))
    for contour, mass, tolerance in zip(contours, MASSES, (0.08, 0.05, 0.02), strict=True):
        assert mass_inside(contour, others) == pytest.approx(mass, abs=tolerance)


def test_the_densest_regions_leave_out_a_hole():
    outer = sampled_contours(ring(4_000))[-1]
    center = np.zeros((1, 2))
    assert mass_inside(outer, center) == 0


@pytest.mark.parametrize("samples", [np.zeros((9, 2)), np.eye(2), np.full((1, 2), 1e9)])
def test_few_and_equal_samples_have_contours(samples):
    corners = extent(sampled_contours(samples))
    assert np.isfinite(corners).all()
    assert (corners[0] <= samples.min(0)).all() and (corners[1] >= samples.max(0)).all()


def test_the_extent_is_that_of_the_outer_contour():
    assert np.allclose(
        extent(normal_contours([1, 1], np.eye(2))), [[-2.035] * 2, [4.035] * 2], 1e-3
    )


@pytest.mark.parametrize(
    ("samples", "parameter"), [([[np.nan, 0]], "samples"), (np.zeros((0, 2)), "samples")]
)
def test_invalid_samples(samples, parameter):
    with raises(DataError, parameter):
        sampled_contours(samples)
