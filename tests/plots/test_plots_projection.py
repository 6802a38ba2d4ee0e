"""Two coordinates out of many."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vaekit.errors import ConfigError, DataError
from vaekit.plots import project

RNG = np.random.default_rng(2)
MU = RNG.normal(size=(400, 6)) * [1, 5, 0.1, 3, 2, 0.5]


@pytest.mark.parametrize("size", [1, 2])
@pytest.mark.parametrize("method", ["active", "pca"])
def test_one_or_two_dimensions_pass_through(size, method):
    points, names, phrase = project(MU[:, :size], method)
    assert np.array_equal(points, MU[:, :size]) and names == ("z1", "z2") and phrase == ""


def test_by_default_the_dimensions_of_largest_variance():
    points, names, phrase = project(MU)
    assert np.array_equal(points, MU[:, [1, 3]])
    assert names == ("z2", "z4") and phrase == "two most active of 6 dimensions"


def test_or_of_largest_activity():
    points, names, _ = project(MU, activity=[0, 0, 4, 0, 0, 9])
    assert np.array_equal(points, MU[:, [5, 2]]) and names == ("z6", "z3")


def test_equal_activity_takes_the_first():
    assert project(MU, activity=np.ones(6))[1] == ("z1", "z2")


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(3, 8))
def test_principal_components_are_centred_uncorrelated_and_of_largest_variance(seed, size):
    mu = np.random.default_rng(seed).normal(size=(50, size)) @ np.random.default_rng(
        seed + 1
    ).normal(size=(size, size))
    points, names, phrase = project(mu, "pca")
    largest = np.linalg.svd(mu - mu.mean(axis=0), compute_uv=False)[:2] ** 2
    assert np.allclose(points.mean(axis=0), 0, atol=1e-9)
    assert np.allclose(points.T @ points, np.diag(largest), atol=1e-8 * largest[0])
    share = 100 * largest[0] / ((mu - mu.mean(axis=0)) ** 2).sum()
    assert names[0] == f"PC 1 ({share:.0f} % of variance)" and phrase.startswith(
        "two principal components of"
    )


@pytest.mark.parametrize(("rows", "size"), [(300, 1500), (5000, 1500)])
def test_principal_components_of_many_dimensions_are_found_from_some_rows(rows, size):
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.normal(size=(size, 2)))[0]
    hidden = rng.normal(size=(rows, 2)) * [9, 4]
    points, names, _ = project(hidden @ axes.T + 0.001 * rng.normal(size=(rows, size)) + 7, "pca")
    centred = hidden - hidden.mean(axis=0)
    for axis, name, share in zip((0, 1), names, (80, 16), strict=True):
        assert abs(np.corrcoef(points[:, axis], centred[:, axis])[0, 1]) > 0.97
        assert abs(int(name.split("(")[1].split()[0]) - share) <= 6


def test_principal_components_have_a_fixed_sign():
    assert np.allclose(project(MU, "pca")[0], project(MU[::-1], "pca")[0][::-1])


def test_codes_all_in_one_place():
    points, names, _ = project(np.ones((5, 3)), "pca")
    assert np.array_equal(points, np.zeros((5, 2))) and names[0] == "PC 1 (0 % of variance)"


def test_what_is_refused():
    with pytest.raises(
        ConfigError, match=r"unknown projection 'pac': did you mean 'pca'\? Allowed: active, pca"
    ):
        project(MU, "pac")  # pyright: ignore[reportArgumentType]
    with pytest.raises(DataError, match="activity has 2 entries; allowed: 6"):
        project(MU, activity=[1.0, 2.0])
    with pytest.raises(DataError, match=r"mu has shape \[6\]; allowed: \[N, L\]"):
        project(MU[0])
    with pytest.raises(DataError, match="activity holds NaN"):
        project(MU, activity=[1, 2, 3, 4, 5, np.nan])
