"""Discrete codes of the page are those of the codebook, whatever their layout."""

import numpy as np
import pytest
import torch

from vaekit.core.codebook import Codebook

pytestmark = pytest.mark.browser

EMBED = """async ([codebook, all, dim, discrete]) => {
    const { LatentSpace } = await import('./latent-space.js');
    const latent = { dim, discrete, order: [], explained_variance: [0.6, 0.4] };
    const space = new LatentSpace({ examples: 1, latent }, {
        codes: new Float32Array(2),
        codebook: Float32Array.from(codebook.flat()),
        components: new Float32Array(2 * dim),
        center: new Float32Array(dim),
    });
    return all.map((indices) => Array.from(space.embed(indices)));
}"""


@pytest.fixture(scope="module")
def page(browser, address):
    page = browser.new_context().new_page()
    page.goto(address)
    yield page
    page.context.close()


@pytest.mark.parametrize("shape", [(), (2, 3), (1, 4)])
@pytest.mark.parametrize("groups", [1, 3])
def test_codebook_entries_make_the_code_that_the_codebook_makes_of_them(page, groups, shape):
    codebook = Codebook(torch.randn(5, 2), groups, shape)
    indices = torch.randint(5, (7, codebook.positions))
    discrete = {"positions": codebook.positions, "count": 5, "groups": groups}
    expected = codebook.embed(indices).flatten(1).numpy()
    arguments = [codebook.vectors.tolist(), indices.tolist(), expected.shape[1], discrete]
    np.testing.assert_allclose(page.evaluate(EMBED, arguments), expected, rtol=1e-6)
