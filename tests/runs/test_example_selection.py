"""Selected examples: parts of the run's dataset, and other data converted to suit the run."""

from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import vaekit
from conftest import QUIET, small_images, train_small
from raising import raises
from vaekit.data import Dataset, Examples, Support
from vaekit.errors import ConfigError, DataError
from vaekit.runs.example_selection import select_evaluation_examples, select_examples

pytestmark = pytest.mark.slow

SHORT = {"training": {"epochs": 1, "batch_size": 16, "device": "cpu"}, "console": QUIET}
NAMES = ("dog", "cat", "owl")


def image_folder(folder: Path, shape=(20, 30), classes=("cat", "dog"), per_class=15) -> str:
    """A folder of random color images, one subfolder per class."""
    rng = np.random.default_rng(list(folder.name.encode()))
    for name in classes:
        (folder / name).mkdir(parents=True)
        for i in range(per_class):
            pixels = rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{i:02}.png")
    return str(folder)


def gray_folder(folder: Path, shape=(20, 30), count=30) -> str:
    folder.mkdir(parents=True)
    for i in range(count):
        pixels = np.random.default_rng(i).integers(0, 256, shape, dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{i:02}.png")
    return str(folder.parent)


@pytest.fixture(scope="module")
def color_run(tmp_path_factory):
    """A run on color images of cats and dogs."""
    folder = tmp_path_factory.mktemp("color")
    data = image_folder(folder / "images")
    return vaekit.train("mlp", data=data, out=folder / "run", **SHORT)


# --- Parts of the run's dataset --------------------------------------------------------------


@pytest.mark.parametrize("split", [None, "train", "validation", "test"])
def test_a_part_of_the_dataset_has_the_examples_of_the_split(small_run, split):
    examples, part, run_data = select_examples(small_run, split)
    assert part == (split or "test")
    assert run_data is not None
    indices = np.load(small_run.path / "split.npz")[part]
    np.testing.assert_array_equal(examples.x, small_images().train.x[indices])
    np.testing.assert_array_equal(examples.y, small_images().train.y[indices])


@pytest.mark.parametrize("split", [None, "train"])
def test_the_runs_own_dataset_is_split_as_in_training_for_an_evaluation(small_run, split):
    expected = select_evaluation_examples(small_run, split)
    passed = select_evaluation_examples(small_run, split, small_images())
    np.testing.assert_array_equal(passed.examples.x, expected.examples.x)
    assert passed.part == expected.part and passed.run_data is not None


def test_the_runs_own_file_is_used_completely_without_a_split(small_run):
    examples, part, run_data = select_examples(small_run, data=small_run.config.data.source)
    assert (len(examples), part, run_data) == (60, "all", None)


def test_an_unknown_split_is_refused(small_run):
    for select in (select_examples, select_evaluation_examples):
        with raises(ConfigError, "split"):
            select(small_run, "tset")


# --- Other data ------------------------------------------------------------------------------


def test_other_data_without_a_test_part_have_no_splits(small_run, tmp_path):
    np.save(tmp_path / "x.npy", small_images().train.x[:4, 0])
    examples, part, run_data = select_examples(small_run, data=tmp_path / "x.npy")
    np.testing.assert_array_equal(examples.x, small_images().train.x[:4])
    assert (part, run_data) == ("all", None)
    with raises(DataError, "split"):
        select_examples(small_run, "train", tmp_path / "x.npy")


def test_other_data_with_a_test_part_are_divided_into_test_and_the_rest(small_run, tmp_path):
    x = small_images(examples=40).train.x
    np.savez(tmp_path / "two.npz", x=x[:10], x_test=x[10:])
    for split, count, part in ((None, 30, "test"), ("test", 30, "test"), ("train", 10, None)):
        examples, actual, _ = select_examples(small_run, split, tmp_path / "two.npz")
        assert len(examples) == count
        assert actual == (part or "all but test")


def test_other_data_of_another_shape_or_support_are_refused(small_run, tmp_path):
    for x in (np.zeros((5, 1, 8, 9), np.uint8), np.full((5, 1, 8, 8), 0.5), np.zeros((5, 3))):
        with raises(DataError):
            select_examples(small_run, data=x)
    with raises(DataError, "data"):
        select_examples(small_run, data="digits")


def test_images_are_resized_as_in_training(tmp_path):
    data = {"source": image_folder(tmp_path / "images"), "resize": (9, 7)}
    run = vaekit.train("mlp", data=data, out=tmp_path / "run", **SHORT)
    assert run.model.data_shape == (3, 9, 7)
    other = image_folder(tmp_path / "other", shape=(30, 40))
    assert select_examples(run, data=other).examples.x.shape == (30, 3, 9, 7)


def test_images_of_arrays_are_cropped_and_tiled_as_in_training(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (20, 10, 10), dtype=np.uint8)
    np.save(tmp_path / "x.npy", images)
    data = {"source": str(tmp_path / "x.npy"), "crop": (8, 8), "tile": (4, 4)}
    run = vaekit.train("mlp", data=data, out=tmp_path / "run", **SHORT)
    tiles = images[:5, 1:9, 1:9].reshape(5, 2, 4, 2, 4).transpose(0, 1, 3, 2, 4).reshape(20, 4, 4)
    for other in (images[:5], tiles):
        assert np.array_equal(select_examples(run, data=other).examples.x[:, 0], tiles)
    assert select_examples(run).run_data is not None  # the same examples as in training
    with raises(DataError):
        select_examples(run, data=images[:, :3])


def test_images_of_several_sizes_are_refused(color_run, tmp_path):
    image_folder(tmp_path / "mixed/a")
    image_folder(tmp_path / "mixed/b", shape=(9, 9))
    with raises(DataError, "data"):
        select_examples(color_run, data=str(tmp_path / "mixed"))


def test_gray_images_become_color_images_of_equal_channels(color_run, tmp_path):
    x = select_examples(color_run, data=gray_folder(tmp_path / "gray/one")).examples.x
    assert x.shape == (30, 3, 20, 30)
    assert (x == x[:, :1]).all()


def test_color_images_become_gray_by_the_lightness_of_pillow(tmp_path):
    run = vaekit.train(
        "mlp", data=gray_folder(tmp_path / "gray/one"), out=tmp_path / "run", **SHORT
    )
    color = image_folder(tmp_path / "color")
    x = select_examples(run, data=color).examples.x
    with Image.open(sorted(Path(color, "cat").iterdir())[0]) as image:
        np.testing.assert_allclose(x[0, 0], np.asarray(image.convert("L")), atol=1)


# --- Labels of other data --------------------------------------------------------------------


def animals(names, per_class=10) -> Dataset:
    """Random images of named classes, numbered in the order of the names."""
    y = np.arange(per_class * len(names)) % len(names)
    x = np.random.default_rng(len(names)).integers(0, 256, (len(y), 1, 8, 8), dtype=np.uint8)
    return Dataset("animals", Examples(x, y), None, Support("integers", 256), tuple(names))


def class_names(run, examples) -> list[str]:
    return [run.config.data.classes[number] for number in examples.y]


@pytest.fixture(scope="module")
def animal_run(tmp_path_factory):
    """A conditional run whose classes are not in alphabetical order."""
    folder = tmp_path_factory.mktemp("animals")
    return train_small(folder / "run", animals(NAMES, per_class=20), conditional=True)


@pytest.mark.parametrize("names", [*permutations(NAMES), ("cat", "dog"), ("owl", "cat"), ("owl",)])
def test_classes_of_other_data_keep_their_names_in_any_order(animal_run, tmp_path, names):
    data = animals(names)
    np.savez(tmp_path / "named.npz", x=data.train.x, y=np.array(names)[data.train.y])
    expected = [names[number] for number in data.train.y]
    for source in (data, tmp_path / "named.npz"):
        examples = select_examples(animal_run, data=source).examples
        assert class_names(animal_run, examples) == expected
    with_test = replace(data, test=Examples(data.train.x, data.train.y[::-1].copy()))
    examples, part, _ = select_examples(animal_run, "test", with_test)
    assert part == "test"
    assert class_names(animal_run, examples) == expected[::-1]


def test_data_with_an_unknown_class_have_no_labels(color_run, tmp_path):
    cows = image_folder(tmp_path / "cows", classes=("cow", "dog"))
    assert select_examples(color_run, data=cows).examples.y is None


def test_the_numbering_of_classes_in_other_data_does_not_change_an_evaluation(animal_run):
    data = animals(NAMES)
    order = ("owl", "dog", "cat")
    y = np.array([order.index(NAMES[number]) for number in data.train.y])
    renumbered = replace(data, train=Examples(data.train.x, y), classes=order)
    options = {"importance_samples": 3, "generated_examples": 0}
    first, second = (
        vaekit.evaluate(animal_run, data=each, **options).terms for each in (data, renumbered)
    )
    assert first == second


@pytest.mark.parametrize("names", [None, ("dog", "cat", "cow")], ids=["none", "others"])
def test_a_conditional_run_needs_labels_of_its_classes(animal_run, tmp_path, names):
    data = animals(NAMES)
    arrays = {} if names is None else {"y": np.array(names)[data.train.y]}
    np.savez(tmp_path / "other.npz", x=data.train.x, **arrays)
    examples = select_examples(animal_run, data=tmp_path / "other.npz").examples
    with raises(DataError, "labels"):
        animal_run.inputs(examples)
