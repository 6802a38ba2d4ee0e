"""The prior on the map: contours contain the mass that they name, and samples are normal."""

import json

import numpy as np
import pytest
import torch

from vaekit.plots import sampled_contours

pytestmark = pytest.mark.browser

MEAN = [[0.5, -1.5, 2.0], [3.0, 0.25, -1.0]]
STDDEV = [[0.5, 2.0, 1.0], [1.5, 0.7, 0.3]]
COMPONENTS = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0]
CENTER = np.array([0.3, -0.2, 0.7])
SAMPLES = 4000
PLANES = [(0, 1), (2, 0), (3, 4), (5, 3)]
"""Pairs of directions: three latent dimensions, then three principal components."""

EVALUATE = """async (text) => {
    const { mean, stddev, components, center, planes, count } = JSON.parse(text);
    const { Prior } = await import('./prior.js');
    const { LatentSpace } = await import('./latent-space.js');
    const explained_variance = [0.5, 0.3, 0.2];
    const latent = { dim: 3, discrete: null, explained_variance, order: [0, 1, 2] };
    const facts = {
        examples: 1, latent, conditional: true, classes: ['a', 'b'], prior: { mean, stddev },
    };
    const space = new LatentSpace(facts, {
        codes: new Float32Array(3),
        components: Float32Array.from(components.flat()),
        center: Float32Array.from(center),
    });
    const prior = new Prior(facts, {}, space);
    const directions = (plane) => plane.map((i) => space.directions[i]);
    const contours = (plane, label) => prior.contours(directions(plane), label);
    const sample = (label) => Array.from(prior.sample(label).z);
    const labels = [0, 1];
    return {
        contours: planes.map((plane) => labels.map((label) => contours(plane, label))),
        samples: labels.map((label) => Array.from({ length: count }, () => sample(label))),
    };
}"""


@pytest.fixture(scope="module")
def result(browser, address):
    """Contours and samples of the page for a class-dependent prior."""
    page = browser.new_context().new_page()
    page.goto(address)
    arguments = {
        "mean": MEAN,
        "stddev": STDDEV,
        "components": COMPONENTS.tolist(),
        "center": CENTER.tolist(),
        "planes": PLANES,
        "count": SAMPLES,
    }
    answer = page.evaluate(EVALUATE, json.dumps(arguments))
    page.context.close()
    return answer


@pytest.mark.parametrize("plane", range(len(PLANES)))
@pytest.mark.parametrize("label", [0, 1])
def test_a_contour_contains_the_mass_of_the_prior_that_it_names(result, plane: int, label: int):
    """In a plane, the mass within Mahalanobis distance r is 1 - exp(-r^2 / 2)."""
    indices = list(PLANES[plane])
    directions = np.concatenate([np.eye(3), COMPONENTS])[indices]
    origins = np.array([CENTER if index >= 3 else np.zeros(3) for index in indices])
    mean = np.einsum("ij,ij->i", directions, np.array(MEAN[label]) - origins)
    covariance = directions @ np.diag(np.square(STDDEV[label])) @ directions.T
    precision = np.linalg.inv(covariance)
    contours = result["contours"][plane][label]
    assert [contour["name"] for contour in contours] == ["50 %", "90 %", "99 %"]
    for contour, mass in zip(contours, (0.5, 0.9, 0.99), strict=True):
        line = np.array(contour["lines"][0])
        offset = line - mean
        square_distance = np.einsum("ni,ij,nj->n", offset, precision, offset)
        assert np.allclose(1 - np.exp(-0.5 * square_distance), mass, atol=1e-5)
        assert np.allclose(line[0], line[-1], atol=1e-9)
        assert np.allclose(offset[:-1].mean(0), 0, atol=1e-5)  # once around the mean


@pytest.mark.parametrize("label", [0, 1])
def test_samples_are_normal_with_the_mean_and_deviation_of_each_dimension(result, label: int):
    samples = np.array(result["samples"][label])
    ranks = (np.arange(SAMPLES) + 0.5) / SAMPLES
    for column, mean, stddev in zip(samples.T, MEAN[label], STDDEV[label], strict=True):
        standardized = torch.from_numpy(np.sort(column) - mean) / stddev
        probabilities = torch.special.ndtr(standardized).numpy()
        # Kolmogorov-Smirnov: normal samples exceed this once in 30 million times
        assert np.abs(probabilities - ranks).max() < 3 / SAMPLES**0.5
    correlations = np.corrcoef(samples.T)[np.triu_indices(3, 1)]
    assert np.abs(correlations).max() < 5 / SAMPLES**0.5


SAMPLE_IN_TURN = """async () => {
    const { Prior } = await import('./prior.js');
    const facts = { conditional: true, classes: ['a', 'b', 'c'], prior: { samples: 12 } };
    const arrays = { prior_samples: Float32Array.from({ length: 24 }, (_, i) => i) };
    const prior = new Prior(facts, arrays, { discrete: null });
    return [2, 0].map((label) =>
        Array.from({ length: 5 }, () => Array.from(prior.sample(label).z)));
}"""


def test_samples_of_a_learned_prior_are_those_of_the_class_in_turn(browser, address):
    """The page has 12 samples [2 i, 2 i + 1], whose classes alternate."""
    page = browser.new_context().new_page()
    page.goto(address)
    samples = np.array(page.evaluate(SAMPLE_IN_TURN))
    page.context.close()
    indices = samples[..., 0] / 2
    np.testing.assert_array_equal(samples[..., 1], samples[..., 0] + 1)
    np.testing.assert_array_equal(indices % 3, [[2] * 5, [0] * 5])
    for row in indices:
        assert len(set(row[:4])) == 4 and row[4] == row[0]


CONTOURS_OF_SAMPLES = """async (text) => {
    const { samples, directions } = JSON.parse(text);
    const { Prior } = await import('./prior.js');
    const facts = { prior: { samples: samples.length / 3 } };
    const along = ({ vector }, z) => vector.reduce((sum, value, i) => sum + value * z[i], 0);
    const space = { discrete: null, along };
    const arrays = { prior_samples: Float32Array.from(samples) };
    return new Prior(facts, arrays, space).contours(directions.map((vector) => ({ vector })), 0);
}"""


def test_contours_of_another_prior_are_those_of_plots(browser, address):
    """Both interpolate the same histogram, so their lines have the same points."""
    rng = np.random.default_rng(3)
    samples = rng.normal(size=(600, 3)) + [4, 0, 2] * rng.integers(0, 2, (600, 1))
    page = browser.new_context().new_page()
    page.goto(address)
    arguments = {"samples": samples.ravel().tolist(), "directions": COMPONENTS[:2].tolist()}
    contours = page.evaluate(CONTOURS_OF_SAMPLES, json.dumps(arguments))
    page.context.close()
    expected = sampled_contours(samples.astype(np.float32) @ COMPONENTS[:2].T)
    assert [contour["name"] for contour in contours] == [contour.name for contour in expected]
    for contour, other in zip(contours[:2], expected, strict=False):
        points = np.concatenate(contour["lines"])
        distances = np.abs(points[:, None] - np.concatenate(other.lines)[None]).max(-1)
        assert len(points) > 10
        assert distances.min(0).max() < 0.02 and distances.min(1).max() < 0.02
