"""Floating-point operations of a model, as a measure of its size that no machine changes."""

from collections.abc import Callable

import torch
from torch.utils.flop_counter import FlopCounterMode

from vaekit.core.distributions import point_estimate
from vaekit.core.modules import eval_mode, zeros_like_model
from vaekit.core.vae import VAE


def operations_per_example(model: VAE) -> int:
    """Floating-point operations of encoding and decoding one example.

    >>> operations_per_example(run.model) > decoding_operations(run.model)
    True
    """
    y = model.dummy_condition(1)
    x = zeros_like_model(model, 1, *model.data_shape)
    return _count(model, lambda: model.decode(point_estimate(model.encode(x, y)), y))


def decoding_operations(model: VAE) -> int:
    """Floating-point operations of decoding one latent code."""
    y = model.dummy_condition(1)
    z = zeros_like_model(model, 1, *model.latent_shape)
    return _count(model, lambda: model.decode(z, y))


@torch.no_grad()
def _count(model: VAE, compute: Callable[[], object]) -> int:
    with eval_mode(model), FlopCounterMode(display=False) as counter:
        compute()
    return counter.get_total_flops()
