"""Use of the codes of a discrete model."""

from typing import NamedTuple

import torch
from torch import Tensor

from vaekit.core.distributions import point_estimate
from vaekit.core.modules import eval_mode
from vaekit.core.vae import VAE
from vaekit.inputs import ModelInputs


class CodeUsage(NamedTuple):
    """How many codes are used, and how evenly.

    Attributes:
        positions: Codes that make one z.
        available: Number of different codes.
        used: Number of these that occur.
        perplexity: Number of codes that, used equally often, would have the same entropy.
    """

    positions: int
    available: int
    used: int
    perplexity: float


@torch.no_grad()
def code_usage(model: VAE, inputs: ModelInputs) -> CodeUsage | None:
    """Count the codes that posterior modes consist of; None if z is not discrete.

    perplexity = exp(-sum_k f_k log f_k), f_k the frequency of code k. Positions that share one
    codebook are counted together; if each position has its own (a categorical latent), codes are
    counted per position, and the perplexity is the mean over positions.

    Args:
        model: The model.
        inputs: Examples.

    >>> model = vaekit.build("mlp", images, posterior="categorical", latent_dim=2)
    >>> code_usage(model, run.inputs(images)).positions
    2
    """
    codebook = model.codebook
    if codebook is None:
        return None
    tables = 1 if codebook.shared else codebook.positions
    offsets = torch.arange(tables) * codebook.count
    counts = torch.zeros(tables * codebook.count, dtype=torch.long)
    for x, y in inputs.batches(model):
        with eval_mode(model), torch.autocast(x.device.type, enabled=False):
            indices = codebook.indices(point_estimate(model.encode(x, y))).cpu()
        counts += torch.bincount((indices + offsets).flatten(), minlength=len(counts))
    perplexity = _perplexity(counts.reshape(tables, -1)).mean().item()
    return CodeUsage(codebook.positions, len(counts), int((counts > 0).sum()), perplexity)


def _perplexity(counts: Tensor) -> Tensor:
    frequencies = counts.double() / counts.sum(-1, keepdim=True)
    return torch.special.entr(frequencies).sum(-1).exp()
