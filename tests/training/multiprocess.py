"""Trains every case below into a folder; run by torchrun, and imported by the tests."""

import sys
from pathlib import Path

import vaekit
from conftest import QUIET, small_images
from vaekit.runs import Run

DATA = small_images(examples=240, shape=(1, 12, 12))
NORMS = {"kind": "conv", "channels": [4, 8], "batch_norm": True}
SMALL = {"kind": "mlp", "hidden": [8]}

CASES: dict[str, dict] = {
    "elbo": {},
    "samples and free bits": {"objective": {"samples": 3, "free_bits": 0.5, "warmup": 5}},
    "batch normalization": {"encoder": NORMS, "decoder": NORMS},
    "conditional": {"conditional": True},
    "importance-weighted": {"objective": {"kind": "importance-weighted", "samples": 3}},
    "score function": {"objective": {"gradient": "score-function"}},
    "encoder without a gradient": {"objective": {"gradient": "none"}},
    "decoder without a gradient": {"objective": "divergence-only"},
    "shared scale, clipped": {
        "likelihood": {"kind": "gaussian"},
        "training": {"grad_clip_norm": 0.5},
    },
    "categorical": {"posterior": {"kind": "categorical", "classes": 4}},
    "muon": {"optimizer": {"kind": "muon", "lr": 0.02}},
    "codebook, two stages": {
        "posterior": {"kind": "vector-quantized", "codes": 8},
        "prior": {"kind": "autoregressive", "width": 8, "layers": 1, "heads": 2},
        "prior_stage": {"epochs": 1, "batch_size": 20},
    },
}


def train(name: str, folder: Path) -> Run:
    options = {"encoder": SMALL, "decoder": SMALL, **CASES[name]}
    training = {
        "epochs": 2,
        "batch_size": 20,
        "device": "cpu",
        "precision": "64-true",
        **options.pop("training", {}),
    }
    return vaekit.train(
        "mlp", data=DATA, out=folder / name, console=QUIET, training=training, **options
    )


if __name__ == "__main__":
    for case in CASES:
        train(case, Path(sys.argv[1]))
