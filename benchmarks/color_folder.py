"""A folder of color images of an odd size, trained with defaults only.

    python benchmarks/color_folder.py --out runs/color

Cuts 3,000 crops of 37 x 53 pixels from the two photographs of scikit-learn (a temple, a flower; a
sub-folder each), trains on the folder, and compares the reconstructions of test images with the
mean image and with as many principal components as there are latent dimensions, in the same units.
Takes about 10 minutes on two cores.
"""

from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_images
from sklearn.decomposition import PCA

import vaekit
from command_line import argument_parser, vaekit_json
from vaekit.runs import load_split

HEIGHT = 37
WIDTH = 53
SHRINKING = 3


def save_crops(folder: Path, count: int, seed: int) -> None:
    """Write crops of the photographs, shrunk to a third, as PNG files by class."""
    rng = np.random.default_rng(seed)
    height = SHRINKING * HEIGHT
    width = SHRINKING * WIDTH
    photographs = load_sample_images()
    for name, photograph in zip(photographs.filenames, photographs.images, strict=True):
        target = folder / Path(name).stem
        target.mkdir(parents=True, exist_ok=True)
        for i in range(count // 2):
            top = rng.integers(photograph.shape[0] - height)
            left = rng.integers(photograph.shape[1] - width)
            crop = Image.fromarray(photograph[top : top + height, left : left + width])
            crop.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS).save(target / f"{i:05}.png")


def decibels(original: np.ndarray, decoded: np.ndarray) -> float:
    """Peak signal-to-noise ratio of bytes, from the mean squared error over all images."""
    return float(10 * np.log10(255**2 / np.mean((original.astype(np.float64) - decoded) ** 2)))


def flatten(images: np.ndarray) -> np.ndarray:
    """Images as vectors of floats, [N, D]."""
    return images.reshape(len(images), -1).astype(np.float32)


def main() -> None:
    """Make the folder, train, and compare the reconstructions."""
    parser = argument_parser(__doc__)
    parser.add_argument("--images", type=int, default=3000)
    parser.add_argument("--out", type=Path, default=Path("runs/color"))
    options = parser.parse_args()
    folder = options.out / "images"
    save_crops(folder, options.images, seed=0)
    run_folder = options.out / "run"
    summary = vaekit_json("train", "--data", folder, "--out", run_folder, "--overwrite")["summary"]

    run = vaekit.load_run(run_folder)
    latent_dim = run.config.latent_dim
    split = load_split(run_folder, run.run_id, summary)
    dataset = vaekit.load_data(folder)
    train = flatten(split.examples(dataset, "train").x)
    test = split.examples(dataset, "test").x
    pca = PCA(latent_dim, random_state=0).fit(train)
    by_components = pca.inverse_transform(pca.transform(flatten(test))).reshape(test.shape)
    mean_image = train.mean(0).reshape(test.shape[1:])

    channels = run.config.part("encoder").channels
    epochs = summary["epochs"]
    loss = summary["test"]["loss"]["value"]
    print(f"{channels} channels, {latent_dim} latent dimensions, {epochs} epochs")
    print(f"mean image            {decibels(test, mean_image):.2f} dB")
    print(f"principal components  {decibels(test, by_components):.2f} dB")
    psnr = decibels(test, run.reconstruct(test))
    print(f"vaekit                {psnr:.2f} dB, test loss {loss:.1f} nats")


if __name__ == "__main__":
    main()
