"""Train the Keras example in vaekit and in Keras, and compare the losses step by step.

    python benchmarks/keras_parity.py --steps 300

Both start from the same weights and use the same batches and noise, in float64. With plain gradient
descent nothing but rounding differs. With Adam, Keras adds its epsilon before the bias correction
and PyTorch after it, which matters for weights with almost no gradient; after some steps the two
trainings differ as much as with two seeds.
"""

import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

import vaekit
from command_line import argument_parser
from environments import python_of
from vaekit.config import load_config_file
from vaekit.config.builder import build_part

BATCH_SIZE = 32
SGD_RATE = 1e-5
PRINTED_STEPS = (1, 2, 10, 100)
SCRIPT = Path(__file__).parent / "peers" / "keras_steps.py"


def keras_steps(x: np.ndarray, noise: np.ndarray, optimizer: str) -> dict[str, np.ndarray]:
    """Train by Keras: its losses [S] and its first weights before0, before1, ...

    Args:
        x: Images [S, B, 28, 28], a batch for each of S steps.
        noise: Noise of the latent codes [S, B, 2].
        optimizer: sgd or adam.
    """
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "batches.npz")
        target = Path(folder, "losses.npz")
        np.savez(source, x=x[..., None], noise=noise)
        command = [python_of("keras"), SCRIPT, source, target, optimizer]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        with np.load(target) as arrays:
            return dict(arrays)


def vaekit_losses(
    x: np.ndarray, noise: np.ndarray, optimizer_name: str, first_weights: list[np.ndarray]
) -> np.ndarray:
    """Train by vaekit from the first weights of Keras: the loss before each step, [S]."""
    model = vaekit.build("conv-original", "mnist").double()
    parameters = dict(model.named_parameters())
    model.load_state_dict(from_keras(first_weights, parameters))
    optimizer = build_optimizer(optimizer_name, model)
    losses = []
    for batch, eps in zip(torch.from_numpy(x).unsqueeze(2), torch.from_numpy(noise), strict=True):
        q = model.encode(batch)
        p = model.decode(q.mean + q.stddev * eps)
        loss = (torch.distributions.kl_divergence(q, model.prior()) - p.log_prob(batch)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return np.array(losses)


def build_optimizer(name: str, model: torch.nn.Module) -> torch.optim.Optimizer:
    """Plain gradient descent, or the Adam of the recipe."""
    if name == "sgd":
        return torch.optim.SGD(model.parameters(), lr=SGD_RATE)
    adam = build_part(load_config_file("conv-original"), "optimizer")
    return adam(model.parameters())


def from_keras(
    weights: list[np.ndarray], parameters: Mapping[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """Weights in the order of Keras as a state dict of vaekit."""
    pairs = zip(parameters.items(), weights, strict=True)
    return {
        name: torch.from_numpy(np.ascontiguousarray(pytorch_layout(name, weight, like.shape)))
        for (name, like), weight in pairs
    }


def pytorch_layout(name: str, weight: np.ndarray, shape: torch.Size) -> np.ndarray:
    """A weight of Keras with channels first; dense layers see images channel by channel."""
    if weight.ndim == 4:
        return weight.transpose(3, 2, 0, 1)
    if name == "encoder.dense.1.weight":
        return weight.reshape(7, 7, 64, -1).transpose(3, 2, 0, 1).reshape(shape)
    if name == "decoder.dense.0.weight":
        return weight.reshape(-1, 7, 7, 64).transpose(3, 1, 2, 0).reshape(shape)
    if name == "decoder.dense.0.bias":
        return weight.reshape(7, 7, 64).transpose(2, 0, 1).reshape(shape)
    return weight.T if weight.ndim == 2 else weight


def main() -> None:
    """Compare the losses with both optimizers."""
    parser = argument_parser(__doc__)
    parser.add_argument("--steps", type=int, default=300)
    steps = parser.parse_args().steps

    rng = np.random.default_rng(0)
    images = vaekit.load_data("mnist").train.x[:, 0]
    selected = rng.permutation(len(images))[: steps * BATCH_SIZE]
    x = images[selected].reshape(steps, BATCH_SIZE, 28, 28) / 255
    noise = rng.standard_normal((steps, BATCH_SIZE, 2))

    for optimizer in ("sgd", "adam"):
        arrays = keras_steps(x, noise, optimizer)
        theirs = arrays.pop("losses")
        first_weights = [arrays[f"before{i}"] for i in range(len(arrays))]
        ours = vaekit_losses(x, noise, optimizer, first_weights)
        for step in sorted({*PRINTED_STEPS, steps} & set(range(1, steps + 1))):
            difference = abs(ours[step - 1] / theirs[step - 1] - 1)
            print(
                f"{optimizer}, step {step}: Keras {theirs[step - 1]:.6f}, "
                f"vaekit {ours[step - 1]:.6f}, relative difference {difference:.1e}"
            )


if __name__ == "__main__":
    main()
