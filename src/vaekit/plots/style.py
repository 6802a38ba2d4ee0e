"""One style for every picture, and the way to disk."""

import functools
import os
import textwrap
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import matplotlib
from matplotlib import font_manager
from matplotlib.figure import Figure

from vaekit.atomic_io import atomic_write
from vaekit.errors import OutputError

CLASS_COLOURS = (
    "#332288",
    "#EE7733",
    "#44AA99",
    "#CC6677",
    "#999933",
    "#88CCEE",
    "#882255",
    "#DDCC77",
    "#117733",
    "#AA4499",
)
"""Ten colours that colour-blind readers tell apart: Paul Tol's muted scheme, and the orange of his vibrant one."""

MARKERS = ("o", "^", "s", "D", "v", "P", "X", "<", ">", "p")
"""The first ten classes get the first marker, the next ten the second, and so on."""

DPI = 150
FORMATS = (".png", ".pdf", ".svg")
DATES = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}}
"""What is left out, so that the same picture is the same file."""
INK, MUTED = "#222222", "#767676"

OTHER_SCRIPTS = (
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Hiragino Sans",
    "PingFang SC",
    "Apple SD Gothic Neo",
    "Yu Gothic",
    "Microsoft YaHei",
    "Malgun Gothic",
)
"""Fonts of Linux, macOS and Windows for names in Chinese, Japanese and Korean, which the usual one lacks."""


def installed(families: Iterable[str]) -> list[str]:
    """Those of some font families that are there, regular and bold: of what it lacks matplotlib complains, text by text."""
    there = {(font.name, font.weight) for font in font_manager.fontManager.ttflist}
    return [family for family in families if {(family, 400), (family, 700)} <= there]


STYLE: dict[Any, Any] = {
    "font.family": ["sans-serif", *installed(OTHER_SCRIPTS)],
    "font.size": 11,
    "axes.titlesize": 11.5,
    "axes.titlelocation": "left",
    "axes.labelsize": 11.5,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.constrained_layout.h_pad": 0.09,
    "figure.constrained_layout.w_pad": 0.09,
    "figure.titlesize": 13,
    "figure.titleweight": "bold",
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "legend.fontsize": 11,
    "svg.hashsalt": "vaekit",  # else names within the file are drawn anew each time
    "text.color": INK,
    "text.parse_math": False,  # a class may be called "$5" without becoming a formula
    "text.usetex": False,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 10.5,
    "ytick.labelsize": 10.5,
}

P = ParamSpec("P")
T = TypeVar("T")


def styled(draw: Callable[P, T]) -> Callable[P, T]:
    """Run `draw` under the style, and leave the caller's own settings as they were."""

    @functools.wraps(draw)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        with matplotlib.rc_context(STYLE):
            return draw(*args, **kwargs)

    return wrapper


def class_style(index: int) -> tuple[str, str]:
    """Colour and marker of the class with this index.

    >>> class_style(0), class_style(10)
    (('#332288', 'o'), ('#332288', '^'))
    """
    colours = len(CLASS_COLOURS)
    return CLASS_COLOURS[index % colours], MARKERS[index // colours % len(MARKERS)]


def wrap_title(title: str, inches: float) -> str:
    """A figure's title, broken into the lines that fit its width."""
    return textwrap.fill(title, max(16, int(8 * inches)), break_on_hyphens=False)


def shorten_start(text: str, most: int) -> str:
    """The end of a text that is too long, which tells names apart better than the beginning."""
    return text if len(text) <= most else "…" + text[1 - most :]


def number(value: float, decimals: int = 2) -> str:
    """A rounded number with a true minus sign and no negative zero; a long one in powers of ten.

    >>> number(-1.006), number(-0.001)
    ('−1.01', '0.00')
    """
    short = f"{value:.3g}" if abs(value) >= 1e6 else f"{round(value, decimals) + 0.0:.{decimals}f}"
    return short.replace("-", "−")


@styled
def save(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Write a figure as PNG (150 dpi), PDF or SVG, by suffix: the file is whole or absent.

    Raises `OutputError` when the suffix is none of these or the place cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        raise OutputError(
            f"cannot save a picture as '{path.name}': allowed suffixes are {', '.join(FORMATS)}"
        )
    with atomic_write(path) as temporary, warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", "Glyph .* missing from font"
        )  # a box in the picture says so already
        suffix = path.suffix.lower()
        figure.savefig(temporary, dpi=DPI, format=suffix[1:], metadata=DATES.get(suffix))
    return path
