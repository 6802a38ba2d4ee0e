"""A plain PyTorch loop: the net of `mlp-500` or of the Keras example and the soft-label ELBO.

Prints one JSON object: images per second and mean loss, in nats, of the last epoch.
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
    """The encoder and decoder of `mlp-500`, 784-512-512-(2 x 16) and back, and latent_dim."""
    hidden = [nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU()]
    encoder = nn.Sequential(nn.Flatten(), *hidden, nn.Linear(512, 32))
    layers = [nn.Linear(16, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 784)]
    return encoder, nn.Sequential(*layers, nn.Unflatten(1, (1, 28, 28))), 16


def conv() -> tuple[nn.Module, nn.Module, int]:
    """The nets of the Keras example, padded as in PyTorch to the same shapes, and latent_dim."""
    encoder = nn.Sequential(
        nn.Conv2d(1, 32, 3, 2, 1),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3, 2, 1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(3136, 16),
        nn.ReLU(),
        nn.Linear(16, 4),
    )
    upsampling = [
        nn.ConvTranspose2d(64, 64, 3, 2, 1, 1),
        nn.ReLU(),
        nn.ConvTranspose2d(64, 32, 3, 2, 1, 1),
        nn.ReLU(),
    ]
    first_map = [nn.Linear(2, 3136), nn.ReLU(), nn.Unflatten(1, (64, 7, 7))]
    decoder = nn.Sequential(*first_map, *upsampling, nn.ConvTranspose2d(32, 1, 3, 1, 1))
    return encoder, decoder, 2


def mean_loss(encoder: nn.Module, decoder: nn.Module, x: Tensor) -> Tensor:
    """The negative ELBO per image, averaged over the batch."""
    mu, log_var = encoder(x).float().chunk(2, -1)
    z = mu + torch.exp(0.5 * log_var) * torch.randn_like(mu)
    reconstruction = F.binary_cross_entropy_with_logits(decoder(z).float(), x, reduction="sum")
    divergence = -0.5 * (1 + log_var - mu.square() - log_var.exp()).sum()
    return (reconstruction + divergence) / len(x)


def load_images(folder: Path, count: int) -> Tensor:
    """The first training images of MNIST as floats in [0, 1], [N, 1, 28, 28]."""
    raw = gzip.decompress((folder / "train-images-idx3-ubyte.gz").read_bytes())
    images = np.frombuffer(raw, np.uint8, offset=16).reshape(-1, 1, 28, 28)[:count]
    return torch.from_numpy(images / np.float32(255))


def main() -> None:
    """Train for some epochs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mnist", type=Path, required=True, help="folder of the original files")
    parser.add_argument("--net", choices=["mlp", "conv"], default="mlp")
    parser.add_argument("--train-size", type=int, default=60_000)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--bfloat16", action="store_true")
    options = parser.parse_args()
    x = load_images(options.mnist, options.train_size)
    torch.manual_seed(0)
    encoder, decoder, _ = {"mlp": mlp, "conv": conv}[options.net]()
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], 1e-3, fused=True)

    seconds = float("nan")
    total = torch.zeros(())
    for _ in range(options.epochs):
        start = time.perf_counter()
        total = torch.zeros(())
        for indices in torch.randperm(len(x)).split(options.batch_size):
            with torch.autocast("cpu", torch.bfloat16, enabled=options.bfloat16):
                loss = mean_loss(encoder, decoder, x[indices])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += len(indices) * loss.detach()
        seconds = time.perf_counter() - start
    print(json.dumps({"images_per_second": len(x) / seconds, "loss": total.item() / len(x)}))


if __name__ == "__main__":
    main()
