import numpy as np
import pytest
import torch

import vaekit
from conftest import small_images, train_small
from raising import raises
from vaekit.data.support import Transform
from vaekit.errors import ConfigError, DataError
from vaekit.inputs import ModelInputs
from vaekit.inputs.augmentation import AUGMENTATIONS, AugmentedTransform

IMAGES = torch.rand(4, 3, 20, 20)


def chosen(*first: float) -> torch.Tensor:
    """Uniform numbers of which the first row is given."""
    return torch.stack([torch.tensor(first), torch.full((len(first),), 0.5)])


def test_a_flip_mirrors_half_of_the_images():
    flipped = AUGMENTATIONS["flip"](IMAGES, chosen(0.1, 0.9, 0.4, 0.6))
    torch.testing.assert_close(flipped[[0, 2]], IMAGES[[0, 2]].flip(-1))
    torch.testing.assert_close(flipped[[1, 3]], IMAGES[[1, 3]])
    vertical = AUGMENTATIONS["flip-vertical"](IMAGES, chosen(0.1, 0.9, 0.4, 0.6))
    torch.testing.assert_close(vertical[[0, 2]], IMAGES[[0, 2]].flip(-2))


def test_square_images_are_rotated_by_quarters_and_others_by_halves():
    rotated = AUGMENTATIONS["rotate"](IMAGES, chosen(0.1, 0.3, 0.6, 0.9))
    for number in range(4):
        torch.testing.assert_close(rotated[number], IMAGES[number].rot90(number, (-2, -1)))
    wide = torch.rand(4, 1, 4, 6)
    halves = AUGMENTATIONS["rotate"](wide, chosen(0.1, 0.3, 0.6, 0.9))
    torch.testing.assert_close(halves[:2], wide[:2])
    torch.testing.assert_close(halves[2:], wide[2:].rot90(2, (-2, -1)))


def test_a_shift_moves_pixels_and_repeats_the_border():
    u = torch.tensor([[0.0, 0.5, 0.999, 0.5], [0.5, 0.5, 0.5, 0.0]])
    shifted = AUGMENTATIONS["shift"](IMAGES, u)
    torch.testing.assert_close(shifted[0, :, 2:], IMAGES[0, :, :-2])
    torch.testing.assert_close(shifted[0, :, 0], IMAGES[0, :, 0])
    torch.testing.assert_close(shifted[1], IMAGES[1])
    torch.testing.assert_close(shifted[2, :, :-2], IMAGES[2, :, 2:])
    torch.testing.assert_close(shifted[3, :, :, 2:], IMAGES[3, :, :, :-2])


@pytest.mark.parametrize("name", sorted(AUGMENTATIONS))
def test_an_augmentation_invents_no_values_and_is_new_each_time(name: str):
    transform = AugmentedTransform("unit", 255, Transform("unit", 255), (name,))
    raw = (255 * IMAGES).round().repeat(8, 1, 1, 1)
    first, second = transform.forward(raw), transform.forward(raw)
    assert first.shape == raw.shape and not torch.equal(first, second)
    assert torch.isin(first, raw / 255).all()


def test_training_images_are_changed_and_test_images_are_not(tmp_path):
    plain = train_small(tmp_path / "plain", {"source": "digits", "train_size": 40})
    options = {"source": "digits", "train_size": 40, "augment": ["flip", "shift"]}
    changed = train_small(tmp_path / "changed", options)
    assert changed.config.data.augment == ("flip", "shift")
    x = vaekit.load_data("digits").train.x[:5]
    np.testing.assert_array_equal(plain.prepare(x), changed.prepare(x))
    assert plain.history["train_loss"] != changed.history["train_loss"]


def test_vectors_are_not_augmented(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((20, 6)))
    with raises(DataError, "data.augment"):
        vaekit.build("mlp", {"source": str(tmp_path / "x.npy"), "augment": ["flip"]})


def test_an_unknown_augmentation_is_refused():
    with raises(ConfigError, "data.augment.0"):
        vaekit.build("mlp", {"source": "digits", "augment": ["blur"]})


# --- Balanced classes -----------------------------------------------------------------------------


def test_balanced_classes_are_equally_frequent_and_common_examples_take_turns():
    y = np.array([0] * 90 + [1] * 8 + [2] * 2)
    inputs = ModelInputs(np.arange(100.0)[:, None], Transform("real"), balance=y)
    orders = [inputs.epoch_order(np.random.default_rng(epoch)) for epoch in range(6)]
    for order in orders:
        assert len(order) == 100
        counts = np.bincount(y[order])
        assert counts.min() >= 32 and counts.max() <= 34
        assert np.unique(order[y[order] == 0], return_counts=True)[1].max() == 1
        rare = np.unique(order[y[order] == 2], return_counts=True)[1]
        assert rare.max() - rare.min() <= 1
    assert len(np.unique(np.concatenate(orders)[y[np.concatenate(orders)] == 0])) > 80


def test_without_balance_every_example_comes_once():
    inputs = ModelInputs(np.arange(10.0)[:, None], Transform("real"), np.array([3, 5, 7]))
    assert sorted(inputs.epoch_order(np.random.default_rng(0))) == [0, 1, 2]


def test_balance_needs_labels(tmp_path):
    np.save(tmp_path / "x.npy", small_images().train.x)
    with raises(DataError, "data.balance"):
        vaekit.build("mlp", {"source": str(tmp_path / "x.npy"), "balance": True})


def test_a_run_with_balanced_classes_trains(tmp_path):
    run = train_small(tmp_path / "run", {"source": "digits", "train_size": 60, "balance": True})
    assert run.config.data.balance and run.summary["test"]["loss"]["value"] > 0
