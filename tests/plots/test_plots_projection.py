"""Projections keep the most active dimensions or the principal components."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raising import raises
from vaekit.errors import ConfigError, DataError
from vaekit.plots import project
from vaekit.plots.projection import principal_axes

RNG = np.random.default_rng(2)
CODES = RNG.normal(size=(400, 6)) * [1, 5, 0.1, 3, 2, 0.5]


@pytest.mark.parametrize("size", [1, 2])
@pytest.mark.parametrize("method", ["active", "pca"])
def test_one_or_two_dimensions_pass_through(size, method):
    points, names, phrase = project(CODES[:, :size], method)
    assert np.array_equal(points, CODES[:, :size]) and names == ("z1", "z2") and phrase == ""


def test_the_default_activity_is_the_variance():
    points, names, phrase = project(CODES)
    assert np.array_equal(points, CODES[:, [1, 3]])
    assert names == ("z2", "z4") and phrase == "two most active of 6 dimensions"


def test_the_most_active_dimensions_come_first():
    points, names, _ = project(CODES, activity=[0, 0, 4, 0, 0, 9])
    assert np.array_equal(points, CODES[:, [5, 2]]) and names == ("z6", "z3")


def test_equal_activity_selects_the_first_dimensions():
    assert project(CODES, activity=np.ones(6))[1] == ("z1", "z2")


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(3, 8))
def test_principal_components_are_centered_uncorrelated_and_of_largest_variance(seed, size):
    codes = np.random.default_rng(seed).normal(size=(50, size)) @ np.random.default_rng(
        seed + 1
    ).normal(size=(size, size))
    points, names, phrase = project(codes, "pca")
    largest = np.linalg.svd(codes - codes.mean(axis=0), compute_uv=False)[:2] ** 2
    assert np.allclose(points.mean(axis=0), 0, atol=1e-9)
    assert np.allclose(points.T @ points, np.diag(largest), atol=1e-8 * largest[0])
    share = 100 * largest[0] / ((codes - codes.mean(axis=0)) ** 2).sum()
    assert names[0] == f"PC 1 ({share:.0f} % of variance)" and phrase.startswith(
        "two principal components of"
    )


@pytest.mark.parametrize(("count", "size"), [(300, 1500), (5000, 1500)])
def test_principal_components_of_many_dimensions_are_estimated_from_1000_examples(count, size):
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.normal(size=(size, 2)))[0]
    hidden = rng.normal(size=(count, 2)) * [9, 4]
    points, names, _ = project(hidden @ axes.T + 0.001 * rng.normal(size=(count, size)) + 7, "pca")
    centered = hidden - hidden.mean(axis=0)
    for axis, name, share in zip((0, 1), names, (80, 16), strict=True):
        assert abs(np.corrcoef(points[:, axis], centered[:, axis])[0, 1]) > 0.97
        assert abs(int(name.split("(")[1].split()[0]) - share) <= 6


def test_principal_components_have_a_fixed_sign():
    assert np.allclose(project(CODES, "pca")[0], project(CODES[::-1], "pca")[0][::-1])


def test_equal_codes_have_no_variance():
    points, names, _ = project(np.ones((5, 3)), "pca")
    assert np.array_equal(points, np.zeros((5, 2))) and names[0] == "PC 1 (0 % of variance)"


def test_invalid_arguments():
    with raises(ConfigError, "method"):
        project(CODES, "pac")  # pyright: ignore[reportArgumentType]
    with raises(DataError, "activity"):
        project(CODES, activity=[1.0, 2.0])
    with raises(DataError, "activity"):
        project(CODES, activity=[1, 2, 3, 4, 5, np.nan])
    with raises(DataError, "codes"):
        project(CODES[0])


@pytest.mark.parametrize("shape", [(50, 6), (6, 50)], ids=["more codes", "more dimensions"])
def test_principal_axes_are_orthonormal_and_their_largest_entries_positive(shape):
    _, axes, _ = principal_axes(RNG.normal(size=shape), 4)
    np.testing.assert_allclose(axes.T @ axes, np.eye(4), atol=1e-9)
    assert (axes[np.abs(axes).argmax(0), range(4)] > 0).all()
