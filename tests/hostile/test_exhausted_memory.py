"""Memory that ends within a function of the library is an error of ours, as at the command line."""

import pytest

from hostile.limited import run_limited

SETUP = """
import numpy as np
import torch
import vaekit
from rich.console import Console
options = {"console": Console(quiet=True), "latent_dim": 2, "training": {"epochs": 1}}
small = np.random.default_rng(0).random((60, 1000), np.float32)
run = vaekit.train("mlp", data=small, out="run", **options)
many = np.broadcast_to(np.float64(0.5), (150_000, 1000))
"""

CASES = {
    "load_data": "vaekit.load_data([[0.5] * 1000] * 40_000)",
    "train": "vaekit.train('mlp', data=[[0.5] * 1000] * 40_000, out='other', **options)",
    "sample": "run.sample(150_000)",
    "decode": "run.decode(np.zeros((150_000, 2), np.float32))",
    "reconstruct": "run.reconstruct(many)",
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """The outcomes of all cases, of one process of 256 MB more than it has."""
    folder = tmp_path_factory.mktemp("memory")
    return run_limited(CASES, setup=SETUP, folder=folder, growth_bytes=2**28)


@pytest.mark.process
@pytest.mark.parametrize("name", CASES)
def test_exhausted_memory(name, outcomes):
    assert outcomes[name].error == "MemoryShortage", outcomes[name]
    assert "\n" not in outcomes[name].message
