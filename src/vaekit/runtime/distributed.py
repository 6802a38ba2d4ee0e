"""A batch shared out among processes: what depends on all of its rows, and its noise, as if one process had them all.

Each process has as many rows as the others, in the order of the processes. With one process nothing here does anything.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


class ProcessInfo(NamedTuple):
    """Which of how many processes this is."""

    rank: int = 0
    world_size: int = 1


_process = ProcessInfo()


@contextmanager
def process_context(process: ProcessInfo) -> Iterator[None]:
    """Meanwhile a batch is this process's share of a larger one; all processes must be in the same block at a time."""
    global _process
    before, _process = _process, process
    try:
        yield
    finally:
        _process = before


def sample_global(sample: Callable[[tuple[int, ...]], Tensor], samples: int) -> Tensor:
    """K samples [K, B, ...] of a distribution's `sample` or `rsample`; equal generators draw the noise of the whole batch.

    [K, processes, B, ...] is in memory what one process draws as [K, processes x B, ...].
    """
    if _process.world_size == 1:
        return sample((samples,))
    return sample((samples, _process.world_size))[:, _process.rank]


def all_reduce_sum(x: Tensor) -> Tensor:
    """The sum over processes, through which gradients flow."""
    return x if _process.world_size == 1 else _Total.apply(x)  # pyright: ignore[reportReturnType] - a tensor


class _Total(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        x = x.clone()
        torch.distributed.all_reduce(x)
        return x

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        return _Total.forward(ctx, gradient)


def global_mean(x: Tensor) -> Tensor:
    """The mean over the rows of the whole batch, x [B, ...]."""
    return all_reduce_sum(x.mean(0)) / _process.world_size


def all_gather(x: Tensor) -> Tensor:
    """The rows of all processes, x [B, ...], without a gradient."""
    if _process.world_size == 1:
        return x
    parts = [torch.empty_like(x) for _ in range(_process.world_size)]
    torch.distributed.all_gather(parts, x.contiguous())
    return torch.cat(parts)


@contextmanager
def sync_batch_norm(module: nn.Module) -> Iterator[None]:
    """Meanwhile every batch normalisation in `module` takes its statistics from the whole batch.

    torch's own SyncBatchNorm is for GPUs alone. The class is exchanged, so that parameters, buffers and names stay.
    """
    norms = (
        {m: type(m) for m in module.modules() if type(m) in NORMS}
        if _process.world_size > 1
        else {}
    )
    try:
        for norm in norms:
            norm.__class__ = _WholeBatchNorm
        yield
    finally:
        for norm, kind in norms.items():
            norm.__class__ = kind


class _WholeBatchNorm(_BatchNorm):
    def forward(self, input: Tensor) -> Tensor:
        if not self.training:
            return super().forward(input)
        axes, dtype = [0, *range(2, input.dim())], input.dtype
        input = input.to(torch.promote_types(dtype, torch.float32))
        by_channel = (slice(None), *(None for _ in axes[1:]))
        count = _process.world_size * input.numel() / input.shape[1]
        centre = all_reduce_sum(input.sum(axes)) / count
        centred = input - centre[by_channel]
        variance = all_reduce_sum(centred.square().sum(axes)) / count
        self._follow(centre.detach(), variance.detach() * count / (count - 1))
        x = centred * torch.rsqrt(variance + self.eps)[by_channel]
        return (x * self.weight[by_channel] + self.bias[by_channel] if self.affine else x).to(dtype)

    def _follow(self, centre: Tensor, variance: Tensor) -> None:
        if (
            self.running_mean is None
            or self.running_var is None
            or self.num_batches_tracked is None
        ):
            return
        self.num_batches_tracked += 1
        share = self.momentum if self.momentum is not None else 1 / self.num_batches_tracked.item()
        self.running_mean.lerp_(centre, share)
        self.running_var.lerp_(variance, share)

    def _check_input_dim(self, input: Tensor) -> None:
        if input.dim() < 2:
            raise ValueError(f"batch normalisation takes [B, C, ...], not {input.dim()} dimensions")
