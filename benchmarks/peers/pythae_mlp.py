"""R4's network in pythae, run by the benchmarks in an environment of its own.

Prints one JSON object: images a second in the last epoch, the mean loss of that epoch in nats.
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
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU()
        )
        self.mu, self.log_var = nn.Linear(512, 16), nn.Linear(512, 16)

    def forward(self, x: torch.Tensor) -> ModelOutput:
        h = self.layers(x)
        return ModelOutput(embedding=self.mu(h), log_covariance=self.log_var(h))


class Decoder(BaseDecoder):
    """With the sigmoid that pythae's cross-entropy asks for."""

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
        return ModelOutput(reconstruction=self.layers(z))


class Clock(TrainingCallback):
    """The seconds and the loss of each epoch's training."""

    def __init__(self) -> None:
        self.epochs: list[float] = []
        self.loss = float("nan")

    def on_epoch_begin(self, training_config, **_) -> None:
        self.began = time.perf_counter()

    def on_epoch_end(self, training_config, **_) -> None:
        self.epochs.append(time.perf_counter() - self.began)

    def on_log(self, training_config, logs, **_) -> None:
        self.loss = logs["train_epoch_loss"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--mnist", type=Path, required=True, help="the folder of the four original files"
    )
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--bfloat16", action="store_true", help="not offered by pythae")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    raw = gzip.decompress((options.mnist / "train-images-idx3-ubyte.gz").read_bytes())
    x = np.frombuffer(raw, np.uint8, offset=16).reshape(-1, 1, 28, 28)[: options.rows] / np.float32(
        255
    )
    model = VAE(
        VAEConfig(input_dim=(1, 28, 28), latent_dim=16, reconstruction_loss="bce"),
        Encoder(),
        Decoder(),
    )
    data, clock = BaseDataset(torch.from_numpy(x), torch.zeros(len(x))), Clock()
    with tempfile.TemporaryDirectory() as folder:
        config = BaseTrainerConfig(
            output_dir=folder,
            num_epochs=options.epochs,
            learning_rate=1e-3,
            per_device_train_batch_size=options.batch,
            no_cuda=True,
        )
        BaseTrainer(model, data, training_config=config, callbacks=[clock]).train()
    print(json.dumps({"images_per_second": len(x) / clock.epochs[-1], "loss": float(clock.loss)}))


if __name__ == "__main__":
    main()
