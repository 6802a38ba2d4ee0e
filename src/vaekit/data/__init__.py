"""Datasets with a declared shape, support and set of classes, from names, paths and arrays."""

from vaekit.data.checks import (
    Labels,
    check_compatible,
    check_inputs,
    check_labels,
    check_latents,
)
from vaekit.data.dataset import Dataset
from vaekit.data.examples import Examples, evenly_spaced_indices
from vaekit.data.loading import load
from vaekit.data.named_datasets import NAMES, describe
from vaekit.data.splits import Split, split
from vaekit.data.support import Support, Transform
from vaekit.data.thumbnails import thumbnails

__all__ = [
    "NAMES",
    "Dataset",
    "Examples",
    "Labels",
    "Split",
    "Support",
    "Transform",
    "check_compatible",
    "check_inputs",
    "check_labels",
    "check_latents",
    "describe",
    "evenly_spaced_indices",
    "load",
    "split",
    "thumbnails",
]
