"""The number of threads is part of what repeats a run to the bit: fixed, recorded, restored."""

import io

import pytest
import torch
from rich.console import Console

import vaekit
from conftest import small_images, tensor_bytes, train_small
from raising import raises
from vaekit.errors import ConfigError, Interrupted
from vaekit.objectives import ELBO
from vaekit.runtime.threads import cpu_threads


@pytest.mark.parametrize("count", [1, 3, None])
def test_the_number_of_threads_is_set_and_restored(count):
    before = torch.get_num_threads()
    with cpu_threads(count):
        assert torch.get_num_threads() == (count or before)
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("count", [0, -1, 10**6, True, 1.0, "1"])
def test_another_number_of_threads_is_refused(tmp_path, count):
    with raises(ConfigError, "training.threads"):
        train_small(tmp_path / "run", training={"threads": count})


@pytest.mark.slow
def test_a_run_records_its_threads_and_repeats_with_them(tmp_path):
    runs = [train_small(tmp_path / name, training={"threads": 2}) for name in ("one", "other")]
    assert all(run.summary["threads"] == 2 for run in runs)
    assert len({tensor_bytes(run.path / "model.safetensors") for run in runs}) == 1


class Stopped(ELBO):
    """ELBO that is interrupted at one step."""

    def __call__(self, model, x, y=None, *, step=None):
        if step == 4:
            raise KeyboardInterrupt
        return super().__call__(model, x, *(() if y is None else (y,)), step=step)


@pytest.mark.slow
@pytest.mark.parametrize(("count", "is_noted"), [(2, False), (3, True)])
def test_resuming_with_another_number_of_threads_is_noted(tmp_path, count, is_noted):
    with cpu_threads(2), raises(Interrupted):
        train_small(tmp_path / "run", training={"checkpoint_seconds": 1e-9}, objective=Stopped())
    output = io.StringIO()
    with cpu_threads(count):
        vaekit.resume(
            tmp_path / "run",
            data=small_images(),
            objective=ELBO(),
            console=Console(file=output, width=500),
        )
    assert ("threads" in output.getvalue()) is is_noted
