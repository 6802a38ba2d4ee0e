"""Paths of plots that show the plots in a notebook."""

from pathlib import Path

from vaekit import html

MEDIA_TYPES = {
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".gif": "image/gif",
    ".webp": "image/webp",
}
MAX_SHOWN_BYTES = 16_000_000
"""Bytes of all plots that are embedded in a notebook, which keeps them in its file."""


class PlotFiles(list[Path]):
    """A list of paths of plots; a notebook shows the plots.

    >>> path = vaekit.plot(run, "curves")[0]
    >>> PlotFiles([path])._repr_html_().count("<img")
    1
    """

    def __repr__(self) -> str:
        return f"PlotFiles({[str(path) for path in self]})"

    def _repr_html_(self) -> str:
        """The plots, each under its path; of one too large, or of a PDF, the path alone."""
        left = MAX_SHOWN_BYTES
        pieces = []
        for path in self:
            pieces.append(html.note(str(path)))
            media_type = MEDIA_TYPES.get(path.suffix.lower())
            if media_type is None or not path.is_file() or path.stat().st_size > left:
                continue
            content = path.read_bytes()
            left -= len(content)
            pieces.append(html.image(content, path.stem, media_type))
        return html.card(f"{len(self)} plot{'' if len(self) == 1 else 's'}", *pieces)
