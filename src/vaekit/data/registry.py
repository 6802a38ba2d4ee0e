"""The files of the named data that are not in the package: where they are on the internet, and what proves them."""

from pathlib import Path

from vaekit.data.cache import cache_folder, dataset_folders
from vaekit.data.remote_file import RemoteFile
from vaekit.errors import DataError

_FASHION = (
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
)


def _fashion(name: str, md5: str, size: int) -> RemoteFile:
    return RemoteFile(f"{name}.gz", md5, size, tuple(f"{address}{name}.gz" for address in _FASHION))


REMOTES: dict[str, tuple[RemoteFile, ...]] = {
    "cifar10": (
        RemoteFile(
            "cifar-10-binary.tar.gz",
            "c32a1d4ab5d03f1284b67883e8d87530",  # of the compressed archive
            170_052_171,
            (
                "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
                "https://cave.cs.toronto.edu/kriz/cifar-10-binary.tar.gz",
            ),
        ),
    ),
    "dsprites": (
        RemoteFile(
            "dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz",
            "7da33b31b13a06f4b04a70402ce90c2e",
            19_318_135,
            (
                "https://raw.githubusercontent.com/google-deepmind/dsprites-dataset/master/"
                "dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz",
                "https://github.com/google-deepmind/dsprites-dataset/raw/master/dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz",
            ),
        ),
    ),
    "fashion-mnist": (  # of the decompressed files
        _fashion("train-images-idx3-ubyte", "f4a8712d7a061bf5bd6d2ca38dc4d50a", 47_040_016),
        _fashion("train-labels-idx1-ubyte", "9018921c3c673c538a1fc5bad174d6f9", 60_008),
        _fashion("t10k-images-idx3-ubyte", "8181f5470baa50b63fa0f6fddb340f0a", 7_840_016),
        _fashion("t10k-labels-idx1-ubyte", "15d484375f8d13e6eb1aabb0c3f46965", 10_008),
    ),
}


def find_file(name: str, remote: RemoteFile) -> Path | None:
    """The file of a named dataset, or what it decompresses to, where it is on this machine; nothing is read."""
    places = (
        folder / file
        for folder in dataset_folders(name)
        for file in (remote.name, remote.name.removesuffix(".gz"))
    )
    return next((path for path in places if path.is_file()), None)


def is_cached(name: str) -> bool:
    """Whether every file of a named dataset is on this machine."""
    return all(find_file(name, remote) for remote in REMOTES[name])


def ensure_downloaded(name: str, remote: RemoteFile) -> Path:
    """The file of a named dataset: found, or else downloaded; `DataError` says where to put what, if it cannot be."""
    found = find_file(name, remote)
    if found:
        return found
    from vaekit.data.download import fetch  # urllib loads slowly

    try:
        return fetch(remote, cache_folder(name))
    except DataError as error:
        files = ", ".join(remote.name for remote in REMOTES[name])
        raise DataError(
            f"{name}: {error}: put {files} into $VAEKIT_DATA/{name} or {cache_folder(name)}"
        ) from None


def checksum_error(reason: object) -> DataError:
    """The error for a file on this machine that is not what its name says."""
    return DataError(f"{reason}: replace the file, or remove it to have it downloaded")
