"""Measures of the package's code (size, documentation, repetition) and their targets.

    python tools/measure_code.py            # src
    python tools/measure_code.py --list     # with the places that miss a target
    python tools/measure_code.py --check    # exit status 1 if a target is missed
    python tools/measure_code.py --tests    # src, and the tests, which have no targets

A code line is neither blank nor a comment nor part of a docstring. A window is six successive code
lines without imports, spaces normalized; it is repeated if it occurs more than once.
"""

import argparse
import ast
import io
import statistics
import sys
import tokenize
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TypeGuard

ROOT = Path(__file__).parents[1]
MAX_COLUMNS = 100
MAX_FILE_LINES = 400
WINDOW = 6

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = ast.Module | ast.ClassDef | Function
SILENT_TOKENS = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


@dataclass(frozen=True)
class SourceFile:
    """One Python file.

    Attributes:
        path: Its path.
        text: Its content.
    """

    path: Path
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree."""
        return ast.parse(self.text, str(self.path))

    @cached_property
    def lines(self) -> list[str]:
        """All lines."""
        return self.text.splitlines()

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """All nodes of the syntax tree."""
        return list(ast.walk(self.tree))

    @cached_property
    def code_lines(self) -> list[int]:
        """The numbers of the code lines, from 1."""
        numbers: set[int] = set()
        for token in tokenize.generate_tokens(io.StringIO(self.text).readline):
            if token.type not in SILENT_TOKENS:
                numbers.update(range(token.start[0], token.end[0] + 1))
        docstrings = (node for node in self.nodes if _is_docstring(node))
        return sorted(numbers - _lines_of(docstrings))

    @property
    def long_lines(self) -> list[int]:
        """The numbers of the lines of more than 100 columns."""
        return [i for i, line in enumerate(self.lines, 1) if len(line) > MAX_COLUMNS]

    @property
    def functions(self) -> list[Function]:
        """All functions and methods."""
        return [node for node in self.nodes if isinstance(node, Function)]

    @property
    def windows(self) -> Iterator[tuple[str, ...]]:
        """Each six successive code lines that import nothing, spaces normalized."""
        imports = _lines_of(
            node for node in self.nodes if isinstance(node, ast.Import | ast.ImportFrom)
        )
        kept = [" ".join(self.lines[i - 1].split()) for i in self.code_lines if i not in imports]
        return (tuple(kept[i : i + WINDOW]) for i in range(len(kept) - WINDOW + 1))

    @property
    def public_definitions(self) -> Iterator[tuple[str, Definition]]:
        """The module and its public classes, functions and methods, each with a name to print."""
        if self.path.stem.startswith("_") and self.path.stem != "__init__":
            return
        yield str(self.path), self.tree
        yield from _public_members(self.tree, str(self.path))


@dataclass(frozen=True)
class Measure:
    """One measured number.

    Attributes:
        title: The name of the measure.
        value: The number.
        unit: The text behind the number.
        at_most: The target of a number that should be low, if it has one.
        at_least: The target of a number that should be high, if it has one.
        places: The places in the code that miss the target.
    """

    title: str
    value: float
    unit: str = ""
    at_most: float | None = None
    at_least: float | None = None
    places: Sequence[str] = ()

    @property
    def is_met(self) -> bool:
        """Whether the number meets its target; a number without one does."""
        above = self.at_least is None or self.value >= self.at_least
        below = self.at_most is None or self.value <= self.at_most
        return above and below

    def __str__(self) -> str:
        number = f"{self.value:10,.2f}".rstrip("0").rstrip(".") + self.unit
        return f"{self.title:44} {number:>12}  {self._target()}".rstrip()

    def without_target(self) -> "Measure":
        """The same number without a target."""
        return replace(self, at_most=None, at_least=None)

    def _target(self) -> str:
        verdict = "met" if self.is_met else "MISSED"
        if self.at_most is not None:
            return f"at most {self.at_most:g}{self.unit}: {verdict}"
        if self.at_least is not None:
            return f"at least {self.at_least:g}{self.unit}: {verdict}"
        return ""


def read_files(*folders: Path) -> list[SourceFile]:
    """Read all Python files below the folders."""
    paths = (path for folder in folders for path in sorted(folder.rglob("*.py")))
    return [SourceFile(path, path.read_text(encoding="utf-8")) for path in paths]


def measure(files: Sequence[SourceFile]) -> list[Measure]:
    """Take all measures of the files."""
    code_lines = sum(len(file.code_lines) for file in files)
    lengths = [_length(function) for file in files for function in file.functions]
    return [
        Measure("files", len(files)),
        Measure("code lines", code_lines),
        _long_lines(files),
        _documented(files),
        _untyped_dictionaries(files),
        Measure("repeated windows of six lines", _repeated_share(files), " %", at_most=1),
        _long_files(files),
        Measure(
            "syntax nodes per code line", _ratio(sum(len(file.nodes) for file in files), code_lines)
        ),
        Measure("median lines of a function", statistics.median(lengths or [0])),
        Measure("90th percentile of lines of a function", _percentile_90(lengths)),
    ]


def _long_lines(files: Sequence[SourceFile]) -> Measure:
    places = [f"{file.path}:{number}" for file in files for number in file.long_lines]
    return Measure(
        f"lines of more than {MAX_COLUMNS} columns", len(places), at_most=0, places=places
    )


def _documented(files: Sequence[SourceFile]) -> Measure:
    public = [definition for file in files for definition in file.public_definitions]
    missing = [name for name, node in public if not has_sentence(node)]
    share = 100 - 100 * _ratio(len(missing), len(public))
    return Measure("public definitions with a docstring", share, " %", at_least=100, places=missing)


def _untyped_dictionaries(files: Sequence[SourceFile]) -> Measure:
    places = [
        f"{file.path}:{node.lineno}"
        for file in files
        for node in file.nodes
        if isinstance(node, ast.Subscript) and ast.unparse(node) == "dict[str, Any]"
    ]
    return Measure("occurrences of dict[str, Any]", len(places), at_most=20, places=places)


def _long_files(files: Sequence[SourceFile]) -> Measure:
    places = [str(file.path) for file in files if len(file.lines) > MAX_FILE_LINES]
    return Measure(
        f"files of more than {MAX_FILE_LINES} lines", len(places), at_most=0, places=places
    )


def _repeated_share(files: Sequence[SourceFile]) -> float:
    """The share of repeated windows in all windows, in per cent."""
    counts = Counter(window for file in files for window in file.windows)
    repeated = sum(count for count in counts.values() if count > 1)
    return 100 * _ratio(repeated, counts.total())


def has_sentence(node: Definition) -> bool:
    """Whether a definition has a docstring of at least one sentence."""
    text = (ast.get_docstring(node) or "").partition("\n\n")[0]
    return len(text.split()) > 1 and text.rstrip().endswith((".", "?", "!", ":"))


def _public_members(
    parent: ast.Module | ast.ClassDef, name: str
) -> Iterator[tuple[str, Definition]]:
    """The public classes, functions and methods in a module or class."""
    for node in parent.body:
        if not isinstance(node, ast.ClassDef | Function) or node.name.startswith("_"):
            continue
        inner = f"{name}:{node.name}"
        yield inner, node
        if isinstance(node, ast.ClassDef):
            yield from _public_members(node, inner)


def _is_docstring(node: ast.AST) -> TypeGuard[ast.Expr]:
    """Whether a statement consists of text only, as the docstring of a definition or attribute."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _lines_of(statements: Iterable[ast.stmt]) -> set[int]:
    """The numbers of the lines that the statements take."""
    return {i for node in statements for i in range(node.lineno, node.lineno + _length(node))}


