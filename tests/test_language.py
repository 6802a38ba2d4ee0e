"""Text that people read uses the words of docs/glossary.md."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT_SUFFIXES = {".py", ".js", ".html", ".jinja", ".yaml", ".md", ".css"}
VENDORED = "runtime"
PHRASES = (
    "what was given",
    "so many",
    "those of",
    "go on with",
    "held to",
    "at hand",
    "are not where they were",
)
SOURCE_NUMBERS = re.compile(r"\bR[0-4]\b")
"""Works are cited by author and year."""


def texts() -> Iterator[Path]:
    for folder in ("src", "docs", "benchmarks"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in TEXT_SUFFIXES and VENDORED not in path.parts[-2:]:
                yield path
    yield from (ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md"))


@pytest.mark.parametrize("path", list(texts()), ids=lambda path: str(path.relative_to(ROOT)))
def test_text_has_no_private_phrase(path: Path):
    text = " ".join(path.read_text(encoding="utf-8").split()).lower()
    assert [phrase for phrase in PHRASES if phrase in text] == []


@pytest.mark.parametrize("path", list(texts()), ids=lambda path: str(path.relative_to(ROOT)))
def test_works_are_cited_by_author_and_year(path: Path):
    assert SOURCE_NUMBERS.findall(path.read_text(encoding="utf-8")) == []
