"""Cells of CSV files that a spreadsheet shows as text and never computes (OWASP, CSV injection)."""

import re

FORMULA = re.compile(r"'*[=+\-@\t\r＝＋－＠]")  # spreadsheets know both widths
NUMBER = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?")


def to_cell(text: str) -> str:
    """Text as a cell: what a spreadsheet would compute begins with an apostrophe.

    >>> to_cell("=1+1"), to_cell("-1.5"), to_cell("cat")
    ("'=1+1", '-1.5', 'cat')
    """
    return f"'{text}" if FORMULA.match(text) and not NUMBER.fullmatch(text) else text


def from_cell(cell: str) -> str:
    """The text of a cell that `to_cell` made.

    >>> from_cell("'=1+1"), from_cell("'t Hooft")
    ('=1+1', "'t Hooft")
    """
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell


def file_cell(name: str) -> str:
    """The name of a file as a cell; it remains a path.

    >>> file_cell("=1.png")
    './=1.png'
    """
    return f"./{name}" if FORMULA.match(name) else name
