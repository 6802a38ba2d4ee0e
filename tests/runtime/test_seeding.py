import pytest
import torch

from vaekit.runtime.seeding import mix_seeds, seed_noise, seeded_noise


def test_mixed_seeds_do_not_collide_on_a_grid():
    seeds = [*range(40), 2**31, 2**63 - 1]
    mixed = {mix_seeds(seed, step) for seed in seeds for step in range(2000)}
    assert len(mixed) == len(seeds) * 2000
    assert all(0 <= value < 2**64 for value in mixed)


def test_seed_and_step_do_not_stand_for_each_other():
    assert len({mix_seeds(0, 1), mix_seeds(1, 0), mix_seeds(0, 0), mix_seeds(1, 1)}) == 4


def test_neighbors_differ_in_about_half_of_all_bits():
    flipped = [
        (mix_seeds(seed, step) ^ mix_seeds(seed, step + 1)).bit_count()
        for seed in range(20)
        for step in range(200)
    ]
    assert 30 < sum(flipped) / len(flipped) < 34
    assert min(flipped) > 8
    flipped = [
        (mix_seeds(seed, step) ^ mix_seeds(seed + 1, step)).bit_count()
        for seed in range(20)
        for step in range(200)
    ]
    assert 30 < sum(flipped) / len(flipped) < 34


def test_noise_is_a_function_of_seed_and_step_and_restores_the_generator():
    torch.manual_seed(5)
    state = torch.get_rng_state()
    with seeded_noise(3, 7):
        first = torch.randn(4)
    with seeded_noise(3, 7):
        again = torch.randn(4)
    with seeded_noise(3, 8):
        other = torch.randn(4)
    assert (first == again).all() and (first != other).all()
    assert (torch.get_rng_state() == state).all()


def test_noise_restores_the_generator_where_the_block_fails():
    state = torch.get_rng_state()

    def fails() -> None:
        with seeded_noise(3):
            torch.rand(1)
            raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        fails()
    assert (torch.get_rng_state() == state).all()


def test_seeding_a_step_draws_what_the_block_draws():
    with seeded_noise(3, 7):
        wanted = torch.randn(4)
    with torch.random.fork_rng(devices=[]):
        seed_noise(3, 7)
        assert (torch.randn(4) == wanted).all()


def test_batches_of_one_row_differ_between_steps():
    draws = []
    for step in range(1000):
        with seeded_noise(0, step):
            draws.append(torch.randn(1).item())
    values = torch.tensor(draws, dtype=torch.float64)
    assert len(set(draws)) == 1000
    assert abs(values.mean().item()) < 5 / 1000**0.5 and values.std().item() == pytest.approx(
        1, abs=0.12
    )
    neighbors = (values[1:] * values[:-1]).mean().item()
    assert abs(neighbors) < 5 / 1000**0.5
