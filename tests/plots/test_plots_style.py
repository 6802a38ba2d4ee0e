"""Saving is atomic, equal plots are equal files, settings stay unchanged."""

import ast
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from PIL import Image

import vaekit.plots
from raising import raises
from vaekit.errors import DiskError, OutputError
from vaekit.plots import (
    bars,
    decoded_grid,
    latent_scatter,
    loss_curves,
    project,
    reconstructions,
    save,
    sheet,
)
from vaekit.plots.style import format_number, installed_fonts


def test_save_writes_png_at_150_dpi(tmp_path):
    path = save(Figure(figsize=(2, 1)), tmp_path / "a.png")
    with Image.open(path) as image:
        assert image.size == (300, 150)
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize(
    ("name", "start"), [("a.pdf", b"%PDF"), ("a.svg", b"<?xml"), ("b.PNG", b"\x89PNG")]
)
def test_save_goes_by_suffix(tmp_path, name, start):
    assert save(Figure(), str(tmp_path / name)) == tmp_path / name
    assert (tmp_path / name).read_bytes().startswith(start)


@pytest.mark.parametrize("suffix", [".png", ".pdf", ".svg"])
def test_equal_plots_are_equal_files(tmp_path, suffix):
    paths = [
        save(sheet(np.zeros((1, 1, 8, 8)), title="a"), tmp_path / f"{name}{suffix}")
        for name in "ab"
    ]
    content = paths[0].read_bytes()
    assert content == paths[1].read_bytes()
    assert b"dc:date" not in content and b"CreationDate" not in content


def test_only_installed_fonts_are_used(tmp_path, caplog):
    assert installed_fonts(["No Such Font", "DejaVu Sans", "cmr10"]) == [
        "DejaVu Sans"
    ]  # the last is regular alone
    save(sheet(np.zeros((1, 1, 8, 8)), title="名前", captions=["한국"]), tmp_path / "a.png")
    assert caplog.text == ""


@pytest.mark.parametrize("name", ["a.jpg", "a"])
def test_save_refuses_other_suffixes(tmp_path, name):
    with raises(OutputError, "path"):
        save(Figure(), tmp_path / name)


def test_save_makes_the_folder(tmp_path):
    assert save(Figure(), tmp_path / "absent" / "a.png").is_file()


def test_save_below_a_file_and_onto_a_folder(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.png").mkdir()
    for path in (tmp_path / "file" / "a.png", tmp_path / "folder.png"):
        with raises(OutputError):
            save(Figure(), path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder.png"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failed_save_keeps_the_old_file_and_leaves_nothing(tmp_path, monkeypatch, error):
    path = tmp_path / "a.png"
    path.write_text("old")

    def fail(self, target, **_):
        target.write(b"half")
        raise error

    monkeypatch.setattr(Figure, "savefig", fail)
    with pytest.raises(DiskError if isinstance(error, OSError) else KeyboardInterrupt) as caught:
        save(Figure(), path)
    assert path.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["a.png"]
    assert "\n" not in str(caught.value)


def test_plots_do_not_change_the_settings_of_the_caller():
    before = dict(matplotlib.rcParams)
    latent_scatter([[0.0, 1.0], [1.0, 0.0]], title="a title")
    assert dict(matplotlib.rcParams) == before


LONG_TITLE = (
    "Losses of 10,000 examples\n\nPosterior collapse: 0 of 16 latent dimensions are active."
)


@pytest.mark.parametrize("kind", ["scatter", "sheet", "bars"])
def test_a_warning_is_between_the_title_and_the_plot(kind):
    figure = {
        "scatter": lambda title: latent_scatter(np.eye(2), title=title),
        "sheet": lambda title: sheet(np.zeros((4, 1, 8, 8)), title=title),
        "bars": lambda title: bars([1.0], "a", axis_labels=("a", "b"), title=title),
    }[kind](LONG_TITLE)
    figure.draw_without_rendering()
    (note,) = [each for each in figure.artists if isinstance(each, Annotation)]
    assert " ".join(note.get_text().split()) == LONG_TITLE.partition("\n\n")[2]
    assert figure.get_suptitle().split() == LONG_TITLE.partition("\n\n")[0].split()
    assert figure._suptitle is not None
    heading, box = figure._suptitle.get_window_extent(), note.get_window_extent()
    lines = len(figure._suptitle.get_text().splitlines())
    words = len(figure._suptitle.get_text().rstrip().splitlines())
    assert box.y1 <= heading.y1 - heading.height * words / lines + 3
    assert box.y0 >= max(axes.get_tightbbox().y1 for axes in figure.axes)
    assert box.x0 >= 0 and box.x1 <= figure.bbox.x1


def test_a_long_warning_is_cut_to_three_lines():
    figure = sheet(np.zeros((4, 1, 8, 8)), title="a\n\n" + "word " * 500)
    (note,) = [each for each in figure.artists if isinstance(each, Annotation)]
    assert note.get_text().count("\n") == 2
    assert note.get_text().endswith("…")


def test_formatted_numbers():
    assert format_number(-0.001) == "0.00"
    assert format_number(-1.5) == "−1.50"
    assert format_number(2, 0) == "2"
    assert format_number(-3e7) == "−3e+07"


def test_only_numpy_matplotlib_and_pillow_are_imported_and_never_pyplot():
    allowed = {"numpy", "matplotlib", "PIL", *sys.stdlib_module_names}
    for file in Path(vaekit.plots.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert name.split(".")[0] in allowed or name.startswith(
                    ("vaekit.plots", "vaekit.errors", "vaekit.files.atomic")
                )
                assert "pyplot" not in name


def test_the_public_names():
    drawn = (decoded_grid, latent_scatter, loss_curves, project, reconstructions, save, sheet)
    assert vaekit.plots.__all__ == sorted(vaekit.plots.__all__)
    assert all(f.__doc__ and vaekit.plots.__all__.count(f.__name__) for f in drawn)