def _length(node: ast.stmt) -> int:
    """The number of lines of a statement, decorators left out."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _percentile_90(values: Sequence[int]) -> float:
    """The smallest value that at least nine tenths of the values do not exceed."""
    ordered = sorted(values) or [0]
    return ordered[-(-9 * len(ordered) // 10) - 1]


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Print all measures; the exit status is 1 for a missed target with `--check`."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", type=Path, default=ROOT, help="the repository")
    parser.add_argument("--tests", action="store_true", help="measure the tests too")
    parser.add_argument("--list", action="store_true", help="print the places that miss a target")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a target is missed")
    options = parser.parse_args(arguments)
    results = measure(read_files(options.root / "src"))
    print_measures("src", results, options.list)
    if options.tests:
        tests = measure(read_files(options.root / "tests"))
        print_measures("tests", [result.without_target() for result in tests], options.list)
    is_missed = not all(result.is_met for result in results)
    return int(options.check and is_missed)


def print_measures(folder: str, results: Sequence[Measure], with_places: bool) -> None:
    """Print one measure a line, below each missed one the places that miss its target."""
    print(f"{folder}:")
    for result in results:
        print(f"  {result}")
        if with_places and not result.is_met:
            for place in result.places:
                print(f"    {place}")


if __name__ == "__main__":
    sys.exit(main())
