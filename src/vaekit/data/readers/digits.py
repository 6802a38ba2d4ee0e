"""The 8 x 8 handwritten digits that come with scikit-learn."""

import numpy as np

from vaekit.data.raw_dataset import RawDataset
from vaekit.data.readers.arrays import rows_of
from vaekit.data.support import Support


def read() -> RawDataset:
    """1,797 gray images with values 0..16, and their digits; no test part."""
    from sklearn.datasets import load_digits

    values, labels = load_digits(return_X_y=True)
    images = np.asarray(values, np.uint8).reshape(-1, 8, 8)
    return RawDataset("digits", rows_of(images, labels, "digits"), support=Support("integers", 17))
