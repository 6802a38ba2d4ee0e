import numpy as np

import vaekit
from conftest import small_images
from vaekit.core.operations import decoding_operations, operations_per_example

GRAY = np.random.default_rng(0).random((30, 1, 28, 28))


def weights(module) -> int:
    return sum(p.numel() for p in module.parameters() if p.dim() == 2)


def test_operations_of_fully_connected_nets_are_twice_their_weights():
    model = vaekit.build("mlp", GRAY, latent_dim=2)
    assert operations_per_example(model) == 2 * weights(model)
    assert decoding_operations(model) == 2 * weights(model.decoder)


def test_operations_are_counted_for_a_conditional_model_and_for_discrete_codes():
    for recipe, options in (("conv", {"conditional": True}), ("vq", {}), ("gumbel", {})):
        model = vaekit.build(recipe, small_images(), **options)
        assert 0 < decoding_operations(model) < operations_per_example(model), recipe
