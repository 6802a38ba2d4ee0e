"""Loss curves show all finite values and mark the best epoch."""

import numpy as np

from raising import raises
from vaekit.errors import DataError
from vaekit.plots import loss_curves, save

TRAIN = [
    191.68,
    163.97,
    159.00,
    156.82,
    155.40,
    154.28,
    153.47,
    152.75,
    152.26,
    151.73,
    151.40,
    150.99,
    150.62,
    150.34,
]
VAL = [
    170.15,
    160.23,
    158.08,
    156.34,
    154.75,
    153.97,
    153.80,
    152.64,
    152.66,
    151.79,
    151.66,
    151.33,
    152.08,
    151.70,
]
TERMS = ("loss", "reconstruction", "divergence")


def history(train=TRAIN, val=VAL) -> dict[str, np.ndarray]:
    """Columns with a divergence of 6 nats throughout."""
    table = {"epoch": np.arange(1.0, len(train) + 1)}
    for name, values in (("train", np.array(train, float)), ("val", np.array(val, float))):
        table |= {
            f"{name}_loss": values,
            f"{name}_reconstruction": values - 6,
            f"{name}_divergence": np.full(len(values), 6.0),
        }
    return table


def lines(axes) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    return {line.get_label(): line.get_data() for line in axes.lines}


def star(axes) -> list[tuple[float, float]]:
    return [line.get_xydata()[0].tolist() for line in axes.lines if line.get_marker() == "*"]


def test_three_panels_of_training_and_validation_in_nats():
    table = history()
    figure = loss_curves(table, title="run")
    assert [axes.get_title("left") for axes in figure.axes] == [
        "Loss (negative ELBO)",
        "Reconstruction",
        "Divergence",
    ]
    assert figure.axes[-1].get_xlabel() == "epoch" and figure.get_suptitle() == "run"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["training", "validation"]
    for axes, term in zip(figure.axes, TERMS, strict=True):
        assert axes.get_ylabel() == "nats"
        for label, series in (("training", "train"), ("validation", "val")):
            x, y = lines(axes)[label]
            assert np.array_equal(x, table["epoch"])
            assert np.array_equal(y, table[f"{series}_{term}"])


def test_the_best_validation_epoch_is_marked_with_its_values():
    figure = loss_curves(history())
    assert [star(axes) for axes in figure.axes] == [[[12, 151.33]], [[12, 145.33]], [[12, 6]]]
    titles = [axes.get_title("right") for axes in figure.axes]
    assert titles == ["★ best: 151.33, epoch 12", "★ 145.33", "★ 6.00"]


def test_a_huge_first_epoch_does_not_flatten_the_rest():
    axes = loss_curves(history([9e4, *TRAIN[1:]])).axes[0]
    low, high = axes.get_ylim()
    assert low < 150.34 and 163.97 < high < 175
    assert [text.get_text() for text in axes.texts] == ["↑ epoch 1 reaches 90000.00"]


def test_a_steady_descent_or_late_growth_keeps_every_value_in_view():
    for values in (np.linspace(300, 100, 20), np.exp(np.arange(20.0))):
        axes = loss_curves(history(values, values)).axes[0]
        low, high = axes.get_ylim()
        assert low <= values.min() and high >= values.max() and not axes.texts


def test_one_epoch_shows_as_a_marker(tmp_path):
    figure = loss_curves(history([191.68], [170.15]))
    assert figure.axes[0].lines[0].get_marker() == "o" and star(figure.axes[0]) == [[1, 170.15]]
    save(figure, tmp_path / "a.png")


def test_values_that_are_not_finite_are_left_out(tmp_path):
    table = history()
    table["train_loss"][3] = np.nan
    table["val_loss"][11] = -np.inf
    table["val_divergence"][:] = np.nan
    table["epoch"][5] = np.nan
    figure = loss_curves(table)
    drawn = lines(figure.axes[0])
    assert len(drawn["training"][0]) == 12
    assert 4 not in drawn["training"][0]
    assert 12 not in drawn["validation"][0]
    assert star(figure.axes[0]) == [[11, 151.66]] and star(figure.axes[2]) == []
    save(figure, tmp_path / "a.png")


def test_without_a_divergence_the_loss_is_the_reconstruction_and_stands_alone(tmp_path):
    table = history() | {
        f"{series}_divergence": np.full(len(TRAIN), np.nan) for series in ("train", "val")
    }
    figure = loss_curves(table)
    (axes,) = figure.axes
    assert axes.get_title("left") == "Loss (reconstruction alone)" and axes.get_xlabel() == "epoch"
    assert star(axes) == [[12, 151.33]] and axes.get_title("right") == "★ best: 151.33, epoch 12"
    save(figure, tmp_path / "a.png")


def test_without_validation_losses_no_epoch_is_marked(tmp_path):
    figure = loss_curves(history(TRAIN, [None] * len(TRAIN)))
    assert [star(axes) for axes in figure.axes] == [[], [], []]
    save(figure, tmp_path / "a.png")


def test_early_epochs_that_are_not_finite(tmp_path):
    figure = loss_curves(history([np.nan, *TRAIN[1:]], [np.inf, *VAL[1:]]))
    assert save(figure, tmp_path / "a.png").is_file()


def test_the_best_epoch_may_be_chosen():
    figure = loss_curves(history(), best_epoch=3)
    assert [star(axes) for axes in figure.axes] == [[[3, 158.08]], [[3, 152.08]], [[3, 6]]]


def test_invalid_histories():
    table = history()
    without = {name: column for name, column in table.items() if name not in ("epoch", "val_loss")}
    invalid = [
        without,
        table | {"epoch": [1, 2]},
        table | {"val_loss": np.array(["a"] * 14)},
        history([np.nan, np.inf], [np.nan, np.nan]),
        history([], []),
    ]
    for each in invalid:
        with raises(DataError, "history"):
            loss_curves(each)


def test_a_line_marks_the_begin_of_the_second_stage():
    figure = loss_curves(history(), second_stage_epoch=3)
    marks = [
        [line for line in axes.lines if set(line.get_xdata()) == {2.5}] for axes in figure.axes
    ]
    assert [len(each) for each in marks] == [1, 1, 1]
    assert marks[0][0].get_label() in [text.get_text() for text in figure.legends[0].get_texts()]
