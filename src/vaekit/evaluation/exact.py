"""log p(x) itself, where z is one of so few codes that all can be tried."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from vaekit.core.codebook import Codebook
from vaekit.core.vae import VAE, eval_mode
from vaekit.inputs import MAX_VALUES, ModelInputs, concat_batches, values_per_example

MOST_CODES = 4096


def is_enumerable(model: VAE) -> bool:
    """Whether z is discrete and has at most 4,096 values."""
    codes = model.codebook
    return codes is not None and codes.positions * math.log(codes.count) <= math.log(MOST_CODES)


@torch.no_grad()
def exact_log_likelihood(model: VAE, rows: ModelInputs) -> Tensor:
    """log p(x) = log sum_z p(z) p(x given z) in nats, [N]: exact, of a model whose z is `is_enumerable`."""
    codes = model.codebook
    assert codes is not None and is_enumerable(model)
    return concat_batches(_parts(model, codes, rows), len(rows))[0]


def _parts(model: VAE, codes: Codebook, rows: ModelInputs) -> Iterator[tuple[Tensor]]:
    digits = [torch.arange(codes.count)] * codes.positions
    every = torch.cartesian_prod(*digits).reshape(-1, codes.positions).to(codes.vectors.device)
    size = max(1, min(len(every), MAX_VALUES // values_per_example(model)))
    for x, y in rows.batches(model, max(1, MAX_VALUES // (values_per_example(model) * size))):
        total = torch.full((len(x),), -math.inf, dtype=torch.float64)
        with eval_mode(model), torch.autocast(x.device.type, enabled=False):
            for part in every.split(size):
                z = codes.embed(part)[:, None].expand(-1, len(x), *codes.shape)
                total = torch.logaddexp(total, model.log_joint(x, z, y).cpu().double().logsumexp(0))
        yield (total,)
