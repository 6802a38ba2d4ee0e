"""Distances and contrasts of sRGB colors, as people with and without color blindness see them.

CIE76 and CIEDE2000 are distances in CIELAB (D65); about 2.3 of CIE76 is just noticeable. Contrasts
are those of WCAG 2.2.

References:
    Machado, Oliveira and Fernandes, 2009, "A physiologically-based model for simulation of color
    vision deficiency": the matrices of severity 1.0, which act on linear RGB.
    Sharma, Wu and Dalal, 2005, "The CIEDE2000 color-difference formula".
"""

import numpy as np
from numpy.typing import NDArray

VISIONS = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
"""Normal vision, and the three kinds of missing cones."""

TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
LAB_KNEE = 6 / 29


def parse_hex(colors: list[str] | tuple[str, ...]) -> NDArray:
    """Colors as #rrggbb, as sRGB in [0, 1], [N, 3]."""
    rgb = [[int(color[start : start + 2], 16) for start in (1, 3, 5)] for color in colors]
    return np.array(rgb, np.float64) / 255


def to_linear(rgb: NDArray) -> NDArray:
    """sRGB [..., 3] without its gamma."""
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def luminance(rgb: NDArray) -> NDArray:
    """The relative luminance of sRGB colors [..., 3], from 0 (black) to 1 (white)."""
    return to_linear(rgb) @ TO_XYZ[1]


def contrast(rgb: NDArray, other: NDArray) -> NDArray:
    """The contrast of two sRGB colors [..., 3], from 1 to 21."""
    light = np.maximum(luminance(rgb), luminance(other))
    dark = np.minimum(luminance(rgb), luminance(other))
    return (light + 0.05) / (dark + 0.05)


def seen_lab(rgb: NDArray) -> NDArray:
    """sRGB colors [..., 3] in CIELAB as each vision of `VISIONS` sees them, [..., 4, 3]."""
    matrices = np.stack(list(VISIONS.values()))
    linear = np.clip(np.einsum("vij,...j->...vi", matrices, to_linear(rgb)), 0, 1)
    xyz = linear @ TO_XYZ.T / TO_XYZ.sum(1)
    line = xyz / (3 * LAB_KNEE**2) + 4 / 29
    x, y, z = np.moveaxis(np.where(xyz > LAB_KNEE**3, np.cbrt(xyz), line), -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], -1)


def cie76(lab: NDArray, other: NDArray) -> NDArray:
    """The Euclidean distance of CIELAB colors [..., 3]."""
    return np.sqrt(np.square(lab - other).sum(-1))


def ciede2000(lab: NDArray, other: NDArray) -> NDArray:
    """The distance of CIELAB colors [..., 3] by Sharma et al. (2005)."""
    mean_chroma = (np.hypot(*_ab(lab)) + np.hypot(*_ab(other))) / 2
    stretch = 1.5 - 0.5 * _chroma_weight(mean_chroma)
    light, chroma, hue = _lch(lab, stretch)
    other_light, other_chroma, other_hue = _lch(other, stretch)
    is_gray = chroma * other_chroma == 0
    turn = other_hue - hue
    turn = np.where(np.abs(turn) > np.pi, turn - 2 * np.pi * np.sign(turn), turn)
    turn = np.where(is_gray, 0, turn)
    mean_hue = np.where(is_gray, hue + other_hue, hue + turn / 2)
    mean_chroma = (chroma + other_chroma) / 2
    from_middle = np.square((light + other_light) / 2 - 50)

    hue_factor = (
        1
        - 0.17 * np.cos(mean_hue - np.radians(30))
        + 0.24 * np.cos(2 * mean_hue)
        + 0.32 * np.cos(3 * mean_hue + np.radians(6))
        - 0.20 * np.cos(4 * mean_hue - np.radians(63))
    )
    by_light = (other_light - light) / (1 + 0.015 * from_middle / np.sqrt(20 + from_middle))
    by_chroma = (other_chroma - chroma) / (1 + 0.045 * mean_chroma)
    by_hue = 2 * np.sqrt(chroma * other_chroma) * np.sin(turn / 2)
    by_hue = by_hue / (1 + 0.015 * mean_chroma * hue_factor)
    degrees = np.degrees(mean_hue) % 360
    rotation = np.radians(60 * np.exp(-np.square((degrees - 275) / 25)))
    interaction = -2 * np.sin(rotation) * _chroma_weight(mean_chroma) * by_chroma * by_hue
    return np.sqrt(by_light**2 + by_chroma**2 + by_hue**2 + interaction)


def _ab(lab: NDArray) -> tuple[NDArray, NDArray]:
    return lab[..., 1], lab[..., 2]


def _lch(lab: NDArray, stretch: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    """Lightness, chroma and hue in radians, with a* stretched."""
    a, b = stretch * lab[..., 1], lab[..., 2]
    return lab[..., 0], np.hypot(a, b), np.arctan2(b, a) % (2 * np.pi)


def _chroma_weight(chroma: NDArray) -> NDArray:
    return np.sqrt(chroma**7 / (chroma**7 + 25.0**7))
