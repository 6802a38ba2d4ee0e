"""One process, and parts of the noise; several processes are in tests/training."""

import torch
from torch import nn

from vaekit.runtime.distributed import (
    ProcessInfo,
    all_gather,
    all_reduce_sum,
    global_mean,
    process_context,
    sample_global,
    sync_batch_norm,
)


def test_with_one_process_every_function_returns_its_input():
    x = torch.randn(4, 3)
    assert (
        torch.equal(all_reduce_sum(x), x)
        and torch.equal(all_gather(x), x)
        and torch.equal(global_mean(x), x.mean(0))
    )
    assert sample_global(lambda shape: torch.zeros(*shape, 4, 2), 3).shape == (3, 4, 2)


def test_each_process_draws_its_part_of_the_noise_of_the_global_batch():
    def normal(rows):
        return torch.distributions.Independent(
            torch.distributions.Normal(torch.zeros(rows, 5), torch.ones(rows, 5)), 1
        )

    torch.manual_seed(1)
    whole, parts = sample_global(normal(12).rsample, 4), []
    for rank in range(3):
        torch.manual_seed(1)
        with process_context(ProcessInfo(rank, 3)):
            parts.append(sample_global(normal(4).rsample, 4))
    assert torch.equal(torch.cat(parts, 1), whole)


def test_batch_normalization_is_restored_after_the_block():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Sequential(nn.BatchNorm1d(3)))
    before = [type(m) for m in net.modules()]
    with process_context(ProcessInfo(0, 2)), sync_batch_norm(net):
        assert [type(m) for m in net.modules()] != before
    assert [type(m) for m in net.modules()] == before
    with sync_batch_norm(net):
        assert [type(m) for m in net.modules()] == before
