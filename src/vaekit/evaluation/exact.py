"""log p(x) itself, where z is one of so few codes that all can be tried."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from vaekit.codebook import Codebook
from vaekit.inputs import MAX_VALUES, Inputs, joined, values_per_row
from vaekit.model import VAE, evaluating

MOST_CODES = 4096


def countable(model: VAE) -> bool:
    """Whether z is discrete and has at most 4,096 values."""
    codes = model.codebook
    return codes is not None and codes.positions * math.log(codes.count) <= math.log(MOST_CODES)


@torch.no_grad()
def log_likelihood(model: VAE, rows: Inputs) -> Tensor:
    """log p(x) = log sum_z p(z) p(x given z) in nats, [N]: exact, of a model whose z is `countable`."""
    codes = model.codebook
    assert codes is not None and countable(model)
    return joined(_parts(model, codes, rows), len(rows))[0]


def _parts(model: VAE, codes: Codebook, rows: Inputs) -> Iterator[tuple[Tensor]]:
    digits = [torch.arange(codes.count)] * codes.positions
    every = torch.cartesian_prod(*digits).reshape(-1, codes.positions).to(codes.vectors.device)
    size = max(1, min(len(every), MAX_VALUES // values_per_row(model)))
    for x, y in rows.batches(model, max(1, MAX_VALUES // (values_per_row(model) * size))):
        total = torch.full((len(x),), -math.inf, dtype=torch.float64)
        with evaluating(model), torch.autocast(x.device.type, enabled=False):
            for part in every.split(size):
                z = codes.embed(part)[:, None].expand(-1, len(x), *codes.shape)
                total = torch.logaddexp(total, model.log_joint(x, z, y).cpu().double().logsumexp(0))
        yield (total,)
