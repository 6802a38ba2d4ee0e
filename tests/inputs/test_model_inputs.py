"""Raw rows on their way into a model."""

import numpy as np
import pytest
import torch

import vaekit
from vaekit.data import Transform
from vaekit.inputs import ModelInputs, StochasticBinarization, concat_batches
from vaekit.runtime.distributed import ProcessInfo, process_context


@pytest.mark.parametrize("labelled", [False, True])
def test_rows_that_a_device_holds_are_the_same_rows(labelled):
    x, y = np.arange(1300 * 3, dtype=np.int32).reshape(1300, 3), np.arange(1300) % 7
    inputs = ModelInputs(x, Transform("real"), np.arange(1299, -1, -2), y if labelled else None)
    held = inputs.held_by(torch.device("cpu"))
    for positions in (np.array([0]), np.array([5, 3, 649])):
        a, b = inputs.select(positions), held.select(positions)
        assert torch.equal(a.x, b.x) and (torch.equal(a.y, b.y) if labelled else a.y is b.y is None)
        assert (inputs.rows(positions) == held.rows(positions)).all()
    assert len(held) == len(inputs) == 650


def test_processes_share_the_batches_out():
    model = vaekit.build("mlp", np.zeros((10, 6)), latent_dim=2)
    inputs = ModelInputs(np.arange(60, dtype=np.float32).reshape(10, 6), Transform("real"))
    whole = [batch.x for batch in inputs.batches(model, 3)]
    for rank in range(3):
        own = [batch.x for batch in inputs.batches(model, 3, ProcessInfo(rank, 3))]
        assert len(own) == len(whole[rank::3]) and all(map(torch.equal, own, whole[rank::3]))


def test_joined_parts_stand_one_behind_the_other():
    parts = [(torch.rand(n, 2), torch.randint(9, (n,))) for n in (3, 1, 4)]
    for whole, column in zip(concat_batches(iter(parts), 8), zip(*parts, strict=True), strict=True):
        assert torch.equal(whole, torch.cat(column))


def test_rows_that_are_drawn_are_ones_as_often_as_their_gray_values_say():
    gray = torch.tensor([0.0, 51.0, 204.0, 255.0]).repeat(20_000, 1)
    x = StochasticBinarization("binary", 255).forward(gray)
    assert set(x.unique().tolist()) == {0.0, 1.0} and x.dtype == gray.dtype
    torch.testing.assert_close(x.mean(0), torch.tensor([0.0, 0.2, 0.8, 1.0]), rtol=0, atol=0.02)
    assert not torch.equal(x, StochasticBinarization("binary", 255).forward(gray))


def test_processes_draw_what_one_does():
    gray, drawn = torch.rand(6, 5), StochasticBinarization("binary", 1)
    torch.manual_seed(1)
    whole, parts = drawn.forward(gray), []
    for rank in range(3):
        torch.manual_seed(1)
        with process_context(ProcessInfo(rank, 3)):
            parts.append(drawn.forward(gray[2 * rank : 2 * rank + 2]))
    assert torch.equal(torch.cat(parts), whole)
