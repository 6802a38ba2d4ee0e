"""The order of rows is a function of seed and epoch; a position can be left and found again."""

import numpy as np
import pytest

from vaekit.training.batches import Batches


def rows(count: int = 23) -> np.ndarray:
    return np.arange(count, dtype=np.float32)[:, None]


def epoch(batches: Batches) -> list[list[float]]:
    return [batch[:, 0].tolist() for batch in batches]


def test_an_epoch_visits_every_row_once_in_batches_of_the_size_asked_for():
    found = epoch(Batches(rows(), 5, seed=0))
    assert [len(batch) for batch in found] == [5, 5, 5, 5, 3]
    assert sorted(row for batch in found for row in batch) == list(range(23))


def test_order_differs_between_epochs_and_seeds_and_repeats_with_the_seed():
    one, same, other = (Batches(rows(), 5, seed) for seed in (1, 1, 2))
    first, second = epoch(one), epoch(one)
    assert first != second
    assert [epoch(same), epoch(same)] == [first, second]
    assert epoch(other) != first


@pytest.mark.parametrize("seen", range(1, 10))
def test_a_saved_position_goes_on_with_the_batches_that_were_left(seen):
    whole = Batches(rows(), 5, seed=3)
    expected = epoch(whole) + epoch(whole)

    left, taken = Batches(rows(), 5, seed=3), 0
    while taken < seen:
        for _ in left:
            taken += 1
            if taken == seen:
                break
    found = Batches(rows(), 5, seed=3)
    found.load_state_dict(left.state_dict())
    rest = epoch(found)
    rest = rest + epoch(found) if seen < 5 else rest
    assert rest == expected[seen:]


def test_a_memory_map_gives_the_same_rows_per_batch(tmp_path):
    np.save(tmp_path / "rows.npy", rows())
    mapped = Batches(np.load(tmp_path / "rows.npy", mmap_mode="r"), 5, seed=0)
    assert [sorted(batch) for batch in epoch(mapped)] == [sorted(batch) for batch in epoch(Batches(rows(), 5, seed=0))]


def test_rows_names_the_batch_last_given():
    batches = Batches(rows(), 5, seed=0)
    for batch in batches:
        assert batches.rows().tolist() == batch[:, 0].tolist()
