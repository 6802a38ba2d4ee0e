"""Time of the bound of 5,000 samples, by vaekit and by pythae's `get_nll`, with the same weights.

    python benchmarks/bound_speed.py --images 100 --pythae-images 5

The network of Burda et al. (2016) with one stochastic layer, 784-200-200-50 with tanh, at its first
weights, on MNIST binarized at one half. The bounds must agree within their noise, or the script
fails. pythae gets an environment of its own, made on first use; it computes one image at a time, so
that a few images show its time. Takes some minutes on two cores.
"""

import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

import vaekit
from command_line import argument_parser, output_of
from environments import python_of
from vaekit.core.vae import VAE
from vaekit.data.binarization import binarize
from vaekit.evaluation import importance_weighted_bound
from vaekit.inputs import ModelInputs

NET = {"kind": "mlp", "hidden": (200, 200), "activation": "tanh"}
PYTHAE_SCRIPT = Path(__file__).parent / "peers" / "pythae_nll.py"


class TimedBounds(NamedTuple):
    """The bounds of images in nats, [N], and milliseconds per image."""

    milliseconds: float
    bounds: np.ndarray


def bounds_by_vaekit(model: VAE, inputs: ModelInputs, samples: int, seed: int) -> TimedBounds:
    """Time vaekit."""
    start = time.perf_counter()
    bounds = importance_weighted_bound(model, inputs, samples, seed=seed)
    milliseconds = 1000 * (time.perf_counter() - start) / len(inputs)
    return TimedBounds(milliseconds, bounds.numpy())


def bounds_by_pythae(weights: Path, images: int, samples: int) -> TimedBounds:
    """Time pythae on the images in the file of weights."""
    options = ["--weights", weights, "--images", images, "--importance-samples", samples]
    command = [python_of("pythae"), PYTHAE_SCRIPT, *options]
    *_, last_line = output_of(list(map(str, command))).splitlines()
    result = json.loads(last_line)
    return TimedBounds(result["milliseconds"], np.array(result["bounds"]))


def check_agreement(ours: list[TimedBounds], theirs: list[TimedBounds]) -> None:
    """Print the difference of the bounds; SystemExit if it is larger than their noise allows."""
    count = len(theirs[0].bounds)
    difference = np.abs(ours[0].bounds[:count] - theirs[0].bounds).max()
    noise = max(
        np.abs(results[0].bounds[:count] - results[-1].bounds[:count]).max()
        for results in (ours, theirs)
    )
    if difference > 3 * noise:
        raise SystemExit(
            f"the bounds of vaekit and pythae differ: got a difference of {difference:.2f} nats, "
            f"expected at most {3 * noise:.2f}, three times the difference between two seeds"
        )
    print(f"largest difference {difference:.2f} nats; between two seeds of a program {noise:.2f}")


def main() -> None:
    """Compare times and bounds."""
    parser = argument_parser(__doc__)
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--pythae-images", type=int, default=5)
    parser.add_argument("--importance-samples", type=int, default=5000)
    parser.add_argument("--repeats", type=int, default=3, help="at least 2")
    options = parser.parse_args()
    samples = options.importance_samples
    python_of("pythae")  # its environment is made before any time is measured

    dataset = binarize(vaekit.load_data("mnist"), "threshold")
    assert dataset.test is not None
    model = vaekit.build("mlp", dataset, latent_dim=50, encoder=NET, decoder=NET).eval()
    images = dataset.test.x
    transform = dataset.support.transform(model.likelihood.accepts)
    inputs = ModelInputs(images[: options.images], transform)
    state = {name: tensor.numpy(force=True) for name, tensor in model.state_dict().items()}
    ours: list[TimedBounds] = []
    theirs: list[TimedBounds] = []
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "weights.npz"
        np.savez(weights, x=images[: options.pythae_images].astype(np.float32), **state)
        for seed in range(options.repeats):
            ours.append(bounds_by_vaekit(model, inputs, samples, seed))
            theirs.append(bounds_by_pythae(weights, options.pythae_images, samples))
            print(
                f"{seed + 1}  vaekit {ours[-1].milliseconds:8.2f} ms per image   "
                f"pythae {theirs[-1].milliseconds:8.2f} ms per image",
                flush=True,
            )
    check_agreement(ours, theirs)
    our_time = statistics.median(result.milliseconds for result in ours)
    their_time = statistics.median(result.milliseconds for result in theirs)
    print(
        f"median: vaekit {our_time:.2f}, pythae {their_time:.2f} ms per image, "
        f"{their_time / our_time:.1f} times as much"
    )


if __name__ == "__main__":
    main()
