"""The order of examples depends on seed and epoch; a saved position is continued."""

import numpy as np
import pytest

from vaekit.data import Transform
from vaekit.inputs import ModelInputs
from vaekit.training.batches import Batches, count_batches


def examples(count: int = 23) -> np.ndarray:
    return np.arange(count, dtype=np.float32)[:, None]


def batches(seed: int, count: int = 23, size: int = 5) -> Batches:
    return Batches(ModelInputs(examples(count), Transform("real")), size, seed)


def epoch(batches: Batches) -> list[list[float]]:
    return [x[:, 0].tolist() for x, _ in batches]


def test_an_epoch_has_every_example_once_in_batches_of_the_size():
    found = epoch(batches(0))
    assert [len(batch) for batch in found] == [5, 5, 5, 5, 3]
    assert sorted(row for batch in found for row in batch) == list(range(23))


def test_order_differs_between_epochs_and_seeds_and_repeats_with_the_seed():
    one, same, other = (batches(seed) for seed in (1, 1, 2))
    first, second = epoch(one), epoch(one)
    assert first != second
    assert [epoch(same), epoch(same)] == [first, second]
    assert epoch(other) != first


@pytest.mark.parametrize("seen", range(1, 10))
def test_a_saved_position_continues_with_the_remaining_batches(seen):
    whole = batches(3)
    expected = epoch(whole) + epoch(whole)

    left, taken = batches(3), 0
    while taken < seen:
        for _ in left:
            taken += 1
            if taken == seen:
                break
    found = batches(3)
    found.move_to(left.epoch, left.position)
    rest = epoch(found)
    rest = rest + epoch(found) if seen < 5 else rest
    assert rest == expected[seen:]


def test_a_memory_map_gives_the_same_batches(tmp_path):
    np.save(tmp_path / "rows.npy", examples())
    mapped = ModelInputs(np.load(tmp_path / "rows.npy", mmap_mode="r"), Transform("real"))
    assert epoch(Batches(mapped, 5, seed=0)) == epoch(batches(0))


def test_indices_select_examples_and_appear_in_messages():
    chosen = np.array([3, 5, 8, 13, 21])
    some = Batches(ModelInputs(examples(), Transform("real"), chosen), 2, seed=0)
    seen = []
    for x, _ in some:
        assert some.current_examples() == x[:, 0].tolist()
        seen += x[:, 0].tolist()
    assert sorted(seen) == chosen.tolist()


@pytest.mark.parametrize(
    ("count", "size", "sizes"),
    [(11, 5, [5, 6]), (12, 5, [5, 5, 2]), (1, 5, [1]), (3, 1, [1, 1, 1]), (5, 9, [5])],
)
def test_a_single_remaining_example_joins_the_batch_before_it(count, size, sizes):
    found = batches(0, count, size)
    assert [len(batch) for batch in epoch(found)] == sizes
    assert len(found) == count_batches(count, size) == len(sizes)


def test_current_examples_are_those_of_the_last_batch():
    found = batches(0)
    for x, _ in found:
        assert found.current_examples() == x[:, 0].tolist()


@pytest.mark.parametrize("indices", [None, np.array([3, 5, 8, 13, 21])], ids=["all", "some"])
def test_labels_belong_to_their_examples(indices):
    y = np.arange(23) % 4
    labeled = Batches(ModelInputs(examples(), Transform("real"), indices, y), 2, seed=0)
    for x, classes in labeled:
        assert classes.tolist() == y[x[:, 0].long()].tolist()
    assert all(batch.y is None for batch in batches(0))
