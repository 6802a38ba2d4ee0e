"""The loop that a user of PyTorch would write: the nets of R0 and R4, the soft-label ELBO, no library around them.

Prints one JSON object: images a second in the last epoch, the mean loss of that epoch in nats.
"""

import argparse
import gzip
import json
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn


def mlp() -> tuple[nn.Module, nn.Module, int]:
    """R4: 784-512-512-(2 x 16) and back."""
    hidden = [nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU()]
    encoder = nn.Sequential(nn.Flatten(), *hidden, nn.Linear(512, 32))
    behind = [nn.Linear(16, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 784)]
    return encoder, nn.Sequential(*behind, nn.Unflatten(1, (1, 28, 28))), 16


def conv() -> tuple[nn.Module, nn.Module, int]:
    """R0, with the padding of PyTorch, which gives the same shapes."""
    down = [
        nn.Conv2d(1, 32, 3, 2, 1),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3, 2, 1),
        nn.ReLU(),
        nn.Flatten(),
    ]
    encoder = nn.Sequential(*down, nn.Linear(3136, 16), nn.ReLU(), nn.Linear(16, 4))
    up = [
        nn.ConvTranspose2d(64, 64, 3, 2, 1, 1),
        nn.ReLU(),
        nn.ConvTranspose2d(64, 32, 3, 2, 1, 1),
        nn.ReLU(),
    ]
    start = [nn.Linear(2, 3136), nn.ReLU(), nn.Unflatten(1, (64, 7, 7))]
    return encoder, nn.Sequential(*start, *up, nn.ConvTranspose2d(32, 1, 3, 1, 1)), 2


def loss_of(encoder: nn.Module, decoder: nn.Module, x: Tensor) -> Tensor:
    mu, log_var = encoder(x).float().chunk(2, -1)
    z = mu + torch.exp(0.5 * log_var) * torch.randn_like(mu)
    reconstruction = F.binary_cross_entropy_with_logits(decoder(z).float(), x, reduction="sum")
    divergence = -0.5 * (1 + log_var - mu.square() - log_var.exp()).sum()
    return (reconstruction + divergence) / len(x)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--mnist", type=Path, required=True, help="the folder of the four original files"
    )
    parser.add_argument("--net", choices=["mlp", "conv"], default="mlp")
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--bfloat16", action="store_true")
    options = parser.parse_args()
    raw = gzip.decompress((options.mnist / "train-images-idx3-ubyte.gz").read_bytes())
    x = torch.from_numpy(
        np.frombuffer(raw, np.uint8, offset=16).reshape(-1, 1, 28, 28)[: options.rows]
        / np.float32(255)
    )
    torch.manual_seed(0)
    encoder, decoder, _ = {"mlp": mlp, "conv": conv}[options.net]()
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], 1e-3, fused=True)
    for _ in range(options.epochs):
        began, total = time.perf_counter(), torch.zeros(())
        for rows in torch.randperm(len(x)).split(options.batch):
            with torch.autocast("cpu", torch.bfloat16, enabled=options.bfloat16):
                loss = loss_of(encoder, decoder, x[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += len(rows) * loss.detach()
        seconds = time.perf_counter() - began
    print(json.dumps({"images_per_second": len(x) / seconds, "loss": total.item() / len(x)}))


if __name__ == "__main__":
    main()
