"""pythae's `get_nll` on the weights that it is given; run by benchmarks/evaluation.py in pythae's own environment.

Prints one JSON object: milliseconds an image, and the bound of each image in nats.
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


def linear(arrays, name: str) -> nn.Linear:
    weight, bias = (
        torch.from_numpy(arrays[f"{name}.weight"]),
        torch.from_numpy(arrays[f"{name}.bias"]),
    )
    layer = nn.Linear(weight.shape[1], weight.shape[0])
    layer.weight.data, layer.bias.data = weight, bias
    return layer


def layers(arrays, side: str) -> list[nn.Linear]:
    """The linear layers of one side in order."""
    names = sorted(
        name.removesuffix(".weight")
        for name in arrays
        if name.startswith(side) and name.endswith(".weight")
    )
    return [linear(arrays, name) for name in names]


class Encoder(BaseEncoder):
    def __init__(self, arrays) -> None:
        super().__init__()
        first, second = layers(arrays, "encoder.")
        self.net = nn.Sequential(nn.Flatten(), first, nn.Tanh(), second, nn.Tanh())
        self.mu, self.log_var = linear(arrays, "posterior.mu"), linear(arrays, "posterior.log_var")

    def forward(self, x: torch.Tensor) -> ModelOutput:
        h = self.net(x)
        return ModelOutput(embedding=self.mu(h), log_covariance=self.log_var(h))


class Decoder(BaseDecoder):
    def __init__(self, arrays) -> None:
        super().__init__()
        first, second, last = layers(arrays, "decoder.")
        self.net = nn.Sequential(
            first, nn.Tanh(), second, nn.Tanh(), last, nn.Sigmoid(), nn.Unflatten(1, (1, 28, 28))
        )

    def forward(self, z: torch.Tensor) -> ModelOutput:
        return ModelOutput(reconstruction=self.net(z))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--images", type=int, required=True)
    parser.add_argument("--samples", type=int, required=True)
    options = parser.parse_args()
    with np.load(options.weights) as file:
        arrays = dict(file)
    config = VAEConfig(input_dim=(1, 28, 28), latent_dim=50, reconstruction_loss="bce")
    model = VAE(config, Encoder(arrays), Decoder(arrays)).eval()
    x = torch.from_numpy(arrays["x"])[: options.images]
    with torch.no_grad():
        model.get_nll(x[:1], n_samples=options.samples)
        began = time.perf_counter()
        bounds = [float(model.get_nll(row[None], n_samples=options.samples)) for row in x]
        milliseconds = 1000 * (time.perf_counter() - began) / len(x)
    print(json.dumps({"milliseconds": milliseconds, "bounds": bounds}))


if __name__ == "__main__":
    main()
