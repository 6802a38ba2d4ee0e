"""The catalogue of named datasets."""

from collections.abc import Callable
from dataclasses import dataclass

from vaekit.data.dataset import Dataset
from vaekit.data.readers import cifar10, digits, dsprites, fashion_mnist, mnist
from vaekit.data.support import Support
from vaekit.json_types import JsonObject


@dataclass(frozen=True, kw_only=True)
class NamedDataset:
    """A dataset with a name, described without reading it.

    Args:
        read: Reads it, with a support if that is not its own.
        shape: The shape of one example.
        support: Its own support.
        classes: The number of classes.
        train: The number of training examples.
        test: The number of test examples; 0 without a test part.
        source: Author and publisher.
        license: The license.
        is_local: Whether nothing needs to be downloaded; None if it is installed with a package.
    """

    read: Callable[[Support | None], Dataset]
    shape: tuple[int, ...]
    support: str
    classes: int
    train: int
    test: int
    source: str
    license: str
    is_local: Callable[[], bool] | None = None

    @property
    def where(self) -> str:
        """Where its files are: installed, on this machine, or downloaded on first use."""
        if self.is_local is None:
            return "installed"
        return "on this machine" if self.is_local() else "downloaded on first use"


NAMES: dict[str, NamedDataset] = {
    "cifar10": NamedDataset(
        read=cifar10.read,
        shape=(3, 32, 32),
        support="integers:256",
        classes=10,
        train=50_000,
        test=10_000,
        source="Krizhevsky, University of Toronto",
        license="none stated",
        is_local=cifar10.is_local,
    ),
    "digits": NamedDataset(
        read=digits.read,
        shape=(1, 8, 8),
        support="integers:17",
        classes=10,
        train=1797,
        test=0,
        source="UCI, with scikit-learn",
        license="CC BY 4.0",
    ),
    "dsprites": NamedDataset(
        read=dsprites.read,
        shape=(1, 64, 64),
        support="binary",
        classes=3,
        train=737_280,
        test=0,
        source="Matthey et al., DeepMind",
        license="Apache-2.0",
        is_local=dsprites.is_local,
    ),
    "fashion-mnist": NamedDataset(
        read=fashion_mnist.read,
        shape=(1, 28, 28),
        support="integers:256",
        classes=10,
        train=60_000,
        test=10_000,
        source="Xiao et al., Zalando",
        license="MIT",
        is_local=fashion_mnist.is_local,
    ),
    "mnist": NamedDataset(
        read=mnist.read,
        shape=(1, 28, 28),
        support="integers:256",
        classes=10,
        train=60_000,
        test=10_000,
        source="LeCun and Cortes, from NIST",
        license="CC BY-SA 3.0",
    ),
}

DESCRIBED_FIELDS = (
    "shape",
    "support",
    "classes",
    "train",
    "test",
    "source",
    "license",
    "where",
)


def describe() -> list[JsonObject]:
    """Describe every named dataset, without reading one.

    Returns:
        For each dataset its name, shape of one example, support, numbers of classes, training and
        test examples, source, license, and where its files are.

    >>> from vaekit.data import describe
    >>> [description["name"] for description in describe()]
    ['cifar10', 'digits', 'dsprites', 'fashion-mnist', 'mnist']
    """
    return [
        {"name": name} | {field: getattr(dataset, field) for field in DESCRIBED_FIELDS}
        for name, dataset in NAMES.items()
    ]
