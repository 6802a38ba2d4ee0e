"""Pieces of self-contained HTML: for the report, and for objects in a notebook.

All text is escaped. Pieces for a notebook have no background and draw text and lines in its color,
dark or light.
"""

import base64
import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, Protocol

MAX_CHARACTERS = 1500
MAX_NAME_CHARACTERS = 60
MAX_NAMES = 20

LINE_COLOR = "rgba(128,128,128,.35)"
CELL = (
    "text-align:left;vertical-align:top;padding:.25em 1.2em .25em 0;"
    f"border-top:1px solid {LINE_COLOR};max-width:36em;white-space:pre-line"
)
"""The style of a cell of a table in a notebook."""

WARNING = (
    "border-left:4px solid;font-weight:600;"
    "padding:.4em .8em;margin:.4em 0;overflow-wrap:anywhere;max-width:48em"
)
"""The style of a warning in a notebook."""

SERIES = {"training": ("#EE7733", "5 3"), "validation": ("#3A8FD9", "none")}
"""Color and dashes of a line: visible on black and on white, also to color-blind readers."""
MAX_CHART_POINTS = 300
CHART_WIDTH = 420
CHART_HEIGHT = 150
CHART_LEFT = 56
CHART_RIGHT = 10
CHART_TOP = 22
CHART_BOTTOM = 22
AXIS_LOOK = 'fill="currentColor" opacity=".75"'
RIGHT_ALIGNED = f'{AXIS_LOOK} text-anchor="end"'

Points = list[tuple[int, float]]
"""Epochs, from 1, and finite values."""


class MetricLike(Protocol):
    """A metric with its standard error."""

    @property
    def value(self) -> float | None:
        """The value; None if unavailable."""
        ...

    @property
    def standard_error(self) -> float | None:
        """The standard error; None if unknown."""
        ...


def card(title: str, *pieces: str) -> str:
    """An object in a notebook: its name over pieces of HTML; empty pieces are left out."""
    style = "font-weight:600;margin-bottom:.4em"
    heading = f'<div style="{style}">{escape(shorten(title))}</div>'
    body = "".join(filter(None, pieces))
    return f'<div style="font-size:13px;line-height:1.5">{heading}{body}</div>'


def table(rows: Iterable[Sequence[object]], cell: str = "", header: Sequence[str] = ()) -> str:
    """A table of texts.

    Args:
        rows: Rows of cells.
        cell: The style of each cell, if no style sheet sets it.
        header: The names of the columns.

    >>> table([("a & b", 1)])
    '<table><tr><td>a &amp; b</td><td>1</td></tr></table>'
    """
    lines = [_table_row(header, "th", cell)] if header else []
    lines += [_table_row(row, "td", cell) for row in rows]
    style = ' style="border-collapse:collapse"' if cell else ""
    return f"<table{style}>{''.join(lines)}</table>"


def _table_row(texts: Sequence[object], tag: str, style: str) -> str:
    attribute = f' style="{style}"' if style else ""
    cells = (f"<{tag}{attribute}>{escape(str(text))}</{tag}>" for text in texts)
    return f"<tr>{''.join(cells)}</tr>"


def section(title: str, rows: Iterable[Sequence[object]]) -> str:
    """A table under a title in small print; nothing without rows."""
    rows = list(rows)
    return note(title) + table(rows, CELL) if rows else ""


def facts(named: Mapping[str, object]) -> str:
    """A small table of facts by name; long ones are cut."""
    return table(((name, shorten(str(fact))) for name, fact in named.items()), CELL)


def image(content: bytes, name: str, media_type: str = "image/png") -> str:
    """An image embedded in the page."""
    source = f"data:{media_type};base64,{base64.b64encode(content).decode()}"
    return f'<img alt="{escape(name)}" src="{source}" style="max-width:100%;height:auto">'


def frame(address: str, title: str, height: int) -> str:
    """Another page in a frame."""
    style = f"width:100%;height:{height}px;border:1px solid {LINE_COLOR};box-sizing:border-box"
    return f'<iframe title="{escape(title)}" src="{escape(address)}" style="{style}"></iframe>'


def note(text: str) -> str:
    """A line of small print."""
    return f'<div style="opacity:.75;margin-top:.6em">{escape(shorten(text))}</div>'


def warning(text: str) -> str:
    """A sentence that a reader must not miss, on any background.

    >>> warning("a < b")[-14:]
    'a &lt; b</div>'
    """
    return f'<div style="{WARNING}">{escape(shorten(text))}</div>'


def with_error(metric: Mapping[str, Any], digits: int = 2) -> str:
    """A metric from JSON, with its standard error if it has one.

    >>> with_error({"value": 1.234, "standard_error": 0.05})
    '1.23 ± 0.05'
    """
    return _value_and_error(metric["value"], metric["standard_error"], digits)


def format_metric(metric: MetricLike, digits: int = 2) -> str:
    """A metric with its standard error; "none" if it is unavailable."""
    if metric.value is None:
        return "none"
    return _value_and_error(metric.value, metric.standard_error, digits)


def _value_and_error(value: float, error: float | None, digits: int) -> str:
    text = f"{value:.{digits}f}"
    return text if error is None else f"{text} ± {error:.{digits}f}"


