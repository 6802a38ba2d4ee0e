"""Images that move: rendered like any other sheet, frame by frame, and written as one file."""

import io
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from vaekit.atomic_io import atomic_write_bytes
from vaekit.errors import DataError, OutputError
from vaekit.plots.array_checks import check_pixels
from vaekit.plots.grid import sheet
from vaekit.plots.image_grid import assemble, gap_for, in_rows
from vaekit.plots.style import DPI, styled

ANIMATIONS = (".gif", ".webp")
WIDTH, TILE = 4.0, 1.0  # inches of a frame, and of an image in it
MOST_FRAMES, MOST_BYTES = 60, 8_000_000
PERIOD = 2700  # milliseconds there and back


@styled
def save_animation(
    images: ArrayLike,
    path: str | os.PathLike[str],
    columns: int | None = None,
    *,
    captions: Sequence[object],
    title: str = "",
) -> Path:
    """Write N moving images [T, N, C, H, W], floats in [0, 1], on one sheet that goes there and back without end.

    GIF or WebP, by suffix; the file is whole or absent, and has at most 8 MB: of a larger one, every other frame is left
    out. Raises `OutputError` for another suffix or a place that cannot be written, `DataError` for fewer than 2 or more
    than 60 frames.
    """
    path, images = Path(path), check_pixels(images, "images", "[T, N, C, H, W]")
    if path.suffix.lower() not in ANIMATIONS:
        raise OutputError(
            f"cannot save an animation as '{path.name}': allowed suffixes are {', '.join(ANIMATIONS)}"
        )
    if not 2 <= len(images) <= MOST_FRAMES:
        raise DataError(f"images has {len(images)} frames; allowed: 2 to {MOST_FRAMES}")
    frames = rendered(images, columns, captions, title)
    loop = [*frames, *frames[-2:0:-1]]
    atomic_write_bytes(path, _bounded(loop, path.suffix.lower()))
    return path


def rendered(
    images: NDArray, columns: int | None, captions: Sequence[object], title: str
) -> list[NDArray]:
    """Each frame as bytes [h, w, 3]; the figure is laid out once, and its images are exchanged."""
    columns = min(columns or int(np.ceil(np.sqrt(images.shape[1]))), images.shape[1])
    width = min(WIDTH, TILE * columns)
    figure = sheet(images[0], columns, title=title, captions=captions, width=width)
    figure.set_dpi(DPI)
    canvas, frames = FigureCanvasAgg(figure), []
    for frame in images:
        for axes, row in zip(figure.axes, in_rows(frame, columns), strict=True):
            axes.images[0].set_data(assemble(row[None], gap_for(frame)))
        canvas.draw()
        frames.append(np.asarray(canvas.buffer_rgba())[..., :3].copy())
    return frames


def _bounded(frames: list[NDArray], suffix: str) -> bytes:
    for stride in (1, 2, 4):
        content = _encoded(frames[::stride], suffix, PERIOD * stride // len(frames))
        if len(content) <= MOST_BYTES:
            return content
    raise OutputError(
        f"the animation has {len(content):,} bytes, at most {MOST_BYTES:,} are allowed: choose fewer rows"
    )


def _encoded(frames: list[NDArray], suffix: str, milliseconds: int) -> bytes:
    pictures = [Image.fromarray(frame) for frame in frames]
    if suffix == ".gif":  # one palette for all frames, so that what rests does not flicker
        palette = Image.fromarray(np.concatenate(frames[:: max(1, len(frames) // 4)])).quantize(256)
        palette.putpalette(
            [255 if level > 249 else level for level in palette.getpalette() or []]
        )  # paper stays white
        pictures = [
            picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures
        ]
    options = {"optimize": False} if suffix == ".gif" else {"lossless": True, "quality": 50}
    file = io.BytesIO()
    pictures[0].save(
        file,
        suffix[1:].upper(),
        save_all=True,
        append_images=pictures[1:],
        duration=milliseconds,
        loop=0,
        **options,
    )
    return file.getvalue()
