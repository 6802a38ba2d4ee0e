"""Datasets with a declared shape, support and label set, from names, paths and arrays."""

from vaekit.data.checks import Labels, check_inputs, check_labels, check_latents
from vaekit.data.dataset import Dataset, Examples, check_compatible, evenly_spaced_indices
from vaekit.data.loading import load
from vaekit.data.named_datasets import NAMES, describe
from vaekit.data.splits import Split, split
from vaekit.data.support import Support, Transform
from vaekit.data.thumbnails import thumbnails

__all__ = [
    "NAMES",
    "Dataset",
    "Labels",
    "Examples",
    "Split",
    "Support",
    "Transform",
    "describe",
    "evenly_spaced_indices",
    "check_labels",
    "check_latents",
    "check_inputs",
    "load",
    "check_compatible",
    "split",
    "thumbnails",
]
