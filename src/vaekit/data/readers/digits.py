"""The 8 x 8 handwritten digits of scikit-learn."""

import numpy as np

from vaekit.data.building import build_dataset, raw_examples
from vaekit.data.dataset import Dataset
from vaekit.data.support import Support

NAME = "digits"


def read(support: Support | None = None) -> Dataset:
    """1,797 gray images with values from 0 to 16, labeled with their digits; no test part."""
    from sklearn.datasets import load_digits

    values, labels = load_digits(return_X_y=True)
    images = np.asarray(values, np.uint8).reshape(-1, 8, 8)
    examples = raw_examples(images, labels, NAME)
    return build_dataset(NAME, examples, support=support or Support("integers", 17))