def shorten(text: str, max_characters: int = MAX_CHARACTERS) -> str:
    """The beginning of a text that is too long."""
    return text if len(text) <= max_characters else text[: max_characters - 1] + "…"


def join_names(names: Sequence[object], max_names: int = MAX_NAMES) -> str:
    """The first names of a list, and the number of the others.

    >>> join_names(["a", "b", "c"], max_names=2)
    'a, b, and 1 more'
    """
    parts = [shorten(str(name), MAX_NAME_CHARACTERS) for name in names[:max_names]]
    if len(names) > max_names:
        parts.append(f"and {len(names) - max_names:,} more")
    return ", ".join(parts)


# --- Line chart ----------------------------------------------------------------------------------


def line_chart(series: Mapping[str, Sequence[float]], unit: str) -> str:
    """A line chart (SVG) of values by epoch.

    Args:
        series: Values per epoch of training and validation; values that are not finite are left
            out.
        unit: What the values are, with their unit.

    Returns:
        The chart; empty if no value is finite.
    """
    lines = {name: _finite_points(values) for name, values in series.items()}
    lines = {name: points for name, points in lines.items() if points}
    if not lines:
        return ""
    values = [value for points in lines.values() for _, value in points]
    low = min(values)
    high = max(values)
    last_epoch = max(epoch for points in lines.values() for epoch, _ in points)
    marks = []
    legend_left = CHART_LEFT
    for name, points in lines.items():
        color, _ = SERIES[name]
        marks += _line(_scaled(points, low, high, last_epoch), name)
        marks.append(_text(legend_left, 12, name, f'fill="{color}" font-weight="600"'))
        legend_left += 8 * len(name) + 12
    marks += _axes(low, high, last_epoch, unit)
    size = f'width="{CHART_WIDTH}" height="{CHART_HEIGHT}"'
    view = f'viewBox="0 0 {CHART_WIDTH} {CHART_HEIGHT}"'
    label = f'role="img" aria-label="{escape(f"{unit}, by epoch")}"'
    style = 'style="display:block;max-width:100%;margin:.6em 0"'
    return f"<svg {size} {view} {label} {style}>{''.join(marks)}</svg>"


def _finite_points(values: Sequence[float]) -> Points:
    return [(epoch, value) for epoch, value in enumerate(values, 1) if math.isfinite(value)]


def _thinned(points: Points) -> Points:
    """At most 300 points, and the last one."""
    if len(points) <= MAX_CHART_POINTS:
        return points
    stride = -(-len(points) // MAX_CHART_POINTS)
    return points[::stride] + points[-1:]


def _scaled(points: Points, low: float, high: float, last_epoch: int) -> list[tuple[float, float]]:
    """Points in pixels of the chart."""
    across = (CHART_WIDTH - CHART_LEFT - CHART_RIGHT) / (last_epoch - 1 or 1)
    down = (CHART_HEIGHT - CHART_TOP - CHART_BOTTOM) / ((high - low) or 1)
    first = _first_epoch_x(last_epoch)
    return [
        (first + (epoch - 1) * across, CHART_TOP + (high - value) * down)
        for epoch, value in _thinned(points)
    ]


def _first_epoch_x(last_epoch: int) -> float:
    """The horizontal position of epoch 1: on the left, or in the middle if it is the only one."""
    return CHART_LEFT if last_epoch > 1 else (CHART_WIDTH + CHART_LEFT) / 2


def _line(points: list[tuple[float, float]], name: str) -> list[str]:
    """A line in the look of its series; a dot if it has one point only."""
    color, dashes = SERIES[name]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    look = f'fill="none" stroke="{color}" stroke-width="2" stroke-dasharray="{dashes}"'
    marks = [f'<polyline points="{path}" {look}/>']
    if len(points) == 1:
        x, y = points[0]
        marks.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{color}"/>')
    return marks


def _axes(low: float, high: float, last_epoch: int, unit: str) -> list[str]:
    """The axes of the chart and their labels."""
    bottom = CHART_HEIGHT - CHART_BOTTOM
    right = CHART_WIDTH - CHART_RIGHT
    below = CHART_HEIGHT - 6
    path = f"M{CHART_LEFT} {CHART_TOP} V{bottom} H{right}"
    marks = [
        f'<path d="{path}" fill="none" stroke="currentColor" opacity=".4"/>',
        _text(CHART_LEFT - 6, bottom, f"{low:.4g}", RIGHT_ALIGNED),
        _text(CHART_LEFT - 6, CHART_TOP + 8, f"{high:.4g}", RIGHT_ALIGNED),
        _text(_first_epoch_x(last_epoch), below, "epoch 1", AXIS_LOOK),
        _text(right, 12, unit, RIGHT_ALIGNED),
    ]
    if last_epoch > 1:
        marks.append(_text(right, below, f"{last_epoch:,}", RIGHT_ALIGNED))
    return marks


def _text(x: float, y: float, text: str, look: str) -> str:
    position = f'x="{x:.0f}" y="{y:.0f}" font-size="11" font-family="sans-serif"'
    return f"<text {position} {look}>{escape(text)}</text>"
