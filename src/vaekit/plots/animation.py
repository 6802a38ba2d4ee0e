"""Animations of images: a sheet per frame, written as one GIF or WebP file."""

import io
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from vaekit.errors import DataError, OutputError
from vaekit.files.atomic import atomic_write_bytes
from vaekit.plots.array_checks import check_pixels
from vaekit.plots.image_grid import arrange, assemble, gap_width
from vaekit.plots.sheet import sheet
from vaekit.plots.style import DPI, styled

ANIMATIONS = (".gif", ".webp")
MAX_WIDTH = 4.0
"""Inches of a frame."""
MAX_TILE = 1.0
"""Inches of an image in a frame."""
MIN_FRAMES = 2
MAX_FRAMES = 60
MAX_BYTES = 8_000_000
PERIOD_MILLISECONDS = 2700
"""Time forward and back."""
STRIDES = (1, 2, 4)
"""Every frame, every second or every fourth, to fit the size of the file."""
PALETTE_COLORS = 256
PALETTE_FRAMES = 4
MIN_WHITE_LEVEL = 250


@styled
def save_animation(
    images: ArrayLike,
    path: str | os.PathLike[str],
    columns: int | None = None,
    *,
    captions: Sequence[object],
    title: str = "",
    max_bytes: int = MAX_BYTES,
) -> Path:
    """Write an animation of N images on one sheet that plays forward and back in a loop.

    The write is atomic. If the file would be too large, every second frame is left out.

    Args:
        images: Floats in [0, 1], [T, N, C, H, W] for T frames, 2 to 60.
        path: The file, GIF or WebP by suffix.
        columns: Images per row; default a near-square sheet.
        captions: One caption per image.
        title: The title.
        max_bytes: The largest size of the file.

    Returns:
        The path of the file.

    Raises:
        OutputError: Another suffix, a file that cannot be written, or one that is too large.
        DataError: Arrays whose shapes or values do not fit, fewer than 2 or more than 60 frames.

    >>> images = np.zeros((3, 2, 1, 8, 8))
    >>> save_animation(images, "paths.gif", captions=["z1", "z2"]).name
    'paths.gif'
    """
    path = Path(path)
    suffix = path.suffix.lower()
    images = check_pixels(images, "images", "[T, N, C, H, W]")
    if suffix not in ANIMATIONS:
        raise OutputError.for_value("path", path.name, "a name ending in .gif or .webp")
    if not MIN_FRAMES <= len(images) <= MAX_FRAMES:
        raise DataError.for_value(
            "images",
            len(images),
            f"{MIN_FRAMES} to {MAX_FRAMES}",
            problem="images has the wrong number of frames",
        )
    frames = render_frames(images, columns, captions, title)
    loop = [*frames, *frames[-2:0:-1]]
    atomic_write_bytes(path, _encode_within(loop, suffix, max_bytes))
    return path


def render_frames(
    images: NDArray, columns: int | None, captions: Sequence[object], title: str
) -> list[NDArray]:
    """Each frame as bytes [h, w, 3]: one figure whose images are replaced."""
    count = images.shape[1]
    columns = min(columns or int(np.ceil(np.sqrt(count))), count)
    width = min(MAX_WIDTH, MAX_TILE * columns)
    figure = sheet(images[0], columns, title=title, captions=captions, width=width)
    figure.set_dpi(DPI)
    canvas = FigureCanvasAgg(figure)
    frames = []
    for frame in images:
        for axes, row in zip(figure.axes, arrange(frame, columns), strict=True):
            axes.images[0].set_data(assemble(row[None], gap_width(frame)))
        canvas.draw()
        frames.append(np.asarray(canvas.buffer_rgba())[..., :3].copy())
    return frames


def _encode_within(frames: list[NDArray], suffix: str, max_bytes: int) -> bytes:
    """The file with as many frames as fit."""
    size = 0
    for stride in STRIDES:
        milliseconds = PERIOD_MILLISECONDS * stride // len(frames)
        content = _encode(frames[::stride], suffix, milliseconds)
        size = len(content)
        if size <= max_bytes:
            return content
    raise OutputError.for_value(
        "images",
        size,
        f"at most {max_bytes} bytes",
        problem="the animation is too large",
        fix="Choose fewer examples",
    )


def _encode(frames: list[NDArray], suffix: str, milliseconds: int) -> bytes:
    images = [Image.fromarray(frame) for frame in frames]
    options = {"lossless": True, "quality": 50}
    if suffix == ".gif":
        images = _quantize(images, _palette(frames))
        options = {"optimize": False}
    file = io.BytesIO()
    images[0].save(
        file,
        suffix[1:].upper(),
        save_all=True,
        append_images=images[1:],
        duration=milliseconds,
        loop=0,
        **options,
    )
    return file.getvalue()


def _palette(frames: list[NDArray]) -> Image.Image:
    """One palette for all frames, so that unchanged pixels do not flicker; paper stays white."""
    some_frames = frames[:: max(1, len(frames) // PALETTE_FRAMES)]
    palette = Image.fromarray(np.concatenate(some_frames)).quantize(PALETTE_COLORS)
    levels = palette.getpalette() or []
    palette.putpalette([255 if level >= MIN_WHITE_LEVEL else level for level in levels])
    return palette


def _quantize(images: list[Image.Image], palette: Image.Image) -> list[Image.Image]:
    return [image.quantize(palette=palette, dither=Image.Dither.NONE) for image in images]
