"""Augmentation: random changes of training images, each time new, that keep what they show."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor

from vaekit.data.support import Transform
from vaekit.runtime import distributed

MAX_SHIFT = 0.1
"""Of height and width."""
QUARTERS = 4


def flip(x: Tensor, u: Tensor) -> Tensor:
    """Mirror every second image left to right."""
    return torch.where(_by_image(u[0] < 0.5), x.flip(-1), x)


def flip_vertical(x: Tensor, u: Tensor) -> Tensor:
    """Mirror every second image top to bottom."""
    return torch.where(_by_image(u[0] < 0.5), x.flip(-2), x)


def rotate(x: Tensor, u: Tensor) -> Tensor:
    """Rotate square images by 0, 90, 180 or 270 degrees, others by 0 or 180."""
    step = 1 if x.shape[-1] == x.shape[-2] else 2
    quarters = (u[0] * QUARTERS).long() // step * step
    rotated = x
    for number in range(step, QUARTERS, step):
        turned = x.rot90(number, (-2, -1))
        rotated = torch.where(_by_image(quarters == number), turned, rotated)
    return rotated


def shift(x: Tensor, u: Tensor) -> Tensor:
    """Shift images by up to a tenth of their sides; border pixels are repeated."""
    rows = _shifted_positions(u[0], x.shape[-2])
    columns = _shifted_positions(u[1], x.shape[-1])
    images = torch.arange(len(x), device=x.device)[:, None, None]
    return x.movedim(1, -1)[images, rows[:, :, None], columns[:, None, :]].movedim(-1, 1)


def _by_image(chosen: Tensor) -> Tensor:
    return chosen[:, None, None, None]


def _shifted_positions(u: Tensor, side: int) -> Tensor:
    """For each image the positions along a side, [B, side], moved by a whole number of pixels."""
    most = int(MAX_SHIFT * side)
    moves = (u * (2 * most + 1)).long().clamp(max=2 * most) - most
    positions = torch.arange(side, device=u.device) + moves[:, None]
    return positions.clamp(0, side - 1)


AUGMENTATIONS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "flip": flip,
    "flip-vertical": flip_vertical,
    "rotate": rotate,
    "shift": shift,
}
"""Images [B, C, H, W] and uniform numbers [2, B] to changed images."""


@dataclass(frozen=True)
class AugmentedTransform(Transform):
    """Random changes of images before a transform.

    Several processes change together what one process would.

    Args:
        kind: The kind of support of the model inputs.
        divisor: Raw values are divided by it.
        base: The transform of changed images.
        names: The augmentations, in order.

    >>> base = Transform("unit", 255)
    >>> transform = AugmentedTransform("unit", 255, base, ("flip",))
    >>> transform.forward(torch.zeros(5, 1, 4, 4)).shape
    torch.Size([5, 1, 4, 4])
    """

    base: Transform = field(default_factory=partial(Transform, "real"))
    names: tuple[str, ...] = ()

    def forward(self, x: Tensor, dtype: None = None) -> Tensor:
        """Model inputs of changed images.

        Args:
            x: Raw images [B, C, H, W], as floats.
            dtype: Not used: the values keep the type of x.

        Returns:
            Model inputs [B, C, H, W].
        """
        for name in self.names:
            x = AUGMENTATIONS[name](x, _uniform_numbers(x))
        return self.base.forward(x)


def _uniform_numbers(x: Tensor) -> Tensor:
    """Two uniform numbers for each image, [2, B]."""

    def sample(lead: tuple[int, ...]) -> Tensor:
        return torch.rand(*lead, len(x), dtype=x.dtype, device=x.device)

    return distributed.sample_global(sample, 2)
