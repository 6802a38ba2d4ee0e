"""Root mean squared error of imputed pixels, by vaekit, nearest neighbors and the mean image.

    vaekit train mlp --latent-dim 16 --epochs 20 --out runs/mlp-16
    python benchmarks/imputation.py runs/mlp-16

Half of the pixels at random, or the lower half, of the first test images of MNIST, gray values from
0 to 1. The neighbors are scikit-learn's KNNImputer with five, on 5,000 training images. Takes some
minutes on two cores.
"""

import numpy as np
from sklearn.impute import KNNImputer

import vaekit
from command_line import argument_parser

MAX_NEIGHBOR_EXAMPLES = 5000


def root_mean_squared_error(imputed: np.ndarray, x: np.ndarray, missing: np.ndarray) -> float:
    """The error over missing pixels, of bytes scaled to [0, 1]."""
    return float(np.sqrt(np.square(imputed[missing] / 255 - x[missing] / 255).mean()))


def impute_by_neighbors(x: np.ndarray, missing: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Images [N, *shape] imputed from training images as vectors, [M, D]."""
    incomplete = np.where(missing, np.nan, x).reshape(len(x), -1)
    imputer = KNNImputer(keep_empty_features=True).fit(train)
    return np.asarray(imputer.transform(incomplete)).reshape(x.shape)


def main() -> None:
    """Compare the methods on both masks."""
    parser = argument_parser(__doc__)
    parser.add_argument("run")
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--iterations", type=int, default=100)
    options = parser.parse_args()
    run = vaekit.load_run(options.run)
    dataset = vaekit.load_data("mnist")
    assert dataset.test is not None
    x = dataset.test.x[: options.images]
    train = dataset.train.x.reshape(len(dataset.train), -1)
    subset = np.random.default_rng(0).permutation(len(train))[:MAX_NEIGHBOR_EXAMPLES]
    neighbors = train[subset].astype(float)
    mean_image = train.mean(0).reshape(x.shape[1:])

    lower = np.zeros(x.shape, bool)
    lower[:, :, 14:] = True
    masks = {
        "half at random": np.random.default_rng(0).random(x.shape) < 0.5,
        "the lower half": lower,
    }
    for name, missing in masks.items():
        imputed = {
            "vaekit": run.impute(x, missing, iterations=options.iterations),
            "five neighbors": impute_by_neighbors(x, missing, neighbors),
            "the mean image": np.broadcast_to(mean_image, x.shape),
        }
        for method, values in imputed.items():
            print(f"{name}: {method}: {root_mean_squared_error(values, x, missing):.4f}")


if __name__ == "__main__":
    main()
