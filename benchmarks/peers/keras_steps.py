"""R0 in Keras on given batches and noise. Run by `benchmarks/parity.py` in Keras's own environment.

Reads x [S, B, 28, 28, 1] and noise [S, B, 2] from one .npz; writes the weights before and each step's loss, with the
optimiser that is named third.
"""

import sys

import keras
import numpy as np
import tensorflow as tf
from keras_conv import decoder, encoder


def main() -> None:
    keras.config.set_floatx(
        "float64"
    )  # else rounding, which Adam blows up, hides what else might differ
    given, written = np.load(sys.argv[1]), sys.argv[2]
    keras.utils.set_random_seed(0)
    encode, decode = encoder(), decoder()
    weights = [*encode.trainable_weights, *decode.trainable_weights]
    before = [w.numpy() for w in weights]
    optimizer = {"sgd": keras.optimizers.SGD(1e-5), "adam": keras.optimizers.Adam(1e-3)}[
        sys.argv[3]
    ]

    @tf.function
    def step(x: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            mu, log_var = encode(x)
            p = decode(mu + tf.exp(0.5 * log_var) * noise)
            reconstruction = tf.reduce_sum(keras.losses.binary_crossentropy(x, p), axis=(1, 2))
            divergence = -0.5 * tf.reduce_sum(1 + log_var - tf.square(mu) - tf.exp(log_var), axis=1)
            loss = tf.reduce_mean(reconstruction + divergence)
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        return loss

    losses = [float(step(x, noise)) for x, noise in zip(given["x"], given["noise"], strict=True)]
    np.savez(written, losses=np.array(losses), **{f"before{i}": w for i, w in enumerate(before)})


if __name__ == "__main__":
    main()
