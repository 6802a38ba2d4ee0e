"""How like their originals reconstructions are."""

from typing import NamedTuple

import torch
from torch import Tensor

from vaekit.core.vae import VAE, eval_mode
from vaekit.evaluation.metric import Metric
from vaekit.inputs import ModelInputs

WINDOW = 11  # pixels, over which a structural similarity is taken
LEAST_ERROR = 2.0**-32  # of the squared range


class ReconstructionMetrics(NamedTuple):
    """Means over rows.

    mse: squared error of a value. psnr: 10 log10(range^2 / mse) of each row, in decibels, where values have a range, to which
    decoded ones are cut. ssim: structural similarity, 1 for equal images (Wang et al., 2004), of images of 11 x 11 or more.
    """

    mse: Metric
    psnr: Metric | None
    ssim: Metric | None


@torch.no_grad()
def reconstruction_metrics(
    model: VAE, rows: ModelInputs, *, span: float | None
) -> ReconstructionMetrics:
    """Of rows and what `model.reconstruct` makes of them. span: from the least value to the greatest, None where there is none.

    A row that is met exactly has no finite psnr: it counts as one that is off by one part in 2^16 of the range, 96 decibels.
    """
    with eval_mode(model):
        found = [_per_row(x, model.reconstruct(x, y), span) for x, y in rows.batches(model)]
    mse, psnr, ssim = map(torch.cat, zip(*found, strict=True))
    return ReconstructionMetrics(
        Metric.mean_of(mse),
        Metric.mean_of(psnr) if len(psnr) else None,
        Metric.mean_of(ssim) if len(ssim) else None,
    )


def _per_row(x: Tensor, decoded: Tensor, span: float | None) -> tuple[Tensor, Tensor, Tensor]:
    """The three of each row [B]; what these rows have not is empty."""
    mse, none = (x - decoded).double().square().flatten(1).mean(1).cpu(), torch.zeros(0)
    if span is None:
        return mse, none, none
    decoded = decoded.clamp(0, span)  # a value beyond is shown as the end of the range
    mse_shown = (x - decoded).double().square().flatten(1).mean(1).cpu()
    psnr = -10 * torch.log10((mse_shown / span**2).clamp(min=LEAST_ERROR))
    images = x.dim() == 4 and min(x.shape[-2:]) >= WINDOW
    return mse, psnr, _ssim(x, decoded, span) if images else none


def _ssim(x: Tensor, decoded: Tensor, span: float) -> Tensor:
    from torchmetrics.functional.image import structural_similarity_index_measure

    found = structural_similarity_index_measure(
        decoded.float(), x.float(), data_range=span, reduction="none"
    )
    assert isinstance(found, Tensor)
    return found.double().cpu().reshape(len(x))
