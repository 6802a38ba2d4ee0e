"""The importance-weighted bound of 5,000 samples, by vaekit and by pythae's `get_nll`: milliseconds an image, same weights.

    python benchmarks/evaluation.py --images 100 --pythae-images 5

The network of the IWAE paper's first model, 784-200-200-50 with tanh, at the weights that it starts from, on MNIST above one
half. The bounds must agree within their noise, else the script fails. pythae gets an environment of its own, made on first
use; it takes one image at a time, so that a few show what one costs. Takes some minutes on two cores.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

import vaekit
from environments import python_of
from vaekit.core.vae import VAE
from vaekit.data.binarization import binarize
from vaekit.evaluation import importance_weighted_bound
from vaekit.inputs import ModelInputs

HIDDEN = {"kind": "mlp", "hidden": (200, 200), "activation": "tanh"}


def by_vaekit(model: VAE, inputs: ModelInputs, samples: int, seed: int) -> tuple[float, np.ndarray]:
    """Milliseconds an image, and the bounds."""
    began = time.perf_counter()
    bounds = importance_weighted_bound(model, inputs, samples, seed=seed)
    return 1000 * (time.perf_counter() - began) / len(inputs), bounds.numpy()


def by_pythae(weights: Path, images: int, samples: int) -> tuple[float, np.ndarray]:
    script = Path(__file__).parent / "peers" / "pythae_nll.py"
    command = [
        python_of("pythae"),
        script,
        "--weights",
        weights,
        "--images",
        str(images),
        "--samples",
        str(samples),
    ]
    found = json.loads(
        subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[
            -1
        ]
    )
    return found["milliseconds"], np.array(found["bounds"])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--pythae-images", type=int, default=5)
    parser.add_argument("--samples", type=int, default=5000)
    parser.add_argument("--repeats", type=int, default=3, help="at least 2")
    options = parser.parse_args()
    python_of("pythae")  # made before any clock starts
    data = binarize(vaekit.load_data("mnist"), "threshold")
    model = vaekit.build("mlp", data, latent_dim=50, encoder=HIDDEN, decoder=HIDDEN).eval()
    assert data.test is not None
    inputs = ModelInputs(
        data.test.x[: options.images], data.support.transform(model.likelihood.accepts)
    )
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "weights.npz"
        arrays = {name: tensor.numpy(force=True) for name, tensor in model.state_dict().items()}
        np.savez(weights, x=data.test.x[: options.pythae_images].astype(np.float32), **arrays)
        for seed in range(options.repeats):
            ours.append(by_vaekit(model, inputs, options.samples, seed))
            theirs.append(by_pythae(weights, options.pythae_images, options.samples))
            print(
                f"{seed + 1}  vaekit {ours[-1][0]:8.2f} ms an image   pythae {theirs[-1][0]:8.2f} ms an image",
                flush=True,
            )
    few = options.pythae_images
    apart = np.abs(ours[0][1][:few] - theirs[0][1]).max()
    noise = max(np.abs(runs[0][1][:few] - runs[-1][1][:few]).max() for runs in (ours, theirs))
    if apart > 3 * noise:
        raise SystemExit(
            f"the bounds are {apart:.2f} nats apart, their noise is {noise:.2f}: they are not of the same model"
        )
    a, b = (statistics.median(milliseconds for milliseconds, _ in runs) for runs in (ours, theirs))
    print(f"median: vaekit {a:.2f}, pythae {b:.2f} ms an image, {b / a:.1f} times as much")
    print(f"bounds at most {apart:.2f} nats apart; those of one program with two seeds {noise:.2f}")


if __name__ == "__main__":
    main()
