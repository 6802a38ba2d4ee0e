"""The network of `mlp-500` in pythae; the benchmarks run it in pythae's own environment.

Prints one JSON object: images per second and mean loss, in nats, of the last epoch.
"""

import argparse
import gzip
import json
import logging
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from pythae.data.datasets import BaseDataset
from pythae.models import VAE, VAEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from pythae.trainers.training_callbacks import TrainingCallback
from torch import nn


class Encoder(BaseEncoder):
    """From images to mean and log-variance."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU()
        )
        self.mu = nn.Linear(512, 16)
        self.log_var = nn.Linear(512, 16)

    def forward(self, x: torch.Tensor) -> ModelOutput:
        """The parameters of q(z|x)."""
        h = self.layers(x)
        return ModelOutput(embedding=self.mu(h), log_covariance=self.log_var(h))


class Decoder(BaseDecoder):
    """From latent codes to probabilities, which pythae's cross-entropy expects."""

    def __init__(self) -> None:
        super().__init__()
        hidden = [
            nn.Linear(16, 512),
            nn.ReLU(),
            nn.Linear(512, 512),
            nn.ReLU(),
            nn.Linear(512, 784),
            nn.Sigmoid(),
        ]
        self.layers = nn.Sequential(*hidden, nn.Unflatten(1, (1, 28, 28)))

    def forward(self, z: torch.Tensor) -> ModelOutput:
        """The mean of p(x|z)."""
        return ModelOutput(reconstruction=self.layers(z))


class Clock(TrainingCallback):
    """Records the seconds of each epoch, and the last training loss."""

    def __init__(self) -> None:
        self.epoch_seconds: list[float] = []
        self.loss = float("nan")

    def on_epoch_begin(self, training_config, **_) -> None:
        """Start the clock."""
        self.start = time.perf_counter()

    def on_epoch_end(self, training_config, **_) -> None:
        """Record the time."""
        self.epoch_seconds.append(time.perf_counter() - self.start)

    def on_log(self, training_config, logs, **_) -> None:
        """Record the loss."""
        self.loss = logs["train_epoch_loss"]


def load_images(folder: Path, count: int) -> torch.Tensor:
    """The first training images of MNIST as floats in [0, 1], [N, 1, 28, 28]."""
    raw = gzip.decompress((folder / "train-images-idx3-ubyte.gz").read_bytes())
    images = np.frombuffer(raw, np.uint8, offset=16).reshape(-1, 1, 28, 28)[:count]
    return torch.from_numpy(images / np.float32(255))


def main() -> None:
    """Train for some epochs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mnist", type=Path, required=True, help="folder of the original files")
    parser.add_argument("--train-size", type=int, default=60_000)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=2)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    x = load_images(options.mnist, options.train_size)
    model_config = VAEConfig(input_dim=(1, 28, 28), latent_dim=16, reconstruction_loss="bce")
    model = VAE(model_config, Encoder(), Decoder())
    dataset = BaseDataset(x, torch.zeros(len(x)))
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        config = BaseTrainerConfig(
            output_dir=folder,
            num_epochs=options.epochs,
            learning_rate=1e-3,
            per_device_train_batch_size=options.batch_size,
            no_cuda=True,
        )
        BaseTrainer(model, dataset, training_config=config, callbacks=[clock]).train()
    rate = len(x) / clock.epoch_seconds[-1]
    print(json.dumps({"images_per_second": rate, "loss": float(clock.loss)}))


if __name__ == "__main__":
    main()
