"""The datasets that have a name."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from vaekit.data.raw_dataset import RawDataset
from vaekit.data.readers import cifar10, digits, dsprites, fashion_mnist, mnist
from vaekit.data.registry import is_cached


def _installed() -> bool:
    return True


@dataclass(frozen=True)
class NamedDataset:
    """A dataset with a name, described without reading it; `is_local` says whether nothing needs to be downloaded."""

    read: Callable[[], RawDataset]
    shape: tuple[int, ...]
    support: str
    classes: int
    train: int
    test: int
    source: str
    licence: str
    is_local: Callable[[], bool] = _installed

    @property
    def where(self) -> str:
        """Whether it is installed with the package, on this machine, or downloaded on first use."""
        if self.is_local is _installed:
            return "installed"
        return "on this machine" if self.is_local() else "downloaded on first use"


NAMES: dict[str, NamedDataset] = {
    "cifar10": NamedDataset(
        cifar10.read,
        (3, 32, 32),
        "integers:256",
        10,
        50000,
        10000,
        "Krizhevsky, University of Toronto",
        "none stated",
        cifar10.is_local,
    ),
    "digits": NamedDataset(
        digits.read, (1, 8, 8), "integers:17", 10, 1797, 0, "UCI, with scikit-learn", "CC BY 4.0"
    ),
    "dsprites": NamedDataset(
        dsprites.read,
        (1, 64, 64),
        "binary",
        3,
        737280,
        0,
        "Matthey et al., DeepMind",
        "Apache-2.0",
        dsprites.is_local,
    ),
    "fashion-mnist": NamedDataset(
        fashion_mnist.read,
        (1, 28, 28),
        "integers:256",
        10,
        60000,
        10000,
        "Xiao et al., Zalando",
        "MIT",
        partial(is_cached, "fashion-mnist"),
    ),
    "mnist": NamedDataset(
        mnist.read,
        (1, 28, 28),
        "integers:256",
        10,
        60000,
        10000,
        "LeCun and Cortes, from NIST",
        "CC BY-SA 3.0",
    ),
}


def describe() -> list[dict[str, Any]]:
    """What is known of every named dataset, without reading one.

    >>> [row["name"] for row in describe()]
    ['cifar10', 'digits', 'dsprites', 'fashion-mnist', 'mnist']
    """
    fields = ("shape", "support", "classes", "train", "test", "source", "licence", "where")
    return [
        {"name": name} | {field: getattr(named, field) for field in fields}
        for name, named in NAMES.items()
    ]
