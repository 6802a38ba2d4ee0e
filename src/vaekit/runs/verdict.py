"""The verdict about a run: what its training found out, in sentences."""

from collections.abc import Mapping
from dataclasses import dataclass

from vaekit.json_types import JsonObject

MAX_FINDINGS = 20
MAX_FINDING_CHARACTERS = 500
MAX_KIND_CHARACTERS = 50


@dataclass(frozen=True)
class Finding:
    """One sentence of the verdict.

    Attributes:
        kind: What it is about, such as "collapse".
        text: The sentence.

    >>> Finding("collapse", "0 of 16 latent dimensions are active.").kind
    'collapse'
    """

    kind: str
    text: str


def read_verdict(summary: JsonObject) -> tuple[Finding, ...]:
    """The findings of a summary.json, which may come from elsewhere; invalid ones are left out."""
    items = summary.get("verdict")
    if not isinstance(items, list):
        return ()
    findings = (_parse(item) for item in items[:MAX_FINDINGS])
    return tuple(finding for finding in findings if finding)


def _parse(item: object) -> Finding | None:
    if not isinstance(item, Mapping):
        return None
    kind, text = item.get("kind"), item.get("text")
    is_valid = _is_printable(kind, MAX_KIND_CHARACTERS)
    if not is_valid or not _is_printable(text, MAX_FINDING_CHARACTERS):
        return None
    return Finding(str(kind), str(text))


def _is_printable(text: object, max_characters: int) -> bool:
    return isinstance(text, str) and 0 < len(text) <= max_characters and text.isprintable()
