"""Pieces of pages that need nothing from elsewhere: for reports, and for objects that show themselves in a notebook.

Everything that comes in is escaped. What a notebook shows takes the colours of the notebook, dark or light: lines and text are
drawn in the current colour, and nothing has a background.
"""

import base64
import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

MOST_CHARACTERS = 1500
LINE = "rgba(128,128,128,.35)"
CELL = f"text-align:left;vertical-align:top;padding:.25em 1.2em .25em 0;border-top:1px solid {LINE};max-width:36em"
SERIES = {"training": ("#EE7733", "5 3"), "validation": ("#3A8FD9", "none")}
"""Colour and dashes of a line; the colours stand out on black as on white, and differ in lightness for the colour-blind."""
WIDTH, HEIGHT, LEFT, BELOW, ABOVE = 420, 150, 56, 22, 22  # pixels of a drawing and of its margins
MOST_POINTS = 300


def card(title: str, *pieces: str) -> str:
    """What a notebook shows of an object: its name over pieces of HTML; empty ones are left out."""
    heading = f'<div style="font-weight:600;margin-bottom:.4em">{escape(shortened(title))}</div>'
    return f'<div style="font-size:13px;line-height:1.5">{heading}{"".join(filter(None, pieces))}</div>'


def table(rows: Iterable[Sequence[object]], cell: str = "", header: Sequence[str] = ()) -> str:
    """Rows of text as a table. cell: the style of each, where no sheet of styles gives it. header: the names of columns.

    >>> table([("a & b", 1)])
    '<table><tr><td>a &amp; b</td><td>1</td></tr></table>'
    """
    style = f' style="{cell}"' if cell else ""
    names = "".join(f"<th{style}>{escape(name)}</th>" for name in header)
    lines = ("".join(f"<td{style}>{escape(str(text))}</td>" for text in row) for row in rows)
    whole = ' style="border-collapse:collapse"' if cell else ""
    return f"<table{whole}>{''.join(f'<tr>{line}</tr>' for line in (*filter(None, [names]), *lines))}</table>"


def facts(named: Mapping[str, object]) -> str:
    """Facts by name as a small table; long ones are cut."""
    return table(((name, shortened(str(fact))) for name, fact in named.items()), CELL)


def picture(png: bytes, name: str) -> str:
    """A PNG within the page."""
    source = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    return f'<img alt="{escape(name)}" src="{source}" style="max-width:100%;height:auto">'


def note(text: str) -> str:
    """A line of small print."""
    return f'<div style="opacity:.75;margin-top:.6em">{escape(shortened(text))}</div>'


def with_error(metric: Mapping[str, Any], digits: int = 2) -> str:
    """A metric as JSON holds it, with its standard error if it has one.

    >>> with_error({"value": 1.234, "standard_error": 0.05})
    '1.23 ± 0.05'
    """
    return _value_and_error(metric["value"], metric["standard_error"], digits)


def format_metric(metric: Any, digits: int = 2) -> str:
    """A `Metric` with its standard error; "none" if it is unavailable."""
    if metric.value is None:
        return "none"
    return _value_and_error(metric.value, metric.standard_error, digits)


def _value_and_error(value: float, error: float | None, digits: int) -> str:
    text = f"{value:.{digits}f}"
    return text if error is None else f"{text} ± {error:.{digits}f}"


def shortened(text: str, most: int = MOST_CHARACTERS) -> str:
    """The beginning of a text that is too long."""
    return text if len(text) <= most else text[: most - 1] + "…"


def some(names: Sequence[object], most: int = 20) -> str:
    """Names in a row, the first of them where there are many.

    >>> some(["a", "b", "c"], most=2)
    'a, b, and 1 more'
    """
    more = [f"and {len(names) - most:,} more"] if len(names) > most else []
    return ", ".join([shortened(str(name), 60) for name in names[:most]] + more)


def curves(series: Mapping[str, Sequence[float]], unit: str) -> str:
    """Lines by name over the epochs, as a drawing (SVG); values that are not finite are left out, and so are empty lines."""
    points = {name: line for name, values in series.items() if (line := _finite(values))}
    values = [value for line in points.values() for _, value in line]
    if not values:
        return ""
    low, high, last = (
        min(values),
        max(values),
        max(at for line in points.values() for at, _ in line),
    )
    across = (WIDTH - LEFT - 10) / (last - 1 or 1)
    first = LEFT if last > 1 else (WIDTH + LEFT) / 2
    down = (HEIGHT - ABOVE - BELOW) / ((high - low) or 1)
    marks, at = [], LEFT
    for name, line in points.items():
        colour, dashes = SERIES[name]
        places = [
            (first + (epoch - 1) * across, ABOVE + (high - value) * down)
            for epoch, value in _thinned(line)
        ]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        marks.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes}"/>'
        )
        if len(places) == 1:
            marks.append(
                f'<circle cx="{places[0][0]:.1f}" cy="{places[0][1]:.1f}" r="3.5" fill="{colour}"/>'
            )
        marks.append(_text(at, 12, name, f'fill="{colour}" font-weight="600"'))
        at += 8 * len(name) + 12
    bottom = HEIGHT - BELOW
    marks.append(
        f'<path d="M{LEFT} {ABOVE} V{bottom} H{WIDTH - 10}" fill="none" stroke="currentColor" opacity=".4"/>'
    )
    marks += [
        _text(LEFT - 6, y, f"{value:.4g}", END)
        for y, value in {bottom: low, ABOVE + 8: high}.items()
    ]
    marks += [_text(first, HEIGHT - 6, "epoch 1", CURRENT), _text(WIDTH - 10, 12, unit, END)]
    marks += [_text(WIDTH - 10, HEIGHT - 6, f"{last:,}", END)] if last > 1 else []
    size = f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
    label = f'role="img" aria-label="{escape(f"{unit}, by epoch")}"'
    return f'<svg {size} {label} style="display:block;max-width:100%;margin:.6em 0">{"".join(marks)}</svg>'


CURRENT = 'fill="currentColor" opacity=".75"'
END = f'{CURRENT} text-anchor="end"'


def _text(x: float, y: float, text: str, look: str) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" font-size="11" font-family="sans-serif" {look}>{escape(text)}</text>'


def _finite(values: Sequence[float]) -> list[tuple[int, float]]:
    return [(epoch, value) for epoch, value in enumerate(values, 1) if math.isfinite(value)]


def _thinned(line: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """At most so many points, the last among them."""
    return line[:: -(-len(line) // MOST_POINTS)] + line[-1:] if len(line) > MOST_POINTS else line
