"""Fidelity of reconstructions: squared error, PSNR and SSIM."""

from typing import NamedTuple

import torch
from torch import Tensor

from vaekit.core.modules import eval_mode
from vaekit.core.vae import VAE
from vaekit.evaluation.metric import Metric
from vaekit.inputs import ModelInputs

SSIM_WINDOW = 11
"""Side of the windows that structural similarity is computed over, in pixels."""
MIN_RELATIVE_ERROR = 2.0**-32
"""The smallest squared error that PSNR counts, relative to the squared range."""


class ReconstructionMetrics(NamedTuple):
    """Means over examples.

    Attributes:
        mse: Squared error per value.
        psnr: 10 log10(range^2 / mse) of each example, in decibels; None without a range.
        ssim: Structural similarity, 1 for equal images; None unless the examples are images of
            11 x 11 pixels or more with a range.
    """

    mse: Metric
    psnr: Metric | None
    ssim: Metric | None


@torch.no_grad()
def reconstruction_metrics(
    model: VAE, inputs: ModelInputs, *, span: float | None
) -> ReconstructionMetrics:
    """Compare examples with their reconstructions.

    The PSNR of an exact reconstruction is not finite: it counts as one with an error of 2^-16 of
    the range, 96 decibels.

    Args:
        model: The model.
        inputs: Examples.
        span: The range of values, from 0; decoded values are clipped to it for PSNR and SSIM.
            None if values have no range.

    References:
        Wang et al., 2004 (SSIM).

    >>> metrics = reconstruction_metrics(run.model, run.inputs(images), span=1.0)
    >>> metrics.mse.value > 0 and metrics.ssim is None  # 8 x 8 pixels
    True
    """
    with eval_mode(model):
        batches = [
            _example_metrics(x, model.reconstruct(x, y), span) for x, y in inputs.batches(model)
        ]
    mse, psnr, ssim = map(torch.cat, zip(*batches, strict=True))
    return ReconstructionMetrics(
        Metric.mean_of(mse),
        Metric.mean_of(psnr) if len(psnr) else None,
        Metric.mean_of(ssim) if len(ssim) else None,
    )


def _example_metrics(
    x: Tensor, decoded: Tensor, span: float | None
) -> tuple[Tensor, Tensor, Tensor]:
    """The three metrics per example [B]; [0] for a metric that does not apply."""
    mse = _squared_error(x, decoded)
    none = torch.zeros(0)
    if span is None:
        return mse, none, none
    clipped = decoded.clamp(0, span)
    relative = (_squared_error(x, clipped) / span**2).clamp(min=MIN_RELATIVE_ERROR)
    psnr = -10 * torch.log10(relative)
    is_large_image = x.dim() == 4 and min(x.shape[-2:]) >= SSIM_WINDOW
    return mse, psnr, _ssim(x, clipped, span) if is_large_image else none


def _squared_error(x: Tensor, decoded: Tensor) -> Tensor:
    return (x - decoded).double().square().flatten(1).mean(1).cpu()


def _ssim(x: Tensor, decoded: Tensor, span: float) -> Tensor:
    from torchmetrics.functional.image import structural_similarity_index_measure

    similarity = structural_similarity_index_measure(
        decoded.float(), x.float(), data_range=span, reduction="none"
    )
    assert isinstance(similarity, Tensor)
    return similarity.double().cpu().reshape(len(x))
