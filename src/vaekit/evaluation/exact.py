"""The exact log p(x) of a model whose z has few values."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from vaekit.core.codebook import Codebook
from vaekit.core.modules import eval_mode
from vaekit.core.vae import VAE
from vaekit.inputs import MAX_VALUES, ModelInputs, concat_batches, values_per_example

MAX_LATENT_VALUES = 4096


def is_enumerable(model: VAE) -> bool:
    """Whether z is discrete and has at most 4,096 values."""
    codebook = model.codebook
    if codebook is None:
        return False
    return codebook.positions * math.log(codebook.count) <= math.log(MAX_LATENT_VALUES)


@torch.no_grad()
def exact_log_likelihood(model: VAE, inputs: ModelInputs) -> Tensor:
    """log p(x) = log sum_z p(z) p(x|z) in nats, [N].

    Args:
        model: A model whose z `is_enumerable`.
        inputs: N examples.

    >>> posterior = {"kind": "categorical", "classes": 3}
    >>> model = vaekit.build("mlp", images, posterior=posterior, latent_dim=2)
    >>> exact_log_likelihood(model, run.inputs(images)).shape
    torch.Size([60])
    """
    codebook = model.codebook
    assert codebook is not None and is_enumerable(model)
    return concat_batches(_iter_log_likelihood(model, codebook, inputs), len(inputs))[0]


def _iter_log_likelihood(
    model: VAE, codebook: Codebook, inputs: ModelInputs
) -> Iterator[tuple[Tensor]]:
    """log p(x) batch by batch, and within a batch chunk by chunk of the values of z."""
    digits = [torch.arange(codebook.count)] * codebook.positions
    indices = torch.cartesian_prod(*digits).reshape(-1, codebook.positions)
    indices = indices.to(codebook.vectors.device)
    values = values_per_example(model)
    chunk = max(1, min(len(indices), MAX_VALUES // values))
    batch_size = max(1, MAX_VALUES // (values * chunk))
    for x, y in inputs.batches(model, batch_size):
        total = torch.full((len(x),), -math.inf, dtype=torch.float64)
        with eval_mode(model), torch.autocast(x.device.type, enabled=False):
            for part in indices.split(chunk):
                z = codebook.embed(part)[:, None].expand(-1, len(x), *codebook.shape)
                log_joint = model.log_joint(x, z, y).cpu().double()
                total = torch.logaddexp(total, log_joint.logsumexp(0))
        yield (total,)
