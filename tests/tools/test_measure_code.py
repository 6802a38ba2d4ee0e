"""The measures of the code, on small files whose answers are known."""

from pathlib import Path
from types import ModuleType

import pytest

from tool_loading import load_tool


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    return load_tool("measure_code")


def measured(tool: ModuleType, folder: Path, **files: str) -> dict[str, float]:
    """The measures of files in `folder`/src, by title."""
    return {result.title: result.value for result in results(tool, folder, **files)}


def results(tool: ModuleType, folder: Path, **files: str) -> list:
    (folder / "src").mkdir()
    for name, text in files.items():
        (folder / "src" / f"{name}.py").write_text(text)
    return tool.measure(tool.read_files(folder / "src"))


CODE_LINES = '''"""A module.

Its docstring has three lines.
"""

# A comment.
import math


def area(radius):
    """The area of a disk."""
    text = """two
lines"""
    return math.pi * radius**2  # a comment behind code


LIMIT = 3
"""An attribute's docstring."""
'''


def test_code_lines_are_neither_blank_nor_comments_nor_docstrings(tool, tmp_path):
    values = measured(tool, tmp_path, one=CODE_LINES, two="x = 1\n")
    assert values["files"] == 2
    assert values["code lines"] == 6 + 1


def test_a_line_is_long_from_101_columns_on(tool, tmp_path):
    lines = "".join(f"x = '{'a' * (columns - 6)}'\n" for columns in (99, 100, 101, 130))
    assert [len(line) for line in lines.splitlines()] == [99, 100, 101, 130]
    long = next(r for r in results(tool, tmp_path, one=lines) if "columns" in r.title)
    assert long.value == 2
    assert [place.rpartition(":")[2] for place in long.places] == ["3", "4"]


DEFINITIONS = '''"""A module with a sentence."""

class Documented:
    """A class with a sentence."""

    def documented(self):
        """A method with a sentence."""

    def bare(self):
        def inner():
            return 1

    def __len__(self):
        return 0

def named():
    """named"""

def _private():
    return 1

class _Private:
    def method(self):
        return 1
'''


def test_documented_are_public_definitions_with_a_sentence(tool, tmp_path):
    files = {"one": DEFINITIONS, "_private": "def public():\n    return 1\n"}
    documented = next(r for r in results(tool, tmp_path, **files) if "docstring" in r.title)
    assert documented.value == pytest.approx(100 * 3 / 5)
    assert [place.partition(".py:")[2] for place in documented.places] == [
        "Documented:bare",
        "named",
    ]


@pytest.mark.parametrize(
    ("docstring", "expected"),
    [
        ("One sentence.", True),
        ("A sentence over\n    two lines.", True),
        ("A sentence.\n\n    Args:\n        x: More", True),
        ("No sentence", False),
        ("Word.", False),
        ("", False),
    ],
)
def test_a_sentence_has_words_and_ends(tool, docstring: str, expected: bool):
    function = tool.ast.parse(f'def f():\n    """{docstring}"""\n').body[0]
    assert tool.has_sentence(function) is expected


def test_untyped_dictionaries_are_counted_however_they_are_spaced(tool, tmp_path):
    text = (
        "from typing import Any\n"
        "a: dict[str, Any] = {}\n"
        "b: list[dict[str,Any]] = []\n"
        "c: dict[str, int] = {}\n"
        "# dict[str, Any] in a comment\n"
    )
    assert measured(tool, tmp_path, one=text)["occurrences of dict[str, Any]"] == 2


def numbered(prefix: str, count: int) -> list[str]:
    return [f"{prefix}{i} = {i}" for i in range(count)]


def test_repeated_windows_ignore_spaces_comments_and_imports(tool, tmp_path):
    shared = numbered("shared", 7)  # two windows
    one = [*numbered("a", 1), *shared]  # three windows, one of its own
    respaced = [line.replace(" = ", "  =  ") for line in shared]
    two = [*respaced[:3], "", "# A comment.", "import math", *respaced[3:]]  # two windows
    values = measured(tool, tmp_path, one="\n".join(one) + "\n", two="\n".join(two) + "\n")
    assert values["repeated windows of six lines"] == pytest.approx(100 * 4 / 5)


def test_five_equal_lines_are_no_repetition(tool, tmp_path):
    shared = numbered("shared", 5)
    one, two = ([*numbered(name, 3), *shared, *numbered(name * 2, 3)] for name in "ab")
    values = measured(tool, tmp_path, one="\n".join(one) + "\n", two="\n".join(two) + "\n")
    assert values["repeated windows of six lines"] == 0


def test_files_are_long_from_401_lines_on(tool, tmp_path):
    files = {"short": "x = 1\n" * 400, "long": "x = 1\n" * 401}
    assert measured(tool, tmp_path, **files)["files of more than 400 lines"] == 1


def test_lengths_of_functions_and_density_of_nodes(tool, tmp_path):
    def function(lines: int) -> str:
        return "def f():\n" + "    x\n" * (lines - 1)

    text = "".join(function(lines) for lines in range(2, 12))  # 2 to 11 lines
    values = measured(tool, tmp_path, one=text)
    assert values["median lines of a function"] == 6.5
    assert values["90th percentile of lines of a function"] == 10
    # A function: itself and its arguments; a line of it: statement, name, context; one module.
    nodes = 1 + 10 * 2 + 3 * sum(range(1, 11))
    assert values["syntax nodes per code line"] == pytest.approx(nodes / sum(range(2, 12)))


@pytest.mark.parametrize(("columns", "status"), [(100, 0), (101, 1)])
def test_check_fails_if_and_only_if_a_target_is_missed(tool, tmp_path, columns: int, status: int):
    text = '"""A short module."""\n' + f"x = '{'a' * (columns - 6)}'\n"
    results(tool, tmp_path, one=text)
    root = ["--root", str(tmp_path)]
    assert tool.main([*root, "--check"]) == status
    assert tool.main(root) == 0


def test_tests_have_no_targets(tool, tmp_path):
    results(tool, tmp_path, one='"""A short module."""\n')
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_one.py").write_text(f"x = '{'a' * 200}'\n")
    assert tool.main(["--root", str(tmp_path), "--check", "--tests"]) == 0


def test_no_files_meet_every_target(tool, tmp_path):
    assert all(result.is_met for result in results(tool, tmp_path))
