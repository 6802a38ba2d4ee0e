"""The real datasets of `first_run.py`, out of packages and $VAEKIT_DATA.

scikit-learn's photographs and digits are installed with vaekit; the others need files of

    pip install --no-deps scikit-image PyWavelets sktime

of which nothing is imported. Each function writes one dataset and returns what follows `--data`.
"""

from collections.abc import Callable, Iterator
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_images

import vaekit

PATCH = 32
PHOTO_PATCH = 64
LARGE = 512
TEST_REGION = 0.85
"""Test patches come from the columns of a photograph beyond this fraction of its width."""

TEXTURES = ("brick", "grass", "gravel")
LARGE_PHOTOGRAPHS = ("astronaut", "brick", "camera", "grass", "gravel", "ihc", "moon")
RESIZED_PHOTOGRAPHS = ("chelsea", "coffee", "coins", "motorcycle_left", "page")
SPECTROGRAM_BINS = 32
SPECTROGRAM_WINDOW = 64


def package_file(package: str, path: str) -> Path:
    """A file of an installed package, which is not imported."""
    return Path(str(distribution(package).locate_file(path)))


def photograph(name: str) -> Image.Image:
    """A photograph of scikit-image."""
    for suffix in (".png", ".jpg"):
        path = package_file("scikit-image", f"skimage/data/{name}{suffix}")
        if path.is_file():
            return Image.open(path)
    raise SystemExit(f"scikit-image has no photograph {name}. Install scikit-image 0.26.")


def random_crops(
    image: np.ndarray, side: int, count: int, rng: np.random.Generator, columns: slice
) -> np.ndarray:
    """Square crops [count, side, side, ...] at random places within some columns."""
    rows = rng.integers(0, image.shape[0] - side + 1, count)
    lefts = rng.integers(columns.start, columns.stop - side + 1, count)
    places = zip(rows, lefts, strict=True)
    return np.stack([image[row : row + side, left : left + side] for row, left in places])


