"""Speed limit of the machine: only the matrix products of a training step of the MLP.

Computes the forward pass through the linear layers of `plain_loop.py` and the gradients of their
weights and inputs, on prepared inputs; without loss, noise, optimizer or data loading. Prints one
JSON object as `plain_loop.py` does, without a loss.
"""

import argparse
import json
import time
from pathlib import Path

import torch
from plain_loop import mlp
from torch import Tensor, nn

LayerInput = tuple[nn.Linear, Tensor]


def linear_layers(net: nn.Module, x: Tensor, dtype: torch.dtype) -> list[LayerInput]:
    """The linear layers of a net in order, with their inputs."""
    layers: list[LayerInput] = []
    for layer in net.children():
        if isinstance(layer, nn.Linear):
            layers.append((layer.to(dtype), x.to(dtype)))
            x = layer(x.to(dtype)).float().detach()
        else:
            x = layer(x)
    return layers


def main() -> None:
    """Time the products over some epochs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mnist", type=Path, help="ignored")
    parser.add_argument("--net", choices=["mlp"], default="mlp")
    parser.add_argument("--train-size", type=int, default=60_000)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--bfloat16", action="store_true")
    options = parser.parse_args()
    dtype = torch.bfloat16 if options.bfloat16 else torch.float32

    encoder, decoder, latent_dim = mlp()
    layers = [
        *linear_layers(encoder, torch.rand(options.batch_size, 1, 28, 28), dtype),
        *linear_layers(decoder, torch.rand(options.batch_size, latent_dim), dtype),
    ]
    for _, x in layers[1:]:  # images need no gradient
        x.requires_grad_()
    gradients = [torch.rand_like(layer(x)) for layer, x in layers]

    steps = options.train_size // options.batch_size
    seconds = float("nan")
    for _ in range(options.epochs):
        start = time.perf_counter()
        for _ in range(steps):
            for (layer, x), gradient in zip(layers, gradients, strict=True):
                differentiated = [p for p in (x, *layer.parameters()) if p.requires_grad]
                torch.autograd.grad(layer(x), differentiated, gradient)
        seconds = time.perf_counter() - start
    rate = steps * options.batch_size / seconds
    print(json.dumps({"images_per_second": rate, "loss": float("nan")}))


if __name__ == "__main__":
    main()
