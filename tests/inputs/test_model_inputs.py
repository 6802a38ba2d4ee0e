"""Model inputs: selections, batches, device memory, stochastic transforms."""

import numpy as np
import pytest
import torch

import vaekit
from vaekit.data import Transform
from vaekit.inputs import (
    Batch,
    ModelInputs,
    StochasticBinarization,
    UniformDequantization,
    concat_batches,
    max_batch_examples,
)
from vaekit.runtime.distributed import ProcessInfo, process_context


def reversed_inputs(labeled: bool = True) -> ModelInputs:
    """Every other one of 1,300 examples, in descending order."""
    x = np.arange(1300 * 3, dtype=np.int32).reshape(1300, 3)
    y = np.arange(1300) % 7
    indices = np.arange(1299, -1, -2)
    return ModelInputs(x, Transform("real"), indices, y if labeled else None)


def assert_equal(first: Batch, second: Batch) -> None:
    assert torch.equal(first.x, second.x)
    assert (first.y is None) == (second.y is None)
    if first.y is not None and second.y is not None:
        assert torch.equal(first.y, second.y)


@pytest.mark.parametrize("labeled", [False, True])
def test_examples_in_device_memory_are_the_same(labeled):
    inputs = reversed_inputs(labeled)
    resident = inputs.to_device(torch.device("cpu"))
    for positions in (np.array([0]), np.array([5, 3, 649])):
        assert_equal(inputs.select(positions), resident.select(positions))
        assert np.array_equal(inputs.source_indices(positions), resident.source_indices(positions))
    assert len(resident) == len(inputs) == 650


def test_labels_stay_with_their_examples():
    inputs = reversed_inputs()
    assert inputs.y is not None
    for chosen in (inputs, inputs.first(20), inputs.random(30, 1), inputs.subset(np.array([4, 2]))):
        positions = np.arange(len(chosen))
        x, y = chosen.select(positions)
        sources = x[:, 0].numpy() // 3
        assert np.array_equal(chosen.source_indices(positions), sources)
        assert y is not None and np.array_equal(y.numpy(), inputs.y[sources])
        assert np.array_equal(chosen.labels(), inputs.y[sources])
    assert inputs.without_labels().labels() is None


def test_random_examples_continue_after_skipped_ones():
    inputs = reversed_inputs()
    order = inputs.random(650, 3).source_indices(np.arange(650))
    skipped = inputs.random(40, 3, skip=100).source_indices(np.arange(40))
    assert np.array_equal(skipped, order[100:140])
    assert np.array_equal(np.sort(order), np.sort(inputs.source_indices(np.arange(650))))


def test_processes_share_the_batches():
    model = vaekit.build("mlp", np.zeros((10, 6)), latent_dim=2)
    inputs = ModelInputs(np.arange(60, dtype=np.float32).reshape(10, 6), Transform("real"))
    batches = [batch.x for batch in inputs.batches(model, 3)]
    assert torch.equal(torch.cat(batches), torch.from_numpy(inputs.x))
    for rank in range(3):
        own = [batch.x for batch in inputs.batches(model, 3, ProcessInfo(rank, 3))]
        assert len(own) == len(batches[rank::3]) and all(map(torch.equal, own, batches[rank::3]))


def test_batches_are_concatenated_in_order():
    batches = [(torch.rand(n, 2), torch.randint(9, (n,))) for n in (3, 1, 4)]
    results = concat_batches(iter(batches), 8)
    for result, column in zip(results, zip(*batches, strict=True), strict=True):
        assert torch.equal(result, torch.cat(column))


@pytest.mark.parametrize("values", [1, 784, 2**20, 2**22])
@pytest.mark.parametrize("samples", [1, 16, 5000])
def test_batches_are_bounded_and_never_empty(values, samples):
    count = max_batch_examples(values, samples)
    assert 1 <= count <= 500
    assert count == 1 or count * values * samples <= 2**21


def test_binary_values_are_one_with_the_probability_of_their_gray_value():
    gray = torch.tensor([0.0, 51.0, 204.0, 255.0]).repeat(20_000, 1)
    x = StochasticBinarization("binary", 255).forward(gray)
    assert set(x.unique().tolist()) == {0.0, 1.0} and x.dtype == gray.dtype
    torch.testing.assert_close(x.mean(0), torch.tensor([0.0, 0.2, 0.8, 1.0]), rtol=0, atol=0.02)
    assert not torch.equal(x, StochasticBinarization("binary", 255).forward(gray))


def test_processes_sample_what_one_process_does():
    gray = torch.rand(6, 5)
    transform = StochasticBinarization("binary", 1)
    torch.manual_seed(1)
    expected = transform.forward(gray)
    parts = []
    for rank in range(3):
        torch.manual_seed(1)
        with process_context(ProcessInfo(rank, 3)):
            parts.append(transform.forward(gray[2 * rank : 2 * rank + 2]))
    assert torch.equal(torch.cat(parts), expected)


def test_every_value_is_dequantized_uniformly_within_its_level():
    levels = torch.randint(256, (5000, 2, 3)).double()
    x = UniformDequantization("unit", 256).forward(levels)
    noise = x * 256 - levels
    assert noise.min() >= 0 and noise.max() < 1
    assert len(noise.unique()) > 0.99 * noise.numel()
    torch.testing.assert_close(noise.mean(0), torch.full((2, 3), 0.5).double(), rtol=0, atol=0.03)
