"""Datasets with a declared shape, support and label set, from names, paths and arrays."""

from vaekit.data.catalogue import NAMES, describe
from vaekit.data.dataset import Dataset, Rows, evenly, require
from vaekit.data.given import Labels, given_classes, given_codes, given_rows
from vaekit.data.loading import load
from vaekit.data.splits import Split, split
from vaekit.data.support import Support, Transform
from vaekit.data.thumbnails import thumbnails

__all__ = [
    "NAMES",
    "Dataset",
    "Labels",
    "Rows",
    "Split",
    "Support",
    "Transform",
    "describe",
    "evenly",
    "given_classes",
    "given_codes",
    "given_rows",
    "load",
    "require",
    "split",
    "thumbnails",
]
