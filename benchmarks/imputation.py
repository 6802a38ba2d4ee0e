"""Missing pixels of MNIST: root mean squared error of `vaekit impute`, beside the mean image and the nearest neighbours.

    vaekit train mlp --latent-dim 16 --epochs 20 --out runs/mlp-16
    python benchmarks/imputation.py runs/mlp-16

Half of the pixels at random, or the lower half, of the first test images, gray values from 0 to 1. The neighbours are
scikit-learn's KNNImputer with five, on 5,000 training images. Takes some minutes on two cores.
"""

import argparse

import numpy as np
from sklearn.impute import KNNImputer

import vaekit
from vaekit.data import Examples
from vaekit.workflows.impute import impute

NEIGHBOUR_ROWS = 5000


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run")
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--sweeps", type=int, default=100)
    options = parser.parse_args()
    data, run = vaekit.load_data("mnist"), vaekit.load_run(options.run)
    assert data.test is not None
    x = data.test.x[: options.images]
    train = data.train.x.reshape(len(data.train), -1)
    few = train[np.random.default_rng(0).permutation(len(train))[:NEIGHBOUR_ROWS]].astype(float)
    lower = np.zeros(x.shape, bool)
    lower[:, :, 14:] = True
    for name, missing in (
        ("half at random", np.random.default_rng(0).random(x.shape) < 0.5),
        ("the lower half", lower),
    ):
        gaps = np.where(missing, np.nan, x).reshape(len(x), -1)
        neighbours = np.asarray(KNNImputer(keep_empty_features=True).fit(few).transform(gaps))
        guesses = {
            "vaekit": impute(run, Examples(x), missing, sweeps=options.sweeps),
            "five neighbours": neighbours.reshape(x.shape),
            "the mean image": np.broadcast_to(train.mean(0).reshape(x.shape[1:]), x.shape),
        }
        for by, guess in guesses.items():
            print(
                f"{name}: {by}: {np.sqrt(np.square(guess[missing] / 255 - x[missing] / 255).mean()):.4f}"
            )


if __name__ == "__main__":
    main()
