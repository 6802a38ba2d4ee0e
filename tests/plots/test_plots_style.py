"""Saving is atomic, colors are distinct to color-blind readers, settings stay unchanged."""

import ast
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

import vaekit.plots
from raising import raises
from vaekit import html
from vaekit.errors import OutputError
from vaekit.plots import (
    CLASS_COLORS,
    decoded_grid,
    latent_scatter,
    loss_curves,
    project,
    reconstructions,
    save,
    sheet,
)
from vaekit.plots.curves import SERIES
from vaekit.plots.style import INK, MUTED, class_style, format_number, installed_fonts


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
        Path(target).write_text("half")
        raise error

    monkeypatch.setattr(Figure, "savefig", fail)
    with pytest.raises(OutputError if isinstance(error, OSError) else KeyboardInterrupt) as caught:
        save(Figure(), path)
    assert path.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["a.png"]
    assert "\n" not in str(caught.value)


def test_plots_do_not_change_the_settings_of_the_caller():
    before = dict(matplotlib.rcParams)
    latent_scatter([[0.0, 1.0], [1.0, 0.0]], title="a title")
    assert dict(matplotlib.rcParams) == before


def test_classes_beyond_ten_differ_by_marker():
    assert len(set(CLASS_COLORS)) == 10
    assert len({class_style(index) for index in range(100)}) == 100


# Colors as seen without one kind of cone, as a change of linear RGB: Machado, Oliveira and
# Fernandes, "A physiologically-based model for simulation of color vision deficiency" (2009),
# severity 1.0.
DEFICIENCIES = {
    "none": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
}
LAB = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
WHITE = LAB.sum(1)


def seen(colors, deficiency) -> np.ndarray:
    """sRGB colors in CIELAB (D65), as seen with a color vision deficiency, [N, 3]."""
    rgb = np.array([to_rgb(color) for color in colors])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = np.clip(linear @ np.transpose(DEFICIENCIES[deficiency]), 0, 1) @ LAB.T / WHITE
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], -1)


def closest(colors, deficiency) -> float:
    """The smallest CIE76 distance between two colors; about 2.3 is just noticeable."""
    lab = seen(colors, deficiency)
    distances = np.linalg.norm(lab[:, None] - lab[None], axis=-1)
    return distances[np.triu_indices(len(lab), 1)].min()


def test_color_distances_match_published_values():
    assert np.allclose(seen(["white", "black"], "none"), [[100, 0, 0], [0, 0, 0]], atol=0.01)
    assert np.allclose(seen(["red"], "none"), [[53.24, 80.09, 67.20]], atol=0.02)
    assert closest(["#ff0000", "#8f7d00"], "deuteranopia") < 0.3 * closest(
        ["#ff0000", "#8f7d00"], "none"
    )


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_colors_of_classes_are_distinct(deficiency):
    assert closest(CLASS_COLORS, deficiency) > 7


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
@pytest.mark.parametrize(
    "colors",
    [SERIES.values(), [(0, CLASS_COLORS[0]), (0, MUTED)], [(0, INK), (0, CLASS_COLORS[1])]],
)
def test_colors_of_lines_and_bars_are_far_apart(deficiency, colors):
    assert closest([color for _, color, *_ in colors], deficiency) > 25


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_colors_of_a_notebook_are_distinct_on_black_and_on_white(deficiency):
    colors = [color for color, _ in html.SERIES.values()]
    assert closest([*colors, "white", "black"], deficiency) > 25


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
                    ("vaekit.plots", "vaekit.errors", "vaekit.atomic_io")
                )
                assert "pyplot" not in name


def test_the_public_names():
    drawn = (decoded_grid, latent_scatter, loss_curves, project, reconstructions, save, sheet)
    assert vaekit.plots.__all__ == sorted(vaekit.plots.__all__)
    assert all(f.__doc__ and vaekit.plots.__all__.count(f.__name__) for f in drawn)
