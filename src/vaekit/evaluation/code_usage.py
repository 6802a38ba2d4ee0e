"""How much of its codes a discrete model uses."""

from typing import NamedTuple

import torch
from torch import Tensor

from vaekit.core.distributions import point_estimate
from vaekit.core.vae import VAE, eval_mode
from vaekit.inputs import ModelInputs


class CodeUsage(NamedTuple):
    """positions: M, codes that make one z. available, used: different codes. perplexity: how many are used alike."""

    positions: int
    available: int
    used: int
    perplexity: float


@torch.no_grad()
def code_usage(model: VAE, rows: ModelInputs) -> CodeUsage | None:
    """How many of its codes the posterior's modes over all rows are made of; None where z is not discrete.

    perplexity = exp(-sum_k f_k log f_k), f_k the share of code k. Positions that share their codes are counted as one;
    where each has its own (a categorical latent), codes are counted position by position, and the perplexity is the mean.
    """
    codes = model.codebook
    if codes is None:
        return None
    own = 1 if codes.shared else codes.positions
    first = torch.arange(own) * codes.count
    counts = torch.zeros(own * codes.count, dtype=torch.long)
    for x, y in rows.batches(model):
        with eval_mode(model), torch.autocast(x.device.type, enabled=False):
            chosen = codes.indices(point_estimate(model.encode(x, y))).cpu()
        counts += torch.bincount((chosen + first).flatten(), minlength=len(counts))
    perplexity = _perplexity(counts.reshape(own, -1)).mean().item()
    return CodeUsage(codes.positions, len(counts), int((counts > 0).sum()), perplexity)


def _perplexity(counts: Tensor) -> Tensor:
    shares = counts.double() / counts.sum(-1, keepdim=True)
    return torch.special.entr(shares).sum(-1).exp()
