"""A scatter plot shows every latent code in the color of its class, with readable names."""

import itertools

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch

from raising import raises
from vaekit.errors import DataError
from vaekit.plots import CLASS_COLORS, latent_scatter, normal_contours, save
from vaekit.plots.style import class_style, marker_path

RNG = np.random.default_rng(1)
CODES = RNG.normal(size=(500, 2))
LABELS = RNG.integers(0, 10, 500)


def points(figure: Figure) -> list[PathCollection]:
    return [artist for artist in figure.axes[0].collections if isinstance(artist, PathCollection)]


def legend(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_every_point_is_drawn_once_in_the_color_of_its_class():
    (drawn,) = points(latent_scatter(CODES, LABELS))
    colors = {tuple(code): CLASS_COLORS[label] for code, label in zip(CODES, LABELS, strict=True)}
    offsets = np.asarray(drawn.get_offsets())
    assert len(offsets) == 500
    assert {
        tuple(xy): to_hex(c).upper()
        for xy, c in zip(offsets, np.asarray(drawn.get_facecolor()), strict=True)
    } == {code: color.upper() for code, color in colors.items()}


def test_the_order_is_random_and_always_the_same():
    labels = np.sort(LABELS)
    first, again = (
        np.asarray(points(latent_scatter(CODES, labels))[0].get_offsets()) for _ in range(2)
    )
    assert np.array_equal(first, again) and not np.array_equal(first, CODES)


def test_each_class_is_in_the_legend_and_named_at_its_median():
    centers = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    labels = np.repeat([0, 1, 2], 50)
    figure = latent_scatter(
        centers[labels] + 0.1 * RNG.normal(size=(150, 2)), labels, ("cat", "dog", "cow")
    )
    assert legend(figure) == ["cat", "dog", "cow"]
    written = {text.get_text(): text.get_position() for text in figure.axes[0].texts}
    for name, center in zip(("cat", "dog", "cow"), centers, strict=True):
        assert np.allclose(written[name], center, atol=0.7)
    assert all(text.get_path_effects() for text in figure.axes[0].texts)


@pytest.mark.parametrize(("name", "written"), [("{}", 10), ("class {}", 5)])
def test_overlapping_names_are_moved_but_not_far(name, written):
    figure = latent_scatter(CODES, LABELS, [name.format(i) for i in range(10)])
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    boxes = [text.get_window_extent(renderer) for text in figure.axes[0].texts]
    assert len(boxes) == written
    for text, box in zip(figure.axes[0].texts, boxes, strict=True):
        label = int(text.get_text()[-1])
        middle = np.median(CODES[label == LABELS], axis=0)
        distance = np.abs(
            figure.axes[0].transData.transform(middle)
            - [(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2]
        )
        assert (distance <= 3 * np.array([box.width, box.height])).all()
    for a, b in itertools.combinations(boxes, 2):
        assert min(a.x1, b.x1) - max(a.x0, b.x0) < 1 or min(a.y1, b.y1) - max(a.y0, b.y0) < 1


def test_the_legend_lists_the_classes_of_the_codes_by_name_or_index():
    assert legend(latent_scatter(CODES[:4], [5, 1, 1, 7], ("a", "b", "c", "d", "e", "f"))) == [
        "b",
        "f",
        "7",
    ]


def test_every_point_has_the_marker_of_its_class():
    labels = np.arange(500) % 25
    (drawn,) = points(latent_scatter(CODES, labels))
    label_of = dict(zip(map(tuple, CODES), labels, strict=True))
    for offset, path in zip(np.asarray(drawn.get_offsets()), drawn.get_paths(), strict=True):
        _, marker = class_style(label_of[tuple(offset)])
        assert np.array_equal(path.vertices, marker_path(marker).vertices)


def test_hundreds_of_classes_are_listed_up_to_a_limit(tmp_path):
    figure = latent_scatter(CODES, np.arange(500) % 200)
    assert len(legend(figure)) == 30
    assert figure.legends[0].get_title().get_text() == "and 170 more classes"
    save(figure, tmp_path / "a.png")


def test_one_class_more_than_the_legend_holds():
    scatter = latent_scatter(CODES[:31], range(31))
    assert scatter.legends[0].get_title().get_text() == "and 1 more class"
    histograms = latent_scatter(CODES[:31, :1], range(31))
    assert histograms.axes[0].get_title("left") == "and 1 more class"


def test_long_names_with_a_common_beginning_have_distinct_labels():
    names = ("one of the very long names", "one of the very long ones", "short")
    assert legend(latent_scatter(CODES[:3], range(3), names)) == ["…names", "…ones", "short"]


def test_special_characters_in_names_are_written_unchanged(tmp_path):
    names = ("_background", "$5", "$\\frac$", "a" * 40, "猫")
    figure = latent_scatter(CODES[:5], range(5), names)
    assert legend(figure) == ["_background", "$5", "$\\frac$", "a" * 17 + "…", "猫"]
    save(figure, tmp_path / "a.png")


def test_without_labels_one_color_and_no_legend():
    figure = latent_scatter(CODES, axis_names=("PC 1", "PC 2"), title="codes")
    (drawn,) = points(figure)
    assert len(np.unique(drawn.get_facecolor(), axis=0)) == 1 and not figure.legends
    assert (figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()) == ("PC 1", "PC 2")
    assert figure.get_suptitle() == "codes"


def test_one_unit_is_as_long_on_both_axes():
    assert latent_scatter(CODES * [5, 1]).axes[0].get_aspect() == 1


def test_points_shrink_and_fade_as_there_are_more():
    (few,) = points(latent_scatter(CODES))
    (many,) = points(latent_scatter(np.tile(CODES, (100, 1))))
    assert many.get_sizes()[0] < few.get_sizes()[0]
    assert (many.get_alpha() or 1) < (few.get_alpha() or 1)
    assert many.get_rasterized()


@pytest.mark.parametrize("value", [0.0, 3.5, -1e12])
@pytest.mark.parametrize("count", [1, 7])
def test_equal_codes(tmp_path, value, count):
    for width in (1, 2):
        figure = latent_scatter(np.full((count, width), value), np.zeros(count, int), ("only",))
        assert save(figure, tmp_path / f"{width}.png").is_file()


def test_far_outliers_are_left_out_and_counted():
    codes = np.concatenate([RNG.normal(size=(5000, 2)), [[500.0, 0.0], [0.0, -700.0]]])
    axes = latent_scatter(codes).axes[0]
    assert max(np.abs([axes.get_xlim(), axes.get_ylim()]).ravel()) < 10
    assert [text.get_text() for text in axes.texts] == ["2 of 5,002 points lie outside"]


def test_without_outliers_every_point_is_inside():
    axes = latent_scatter(CODES).axes[0]
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    assert left < CODES[:, 0].min() and right > CODES[:, 0].max()
    assert bottom < CODES[:, 1].min() and top > CODES[:, 1].max()
    assert not axes.texts


def test_one_dimension_gives_a_histogram_per_class():
    axes = latent_scatter(CODES[:, :1], LABELS % 3, ("a", "b", "c")).axes[0]
    rows = [patch.get_data() for patch in axes.patches if isinstance(patch, StepPatch)]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["c", "b", "a"]
    for height, (label, (top, edges, baseline)) in enumerate(zip((2, 1, 0), rows, strict=True)):
        counts, _ = np.histogram(CODES[label == LABELS % 3, 0], edges)
        assert counts.sum() == np.count_nonzero(label == LABELS % 3)
        assert baseline == height and np.allclose(top, height + 0.9 * counts / counts.max())


@pytest.mark.parametrize(
    ("codes", "labels", "parameter"),
    [
        (np.zeros((4, 3)), None, "codes"),
        (np.zeros(4), None, "codes"),
        (np.zeros((0, 2)), None, "codes"),
        ([[0.0, np.nan]], None, "codes"),
        ([["a", "b"]], None, "codes"),
        ([[0.0, 1.0], [2.0]], None, "codes"),
        (CODES[:3], [0, 1], "labels"),
        (CODES[:2], [0.5, 1.0], "labels"),
        (CODES[:2], [-1, 1], "labels"),
    ],
)
def test_invalid_arguments(codes, labels, parameter):
    with raises(DataError, parameter):
        latent_scatter(codes, labels)


# --- The prior ------------------------------------------------------------------------------------

CONTOURS = normal_contours([0, 0], np.eye(2))


def test_the_axes_include_the_contours_of_the_prior():
    axes = latent_scatter(0.1 * CODES, contours=CONTOURS).axes[0]
    for low, high in (axes.get_xlim(), axes.get_ylim()):
        assert low < -3.03 and high > 3.03
    far = latent_scatter(0.1 * CODES + 20, contours=CONTOURS).axes[0]
    assert far.get_xlim()[0] < -3.03 and far.get_xlim()[1] > 20
    assert [text.get_text() for text in axes.texts if "%" in text.get_text()] == [
        "50 %",
        "90 %",
        "99 %",
    ]


def test_names_of_classes_do_not_hide_collapsed_codes():
    written = [
        [text.get_text() for text in latent_scatter(codes, LABELS, contours=CONTOURS).axes[0].texts]
        for codes in (CODES, 0.01 * CODES)
    ]
    assert len(set(written[0]) - {"50 %", "90 %", "99 %"}) == 10
    assert set(written[1]) == {"50 %", "90 %", "99 %"}


def test_histograms_include_the_intervals_of_the_prior():
    contours = normal_contours([1], [[4]])
    axes = latent_scatter(0.1 * CODES[:, :1], LABELS, contours=contours).axes[0]
    ends = sorted(line.get_xdata()[0] for line in axes.lines)
    half = 2 * np.array([2.5758, 1.6449, 0.6745])
    assert np.allclose(ends, [*(1 - half), *(1 + half[::-1])], atol=1e-3)
    assert axes.get_xlim()[0] < ends[0] and axes.get_xlim()[1] > ends[-1]
