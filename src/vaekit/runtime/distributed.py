"""A batch divided among processes: noise and statistics as if one process had all examples.

Each process has as many examples as the others, in the order of ranks. With one process every
function here returns its input.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


class ProcessInfo(NamedTuple):
    """One of the processes that share a training.

    Attributes:
        rank: Its number, from 0.
        world_size: The number of processes.
    """

    rank: int = 0
    world_size: int = 1


_process = ProcessInfo()


@contextmanager
def process_context(process: ProcessInfo) -> Iterator[None]:
    """Within the block a batch is the part that this process has of a global batch.

    All processes must be in the block at the same time.
    """
    global _process
    before = _process
    _process = process
    try:
        yield
    finally:
        _process = before


def sample_global(sample: Callable[[tuple[int, ...]], Tensor], samples: int) -> Tensor:
    """Samples [K, B, ...] from the noise of the global batch.

    Equal generators draw [K, world_size, B, ...], which is in memory what one process draws as
    [K, world_size x B, ...].

    Args:
        sample: `sample` or `rsample` of a distribution with batch shape [B, ...].
        samples: K.
    """
    if _process.world_size == 1:
        return sample((samples,))
    return sample((samples, _process.world_size))[:, _process.rank]


def all_reduce_sum(x: Tensor) -> Tensor:
    """The sum over processes, with gradients."""
    if _process.world_size == 1:
        return x
    return _AllReduceSum.apply(x)  # pyright: ignore[reportReturnType] - a tensor


class _AllReduceSum(torch.autograd.Function):
    """The sum over processes; its gradient is the sum of their gradients."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        x = x.clone()
        torch.distributed.all_reduce(x)
        return x

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return _AllReduceSum.forward(ctx, gradient)


def global_mean(x: Tensor) -> Tensor:
    """The mean over the examples of the global batch, x [B, ...]."""
    return all_reduce_sum(x.mean(0)) / _process.world_size


def all_gather(x: Tensor) -> Tensor:
    """The examples of all processes, x [B, ...], without a gradient."""
    if _process.world_size == 1:
        return x
    parts = [torch.empty_like(x) for _ in range(_process.world_size)]
    torch.distributed.all_gather(parts, x.contiguous())
    return torch.cat(parts)


@contextmanager
def sync_batch_norm(module: nn.Module) -> Iterator[None]:
    """Within the block, batch normalization uses the statistics of the global batch.

    torch's SyncBatchNorm is for GPUs only. The class is exchanged, so that parameters, buffers and
    names stay as they are.
    """
    norms: dict[nn.Module, type] = {}
    if _process.world_size > 1:
        norms = {m: type(m) for m in module.modules() if type(m) in BATCH_NORMS}
    try:
        for norm in norms:
            norm.__class__ = _GlobalBatchNorm
        yield
    finally:
        for norm, kind in norms.items():
            norm.__class__ = kind


class _GlobalBatchNorm(nn.BatchNorm1d):
    """Batch normalization over the global batch, for inputs [B, C, ...]."""

    def forward(self, input: Tensor) -> Tensor:
        if not self.training:
            return self._normalize_by_running_statistics(input)

        dtype = input.dtype
        axes = [0, *range(2, input.dim())]
        by_channel = (slice(None), *(None for _ in axes[1:]))
        input = input.to(torch.promote_types(dtype, torch.float32))

        count = _process.world_size * input.numel() / input.shape[1]
        mean = all_reduce_sum(input.sum(axes)) / count
        centered = input - mean[by_channel]
        variance = all_reduce_sum(centered.square().sum(axes)) / count
        self._update_running_statistics(mean.detach(), variance.detach() * count / (count - 1))

        x = centered * torch.rsqrt(variance + self.eps)[by_channel]
        if self.affine:
            x = x * self.weight[by_channel] + self.bias[by_channel]
        return x.to(dtype)

    def _normalize_by_running_statistics(self, input: Tensor) -> Tensor:
        use_batch = self.running_mean is None
        return F.batch_norm(
            input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            training=use_batch,
            eps=self.eps,
        )

    def _update_running_statistics(self, mean: Tensor, variance: Tensor) -> None:
        buffers = (self.running_mean, self.running_var, self.num_batches_tracked)
        if any(buffer is None for buffer in buffers):
            return
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        self.num_batches_tracked += 1
        weight = self.momentum
        if weight is None:
            weight = 1 / self.num_batches_tracked.item()
        self.running_mean.lerp_(mean, weight)
        self.running_var.lerp_(variance, weight)
