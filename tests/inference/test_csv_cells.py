"""Text in CSV files is shown, never computed, and read as it was."""

import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaekit.inference.csv_cells import from_cell, to_cell
from vaekit.inference.encode_decode import LatentCodes
from vaekit.inference.output import load_codes, save_codes, save_scores

SIGNS = "=+-@\t\r"
HOSTILE = ['=HYPERLINK("http://a","b")', "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "＝1", "'=1"]
PLAIN = ["cat", "-1.5", "+3", "1e-5", "'t Hooft", "a=b", "", "-1e5"]


@pytest.mark.parametrize("text", HOSTILE)
def test_text_that_a_spreadsheet_would_compute_begins_with_an_apostrophe(text: str):
    assert to_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", PLAIN)
def test_other_text_and_numbers_stay_as_they_are(text: str):
    assert to_cell(text) == text


@given(st.text() | st.text(alphabet=f"{SIGNS}'＝19.e"))
def test_every_text_is_read_as_it_was(text: str):
    assert from_cell(to_cell(text)) == text
    assert not to_cell(text).startswith(tuple("=@\t\r"))


def test_classes_in_files_of_codes_and_scores(tmp_path):
    codes = LatentCodes(-np.ones((8, 2)), np.ones((8, 2)), None)
    save_codes(tmp_path / "codes.csv", codes, HOSTILE)
    save_scores(tmp_path / "scores.csv", -np.ones(8), HOSTILE)
    for name in ("codes.csv", "scores.csv"):
        with (tmp_path / name).open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert [row["class"] for row in rows] == [f"'{text}" for text in HOSTILE]
    assert {row["score"] for row in rows} == {"-1"}
    means, classes = load_codes(tmp_path / "codes.csv")
    assert (means == codes.mean).all()
    printable = [text for text in HOSTILE if text.isprintable()]
    assert classes is not None and [text for text in classes if text in printable] == printable
