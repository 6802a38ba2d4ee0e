"""The style that all plots share, and how a figure is saved."""

import functools
import os
import textwrap
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import matplotlib
import numpy as np
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.markers import MarkerStyle
from matplotlib.path import Path as MarkerPath
from matplotlib.text import Annotation
from matplotlib.transforms import Affine2D

from vaekit.errors import OutputError
from vaekit.files.atomic import atomic_write

CLASS_COLORS = (
    "#0038FF",
    "#FF530D",
    "#B70005",
    "#3EA85D",
    "#D85CFF",
    "#AD059F",
    "#785042",
    "#AB88B7",
    "#5F5768",
    "#82988A",
)
"""Ten colors that also color-blind readers tell apart, on white and on black.

Any two differ by at least 21 in CIE76 and 13 in CIEDE2000, in normal vision and in protanopia,
deuteranopia and tritanopia; the contrast of each to white and to black is at least 3. They are the
result of `tools/search_palette.py`.
"""

MARKERS = ("o", "^", "s", "X", "D", "v", "P", "<", "*", ">", "p")
"""One more than there are colors, so that color and marker repeat together after 110 classes only.
"""

DPI = 150
FORMATS = (".png", ".pdf", ".svg")
NO_DATES = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}}
"""Metadata without dates, so that equal plots are equal files."""

INK = "#222222"
MUTED = "#767676"
WARNING = "#9A3B00"

CJK_FONTS = (
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Hiragino Sans",
    "PingFang SC",
    "Apple SD Gothic Neo",
    "Yu Gothic",
    "Microsoft YaHei",
    "Malgun Gothic",
)
"""Fonts of Linux, macOS and Windows with Chinese, Japanese and Korean characters."""

POLYGON_SCALE = 50
"""Curves become polygons that are exact to one part in about as many."""

NORMAL_WEIGHT = 400
BOLD_WEIGHT = 700
MIN_SCIENTIFIC = 1e6
MIN_TITLE_CHARACTERS = 16
TITLE_CHARACTERS_PER_INCH = 8
WARNING_CHARACTERS_PER_INCH = 11
WARNING_SIZE = 10
WARNING_LINE_HEIGHT = 0.22
"""Inches of a line of a warning."""
MAX_WARNING_LINES = 3


def installed_fonts(families: Iterable[str]) -> list[str]:
    """The installed fonts among some families: matplotlib warns about every missing one."""
    fonts = {(font.name, font.weight) for font in font_manager.fontManager.ttflist}
    return [
        family
        for family in families
        if (family, NORMAL_WEIGHT) in fonts and (family, BOLD_WEIGHT) in fonts
    ]


STYLE: dict[Any, Any] = {
    "font.family": ["sans-serif", *installed_fonts(CJK_FONTS)],
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
    "svg.hashsalt": "vaekit",  # fixed identifiers inside the file
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
    """Run `draw` under the style and leave the settings of the caller unchanged."""

    @functools.wraps(draw)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        with matplotlib.rc_context(STYLE):
            return draw(*args, **kwargs)

    return wrapper


def class_style(index: int) -> tuple[str, str]:
    """Color and marker of the class with this index.

    >>> class_style(0), class_style(10)
    (('#0038FF', 'o'), ('#0038FF', 'p'))
    """
    return CLASS_COLORS[index % len(CLASS_COLORS)], MARKERS[index % len(MARKERS)]


def marker_path(marker: str) -> MarkerPath:
    """The outline of a marker, which reaches from -1 to 1."""
    style = MarkerStyle(marker)
    path = style.get_path().transformed(style.get_transform())
    return MarkerPath(path.vertices / np.abs(path.vertices).max(), path.codes)


def class_shapes() -> list[list[list[float]]]:
    """The markers as polygons of points [x, y] from -1 to 1, y upward, for other renderers.

    >>> class_shapes()[2]
    [[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0]]
    """
    polygons = []
    for marker in MARKERS:
        outline = marker_path(marker).transformed(Affine2D().scale(POLYGON_SCALE))
        (polygon,) = outline.to_polygons()
        polygons.append((np.asarray(polygon) / POLYGON_SCALE).round(3).tolist())
    return polygons


def wrap_title(title: str, inches: float) -> str:
    """The title of a figure, broken into lines that fit its width, with empty lines for a warning.

    A title may end in a warning, after an empty line.
    """
    heading, _, warning = title.partition("\n\n")
    characters = max(MIN_TITLE_CHARACTERS, int(TITLE_CHARACTERS_PER_INCH * inches))
    lines = textwrap.wrap(heading, characters, break_on_hyphens=False)
    return "\n".join([*lines, *[" "] * len(_warning_lines(warning, inches))])


def _warning_lines(warning: str, inches: float) -> list[str]:
    characters = max(MIN_TITLE_CHARACTERS, int(WARNING_CHARACTERS_PER_INCH * inches))
    return textwrap.wrap(warning, characters, max_lines=MAX_WARNING_LINES, placeholder=" …")


def add_title(figure: Figure, title: str, **position: Any) -> None:
    """Write a title over a figure, if it is not empty, and its warning in the color of warnings."""
    if not title:
        return
    inches = figure.get_figwidth()
    heading = figure.suptitle(wrap_title(title, inches), **position)
    _, _, warning = title.partition("\n\n")
    if lines := _warning_lines(warning, inches):
        if figure.get_layout_engine() is not None:  # the layout would take the room from the axes
            figure.set_figheight(figure.get_figheight() + WARNING_LINE_HEIGHT * len(lines))
        look = {"color": WARNING, "fontsize": WARNING_SIZE, "ha": "center", "va": "bottom"}
        place = {"xy": (0.5, 0), "xycoords": heading, "annotation_clip": False}
        figure.add_artist(Annotation("\n".join(lines), **place, **look))


def shorten_start(text: str, max_characters: int) -> str:
    """The end of a text that is too long, which tells names apart better than the beginning."""
    if len(text) <= max_characters:
        return text
    return "…" + text[1 - max_characters :]


def format_number(value: float, decimals: int = 2) -> str:
    """A rounded number with a true minus sign and no negative zero; scientific if it is large.

    >>> format_number(-1.006), format_number(-0.001)
    ('−1.01', '0.00')
    """
    if abs(value) >= MIN_SCIENTIFIC:
        text = f"{value:.3g}"
    else:
        text = f"{round(value, decimals) + 0.0:.{decimals}f}"
    return text.replace("-", "−")


@styled
def save(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Write a figure as PNG (150 dpi), PDF or SVG, by suffix. The write is atomic.

    Args:
        figure: The figure.
        path: The file; missing folders are created and an existing file is replaced.

    Returns:
        The path of the file.

    Raises:
        OutputError: An unknown suffix, or a file that cannot be written.

    >>> save(Figure(), "empty.png").name
    'empty.png'
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise OutputError.for_value("path", path.name, "a name ending in .png, .pdf or .svg")
    with atomic_write(path) as file, warnings.catch_warnings():
        # The plot shows a box for a character without a glyph.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        figure.savefig(file, dpi=DPI, format=suffix[1:], metadata=NO_DATES.get(suffix))
    return path
