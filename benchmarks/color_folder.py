"""A folder of colour images of an odd size, trained with nothing but defaults.

    python benchmarks/colour_folder.py --out runs/colour

Cuts 3,000 pieces of 37 x 53 pixels out of the two photographs that come with scikit-learn (a temple, a flower; one sub-folder
each), trains on the folder, and compares the reconstructions of test images with the mean image and with principal components
of as many dimensions, in the same units. Takes about 10 minutes on two cores.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_images
from sklearn.decomposition import PCA

import vaekit
from vaekit.runs import load_split  # 

HEIGHT, WIDTH = 37, 53


def cut(folder: Path, count: int, seed: int) -> None:
    """Pieces of the photographs, each shrunk from 3 times the size, as PNG files by class."""
    rng = np.random.default_rng(seed)
    photographs = load_sample_images()
    for name, photograph in zip(photographs.filenames, photographs.images, strict=True):
        target = folder / Path(name).stem
        target.mkdir(parents=True, exist_ok=True)
        for i in range(count // 2):
            top = rng.integers(photograph.shape[0] - 3 * HEIGHT)
            left = rng.integers(photograph.shape[1] - 3 * WIDTH)
            piece = Image.fromarray(photograph[top : top + 3 * HEIGHT, left : left + 3 * WIDTH])
            piece.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS).save(target / f"{i:05}.png")


def decibels(original: np.ndarray, decoded: np.ndarray) -> float:
    """Peak signal-to-noise ratio for values of 0 to 255, of the mean squared error over all images."""
    return float(10 * np.log10(255**2 / np.mean((original.astype(np.float64) - decoded) ** 2)))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=3000)
    parser.add_argument("--out", type=Path, default=Path("runs/colour"))
    options = parser.parse_args()
    folder, out = options.out / "images", options.out / "run"
    cut(folder, options.images, seed=0)
    command = [
        sys.executable,
        "-m",
        "vaekit",
        "train",
        "--data",
        str(folder),
        "--out",
        str(out),
        "--force",
        "--json",
    ]
    summary = json.loads(
        subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    )["summary"]
    run = vaekit.load_run(out)
    split, dataset = load_split(out), vaekit.load_data(folder)
    train, test = (split.rows(dataset, part).x for part in ("train", "test"))
    flat = train.reshape(len(train), -1).astype(np.float32)
    pca = PCA(run.config.latent_dim, random_state=0).fit(flat)
    linear = pca.inverse_transform(
        pca.transform(test.reshape(len(test), -1).astype(np.float32))
    ).reshape(test.shape)
    print(
        f"{run.config.part('encoder').channels} channels, {run.config.latent_dim} latent dimensions, {summary['epochs']} epochs"
    )
    print(f"mean image            {decibels(test, flat.mean(0).reshape(test.shape[1:])):.2f} dB")
    print(f"principal components  {decibels(test, linear):.2f} dB")
    loss = summary["test"]["loss"]["value"]
    print(
        f"vaekit                {decibels(test, run.reconstruct(test)):.2f} dB, test loss {loss:.1f} nats"
    )


if __name__ == "__main__":
    main()
