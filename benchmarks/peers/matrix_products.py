"""What the machine allows: the matrix products of one training step of R4's net alone, on data that stand ready.

Forwards, and the gradients of weights and inputs backwards, through the linear layers of `plain_loop.py`; no loss, no noise,
no optimiser, no data to move. Prints one JSON object as `plain_loop.py` does, with no loss.
"""

import argparse
import json
import time
from pathlib import Path

import torch
from plain_loop import mlp
from torch import nn


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mnist", type=Path, help="not read")
    parser.add_argument("--net", choices=["mlp"], default="mlp")
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--bfloat16", action="store_true")
    options = parser.parse_args()
    dtype = torch.bfloat16 if options.bfloat16 else torch.float32
    encoder, decoder, latent = mlp()
    work = []
    for net, given in (
        (encoder, torch.rand(options.batch, 1, 28, 28)),
        (decoder, torch.rand(options.batch, latent)),
    ):
        for layer in net:
            if isinstance(layer, nn.Linear):
                work.append(
                    (layer.to(dtype), given.to(dtype).requires_grad_(bool(work)))
                )  # the first needs no gradient of x
                given = layer(given.to(dtype)).float().detach()
            else:
                given = layer(given)
    gradients = [torch.rand_like(layer(x)) for layer, x in work]
    updates = options.rows // options.batch
    for _ in range(options.epochs):
        began = time.perf_counter()
        for _ in range(updates):
            for (layer, x), gradient in zip(work, gradients, strict=True):
                torch.autograd.grad(
                    layer(x), [p for p in (x, *layer.parameters()) if p.requires_grad], gradient
                )
        seconds = time.perf_counter() - began
    print(
        json.dumps({"images_per_second": updates * options.batch / seconds, "loss": float("nan")})
    )


if __name__ == "__main__":
    main()
