"""The Keras example in Keras: its network, its protocol and its defaults.

The benchmarks run it in Keras's own environment. Prints one JSON object per epoch: training and
validation loss in nats, images per second of its training, and seconds since the process started.
"""

import argparse
import gzip
import json
import os
import time
from pathlib import Path

START = time.perf_counter()
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from keras import layers  # noqa: E402


def images(folder: Path, part: str) -> np.ndarray:
    """The images of one part of MNIST, train or t10k, as floats in [0, 1]: [N, 28, 28, 1]."""
    raw = gzip.decompress((folder / f"{part}-images-idx3-ubyte.gz").read_bytes())
    return np.frombuffer(raw, np.uint8, offset=16).reshape(-1, 28, 28, 1).astype(np.float32) / 255


def encoder() -> keras.Model:
    """Two convolutions of stride 2, a dense layer of 16, mu and log_var."""
    x = keras.Input((28, 28, 1))
    h = layers.Conv2D(32, 3, strides=2, padding="same", activation="relu")(x)
    h = layers.Conv2D(64, 3, strides=2, padding="same", activation="relu")(h)
    h = layers.Dense(16, activation="relu")(layers.Flatten()(h))
    return keras.Model(x, [layers.Dense(2)(h), layers.Dense(2)(h)])


def decoder() -> keras.Model:
    """A dense layer, two transposed convolutions of stride 2, one of stride 1 with a sigmoid."""
    z = keras.Input((2,))
    h = layers.Reshape((7, 7, 64))(layers.Dense(7 * 7 * 64, activation="relu")(z))
    h = layers.Conv2DTranspose(64, 3, strides=2, padding="same", activation="relu")(h)
    h = layers.Conv2DTranspose(32, 3, strides=2, padding="same", activation="relu")(h)
    return keras.Model(z, layers.Conv2DTranspose(1, 3, padding="same", activation="sigmoid")(h))


class VAE(keras.Model):
    """The soft-label Bernoulli ELBO with one sample, a sum over pixels and a mean over images."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = encoder()
        self.decoder = decoder()
        self.mean_loss = keras.metrics.Mean(name="loss")

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The metrics that Keras resets at the start of an epoch."""
        return [self.mean_loss]

    def loss_per_image(self, x: tf.Tensor) -> tf.Tensor:
        """The negative ELBO of each image, [B]."""
        mu, log_var = self.encoder(x)
        z = mu + tf.exp(0.5 * log_var) * tf.random.normal(tf.shape(mu))
        reconstruction = tf.reduce_sum(
            keras.losses.binary_crossentropy(x, self.decoder(z)), axis=(1, 2)
        )
        divergence = -0.5 * tf.reduce_sum(1 + log_var - tf.square(mu) - tf.exp(log_var), axis=1)
        return reconstruction + divergence

    def train_step(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        """Update the weights on a batch."""
        with tf.GradientTape() as tape:
            losses = self.loss_per_image(x)
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, self.trainable_weights)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_weights, strict=True))
        self.mean_loss.update_state(losses)
        return {"loss": self.mean_loss.result()}

    def test_step(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        """Add a batch to the validation loss."""
        self.mean_loss.update_state(self.loss_per_image(x))
        return {"loss": self.mean_loss.result()}


class EpochPrinter(keras.callbacks.Callback):
    """Prints one line of JSON per epoch of `images` training images."""

    def __init__(self, images: int) -> None:
        super().__init__()
        self.images = images

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Start the clock."""
        self.epoch_start = time.perf_counter()

    def on_test_begin(self, logs: dict[str, float] | None = None) -> None:
        """Stop the clock before validation."""
        self.training_end = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Print the epoch."""
        line = {
            "epoch": epoch + 1,
            "loss": logs["loss"],
            "val_loss": logs["val_loss"],
            "images_per_second": self.images / (self.training_end - self.epoch_start),
            "seconds": time.perf_counter() - START,
        }
        print(json.dumps(line), flush=True)


def main() -> None:
    """Train with early stopping on the test images, as the example does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mnist", type=Path, required=True, help="folder of the original files")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--patience", type=int, default=2)
    parser.add_argument("--train-size", type=int, default=60_000, help="training images")
    parser.add_argument("--batch-size", type=int, default=32)
    options = parser.parse_args()
    keras.utils.set_random_seed(options.seed)
    model = VAE()
    counts = model.encoder.count_params(), model.decoder.count_params()
    assert counts == (69_076, 65_089), counts
    model.compile(optimizer=keras.optimizers.Adam(1e-3))
    stopping = keras.callbacks.EarlyStopping(
        monitor="val_loss", patience=options.patience, mode="min"
    )
    x = images(options.mnist, "train")[: options.train_size]
    model.fit(
        x,
        validation_data=(images(options.mnist, "t10k"), None),
        batch_size=options.batch_size,
        epochs=options.epochs,
        callbacks=[stopping, EpochPrinter(len(x))],
        verbose=0,
    )


if __name__ == "__main__":
    main()
