"""pythae's `get_nll` with the weights of vaekit, for `benchmarks/bound_speed.py`.

Runs in pythae's own environment. Prints one JSON object: milliseconds per image, and the bound of
each image in nats.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from pythae.models import VAE, VAEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from torch import nn

Arrays = dict[str, np.ndarray]
"""A state dict of vaekit, and images as x [N, 1, 28, 28]."""


def linear(arrays: Arrays, name: str) -> nn.Linear:
    """The linear layer of this name."""
    weight = torch.from_numpy(arrays[f"{name}.weight"])
    layer = nn.Linear(weight.shape[1], weight.shape[0])
    layer.weight.data = weight
    layer.bias.data = torch.from_numpy(arrays[f"{name}.bias"])
    return layer


def layers(arrays: Arrays, side: str) -> list[nn.Linear]:
    """The linear layers of the encoder or the decoder in order."""
    names = sorted(
        name.removesuffix(".weight")
        for name in arrays
        if name.startswith(side) and name.endswith(".weight")
    )
    return [linear(arrays, name) for name in names]


class Encoder(BaseEncoder):
    """From images to mean and log-variance."""

    def __init__(self, arrays: Arrays) -> None:
        super().__init__()
        first, second = layers(arrays, "encoder.")
        self.net = nn.Sequential(nn.Flatten(), first, nn.Tanh(), second, nn.Tanh())
        self.mu = linear(arrays, "posterior.mu")
        self.log_var = linear(arrays, "posterior.log_var")

    def forward(self, x: torch.Tensor) -> ModelOutput:
        """The parameters of q(z|x)."""
        h = self.net(x)
        return ModelOutput(embedding=self.mu(h), log_covariance=self.log_var(h))


class Decoder(BaseDecoder):
    """From latent codes to probabilities, which pythae's cross-entropy expects."""

    def __init__(self, arrays: Arrays) -> None:
        super().__init__()
        first, second, last = layers(arrays, "decoder.")
        self.net = nn.Sequential(
            first, nn.Tanh(), second, nn.Tanh(), last, nn.Sigmoid(), nn.Unflatten(1, (1, 28, 28))
        )

    def forward(self, z: torch.Tensor) -> ModelOutput:
        """The mean of p(x|z)."""
        return ModelOutput(reconstruction=self.net(z))


def main() -> None:
    """Time the bounds of the first images, after one to warm up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--images", type=int, required=True)
    parser.add_argument("--importance-samples", type=int, required=True)
    options = parser.parse_args()
    with np.load(options.weights) as file:
        arrays = dict(file)
    config = VAEConfig(input_dim=(1, 28, 28), latent_dim=50, reconstruction_loss="bce")
    model = VAE(config, Encoder(arrays), Decoder(arrays)).eval()
    x = torch.from_numpy(arrays["x"])[: options.images]
    samples = options.importance_samples
    with torch.no_grad():
        model.get_nll(x[:1], n_samples=samples)
        start = time.perf_counter()
        bounds = [float(model.get_nll(image[None], n_samples=samples)) for image in x]
        milliseconds = 1000 * (time.perf_counter() - start) / len(x)
    print(json.dumps({"milliseconds": milliseconds, "bounds": bounds}))


if __name__ == "__main__":
    main()
