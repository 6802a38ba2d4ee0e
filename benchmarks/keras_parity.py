"""R0 in vaekit and in Keras from the same weights, on the same batches and noise, in float64: update for update.

    python benchmarks/parity.py --steps 300

With plain gradient descent nothing but rounding differs. With Adam, Keras adds its epsilon before the bias correction and
PyTorch after it, which tells in weights of next to no gradient; the trajectories then part as those of two seeds do.
"""

import argparse
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

import vaekit
from environments import python_of
from vaekit.config import load_config_file
from vaekit.config.builder import build_part

BATCH = 32
SCRIPT = Path(__file__).parent / "peers" / "keras_parity.py"


def keras_steps(x: np.ndarray, noise: np.ndarray, optimizer: str) -> dict[str, np.ndarray]:
    """What Keras makes of these batches and this noise."""
    with tempfile.TemporaryDirectory() as folder:
        given, written = Path(folder, "given.npz"), Path(folder, "written.npz")
        np.savez(given, x=x[..., None], noise=noise)
        subprocess.run(
            [python_of("keras"), SCRIPT, given, written, optimizer],
            check=True,
            stderr=subprocess.DEVNULL,
        )
        with np.load(written) as arrays:
            return dict(arrays)


def as_ours(
    weights: list[np.ndarray], names: Mapping[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """Keras's weights, in its order, in our layout: channels first, a dense layer's inputs first channel by channel."""
    ours = {}
    for weight, (name, like) in zip(weights, names.items(), strict=True):
        if weight.ndim == 4:
            weight = weight.transpose(3, 2, 0, 1)
        elif name == "encoder.dense.1.weight":
            weight = weight.reshape(7, 7, 64, -1).transpose(3, 2, 0, 1).reshape(like.shape)
        elif name == "decoder.dense.0.weight":
            weight = weight.reshape(-1, 7, 7, 64).transpose(3, 1, 2, 0).reshape(like.shape)
        elif name == "decoder.dense.0.bias":
            weight = weight.reshape(7, 7, 64).transpose(2, 0, 1).reshape(like.shape)
        elif weight.ndim == 2:
            weight = weight.T
        ours[name] = torch.from_numpy(np.ascontiguousarray(weight))
    return ours


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=300)
    steps = parser.parse_args().steps
    rng = np.random.default_rng(0)
    images = vaekit.load_data("mnist").train.x[:, 0]
    x = images[rng.permutation(len(images))[: steps * BATCH]].reshape(steps, BATCH, 28, 28) / 255
    noise = rng.standard_normal((steps, BATCH, 2))
    for name in ("sgd", "adam"):
        theirs = keras_steps(x, noise, name)
        ours = our_losses(x, noise, name, theirs)
        for step in sorted({0, 1, 9, 99, steps - 1} & set(range(steps))):
            apart = abs(ours[step] / theirs["losses"][step] - 1)
            print(
                f"{name}, update {step + 1}: Keras {theirs['losses'][step]:.6f}, vaekit {ours[step]:.6f}, apart by {apart:.1e}"
            )


def our_losses(
    x: np.ndarray, noise: np.ndarray, optimizer: str, theirs: dict[str, np.ndarray]
) -> np.ndarray:
    """The loss before each of our updates, from Keras's first weights."""
    model = vaekit.build("conv-original", "mnist").double()
    names = dict(model.named_parameters())
    model.load_state_dict(as_ours([theirs[f"before{i}"] for i in range(len(names))], names))
    adam = build_part(load_config_file("conv-original"), "optimizer")
    updates = (
        adam(model.parameters())
        if optimizer == "adam"
        else torch.optim.SGD(model.parameters(), lr=1e-5)
    )
    losses = []
    for batch, eps in zip(torch.from_numpy(x).unsqueeze(2), torch.from_numpy(noise), strict=True):
        q = model.encode(batch)
        p = model.decode(q.mean + q.stddev * eps)
        loss = (torch.distributions.kl_divergence(q, model.prior()) - p.log_prob(batch)).mean()
        updates.zero_grad()
        loss.backward()
        updates.step()
        losses.append(loss.item())
    return np.array(losses)


if __name__ == "__main__":
    main()
