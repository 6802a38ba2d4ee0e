import numpy as np
import pytest
import torch

from vaekit.core.components import max_component_examples, principal_components


def examples(count: int, *shape: int) -> torch.Tensor:
    scales = torch.linspace(3, 0.1, int(np.prod(shape)), dtype=torch.float64)
    x = torch.randn(count, int(np.prod(shape)), dtype=torch.float64) * scales + scales
    return x.unflatten(1, shape)


@pytest.mark.parametrize("shape", [(7,), (2, 3, 4)], ids=["more examples", "more values"])
def test_components_are_those_of_the_singular_value_decomposition(shape: tuple[int, ...]):
    x = examples(12, *shape)
    components = principal_components(x)
    flat = x.flatten(1)
    _, singular, right = torch.linalg.svd(flat - flat.mean(0), full_matrices=False)
    count = len(components.variances)
    assert count == min(11, flat.shape[1])
    torch.testing.assert_close(components.mean, flat.mean(0))
    torch.testing.assert_close(components.variances, singular[:count].square() / 12)
    overlaps = (components.directions * right[:count]).sum(1).abs()
    torch.testing.assert_close(overlaps, torch.ones(count, dtype=torch.float64))


def test_the_largest_entry_of_a_direction_is_positive():
    directions = principal_components(examples(40, 6)).directions
    assert (directions.gather(1, directions.abs().argmax(1, keepdim=True)) > 0).all()


def test_residuals_have_the_variance_that_is_not_explained():
    x = examples(50, 2, 5)
    components = principal_components(x)
    residuals = components.first(3).residuals(x)
    variance = residuals.flatten(1).var(0, correction=0).sum()
    torch.testing.assert_close(variance, components.variances[3:].sum())
    share = 1 - variance / components.variances.sum()
    assert components.explained(3) == pytest.approx(float(share))


def test_the_count_for_a_share_is_the_smallest_that_explains_it():
    components = principal_components(examples(50, 8))
    for share in (0.1, 0.5, 0.8, 0.99):
        count = components.count_for(share)
        assert components.explained(count) >= share
        assert count == 1 or components.explained(count - 1) < share


def test_constant_examples_have_no_components():
    components = principal_components(torch.ones(5, 1, 2, 2))
    assert components.variances.shape == (0,) and components.directions.shape == (0, 4)
    assert components.explained(3) == 1.0
    torch.testing.assert_close(
        components.residuals(torch.ones(5, 1, 2, 2)), torch.zeros(5, 1, 2, 2)
    )


def test_the_number_of_examples_is_bounded_by_their_size():
    assert max_component_examples(784) == 2000
    assert max_component_examples(3 * 512 * 512) == 21
    assert max_component_examples(2**30) == 2