def split_crops(
    images: list[np.ndarray], side: int, train: int, test: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Crops of each image: training crops from its left part, test crops from the rest."""
    rng = np.random.default_rng(seed)
    train_crops, test_crops = [], []
    for image in images:
        edge = int(TEST_REGION * image.shape[1])
        train_crops.append(random_crops(image, side, train, rng, slice(0, edge)))
        columns = slice(edge, image.shape[1])
        test_crops.append(random_crops(image, side, test, rng, columns))
    return np.concatenate(train_crops), np.concatenate(test_crops)


def textures(folder: Path) -> str:
    """1,050 + 210 gray patches of three textures at random places (seed 0)."""
    images = [np.asarray(photograph(name).convert("L")) for name in TEXTURES]
    train, test = split_crops(images, PATCH, train=350, test=70, seed=0)
    np.savez(folder / "textures.npz", x_train=train, x_test=test)
    return str(folder / "textures.npz")


def photo_patches(folder: Path) -> str:
    """2,700 + 300 color patches of scikit-learn's two photographs, at random places (seed 0)."""
    images = list(load_sample_images().images)
    train, test = split_crops(images, PHOTO_PATCH, train=1350, test=150, seed=0)
    np.savez(folder / "photo-patches.npz", x_train=train, x_test=test)
    return str(folder / "photo-patches.npz")


def photo_folder(folder: Path) -> str:
    """303 color JPEG files of 64 x 64 pixels, in one folder per photograph."""
    rng = np.random.default_rng(0)
    photographs = load_sample_images()
    target = folder / "photos"
    for name, image in zip(photographs.filenames, photographs.images, strict=True):
        (target / Path(name).stem).mkdir(parents=True, exist_ok=True)
        count = 152 if "china" in name else 151
        crops = random_crops(image, 2 * PHOTO_PATCH, count, rng, slice(0, image.shape[1]))
        for index, crop in enumerate(crops):
            small = Image.fromarray(crop).resize((PHOTO_PATCH, PHOTO_PATCH), Image.Resampling.BOX)
            small.save(target / Path(name).stem / f"{index:03}.jpg", quality=92)
    return str(target)


def retina(folder: Path) -> str:
    """A TIFF of 16 bits with 1,936 pages: tiles of 32 x 32 of the gray retina, stride 32."""
    gray = np.asarray(photograph("retina").convert("F"))
    values = (gray / gray.max() * 65535).astype(np.uint16)
    side = len(values) // PATCH * PATCH
    tiles = values[:side, :side].reshape(side // PATCH, PATCH, side // PATCH, PATCH)
    pages = [Image.fromarray(tile) for tile in tiles.swapaxes(1, 2).reshape(-1, PATCH, PATCH)]
    pages[0].save(folder / "retina.tif", save_all=True, append_images=pages[1:])
    return str(folder / "retina.tif")


def faces(folder: Path) -> str:
    """200 gray images of 25 x 25 in [0, 1], half of them faces, of Labeled Faces in the Wild."""
    np.save(
        folder / "faces.npy", np.load(package_file("scikit-image", "skimage/data/lfw_subset.npy"))
    )
    return str(folder / "faces.npy")


def dsprites(folder: Path) -> str:
    """5,000 of the dSprites, drawn with seed 0, zeros and ones."""
    x = vaekit.load_data("dsprites").train.x
    chosen = np.sort(np.random.default_rng(0).choice(len(x), 5000, replace=False))
    np.save(folder / "dsprites-5000.npy", x[chosen, 0].astype(bool))
    return str(folder / "dsprites-5000.npy")


def spectrograms(folder: Path) -> str:
    """1,074 spectrograms of 32 x 32, in decibels, of the currents of appliances (PLAID)."""
    signals = [signal for part in ("TRAIN", "TEST") for signal in plaid_signals(part)]
    np.save(folder / "spectrograms.npy", np.stack([spectrogram(signal) for signal in signals]))
    return str(folder / "spectrograms.npy")


def plaid_signals(part: str) -> Iterator[np.ndarray]:
    """The signals of one part of PLAID, of different lengths."""
    text = package_file("sktime", f"sktime/datasets/data/PLAID/PLAID_{part}.ts").read_text()
    for line in text.split("@data")[1].strip().splitlines():
        yield np.array(line.rsplit(":", 1)[0].split(","), np.float64)


def spectrogram(signal: np.ndarray) -> np.ndarray:
    """Power in decibels at 32 frequencies and 32 times, with a Hann window of 64 samples."""
    padded = np.pad(signal, (0, max(0, 2 * SPECTROGRAM_WINDOW - len(signal))))
    starts = np.linspace(0, len(padded) - SPECTROGRAM_WINDOW, SPECTROGRAM_BINS).astype(int)
    frames = np.stack([padded[start : start + SPECTROGRAM_WINDOW] for start in starts])
    spectrum = np.fft.rfft(frames * np.hanning(SPECTROGRAM_WINDOW))[:, :SPECTROGRAM_BINS]
    return (20 * np.log10(np.abs(spectrum) + 1e-6)).T.astype(np.float32)


def large_photos(folder: Path) -> str:
    """20 photographs of 512 x 512 pixels, gray and color, as PNG files."""
    target = folder / "large"
    target.mkdir(exist_ok=True)
    size = (LARGE, LARGE)
    images = {name: photograph(name).convert("RGB") for name in LARGE_PHOTOGRAPHS}
    for name in RESIZED_PHOTOGRAPHS:
        images[name] = photograph(name).convert("RGB").resize(size)
    for name, corners in {"retina": 2, "hubble_deep_field": 1}.items():
        image = photograph(name).convert("RGB")
        for row, column in np.ndindex(corners, corners + 1):
            left = min(column * LARGE, image.width - LARGE)
            box = (left, row * LARGE, left + LARGE, row * LARGE + LARGE)
            images[f"{name}-{row}-{column}"] = image.crop(box)
    for name in ("aero", "ascent"):
        archive = np.load(package_file("PyWavelets", f"pywt/data/{name}.npz"))
        pixels = archive[archive.files[0]].astype(np.uint8)
        images[name] = Image.fromarray(pixels).convert("RGB")
    for name, image in list(images.items())[:20]:
        image.crop((0, 0, *size)).save(target / f"{name}.png")
    return str(target)


def three_photos(folder: Path) -> str:
    """Three color photographs of 64 x 64 pixels."""
    target = folder / "three"
    target.mkdir(exist_ok=True)
    for name in ("astronaut", "chelsea", "coffee"):
        image = photograph(name).convert("RGB").resize((PHOTO_PATCH, PHOTO_PATCH))
        image.save(target / f"{name}.png")
    return str(target)


DATASETS: dict[str, Callable[[Path], str]] = {
    "mnist": lambda folder: "mnist",
    "fashion-mnist": lambda folder: "fashion-mnist",
    "digits": lambda folder: "digits",
    "dsprites": dsprites,
    "textures": textures,
    "photo-patches": photo_patches,
    "photos": photo_folder,
    "retina": retina,
    "faces": faces,
    "cifar10": lambda folder: "cifar10",
    "spectrograms": spectrograms,
    "large": large_photos,
    "three": three_photos,
}
"""What writes each dataset into a folder and returns what follows `--data`."""
