"""Train the Keras example on prepared batches and noise, for `benchmarks/keras_parity.py`.

    python keras_steps.py BATCHES.npz LOSSES.npz OPTIMIZER

Runs in Keras's own environment. Reads x [S, B, 28, 28, 1] and noise [S, B, 2]; writes the first
weights and the loss of each step, with the optimizer sgd or adam.
"""

import sys

import keras
import numpy as np
import tensorflow as tf
from keras_conv import decoder, encoder


def main() -> None:
    """Train for S steps."""
    # In float32, rounding, which Adam amplifies, would hide other differences.
    keras.config.set_floatx("float64")
    source, target, optimizer_name = sys.argv[1:]
    keras.utils.set_random_seed(0)
    encode = encoder()
    decode = decoder()
    weights = [*encode.trainable_weights, *decode.trainable_weights]
    first_weights = {f"before{i}": weight.numpy() for i, weight in enumerate(weights)}
    optimizers = {"sgd": keras.optimizers.SGD(1e-5), "adam": keras.optimizers.Adam(1e-3)}
    optimizer = optimizers[optimizer_name]

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

    batches = np.load(source)
    pairs = zip(batches["x"], batches["noise"], strict=True)
    losses = np.array([float(step(x, noise)) for x, noise in pairs])
    np.savez(target, losses=losses, **first_weights)


if __name__ == "__main__":
    main()
