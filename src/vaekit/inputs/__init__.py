"""Examples on their way into a model: stored raw, floats only within a batch."""

from vaekit.inputs.model_inputs import (
    MAX_BATCH_EXAMPLES,
    MAX_VALUES,
    Batch,
    DeviceInputs,
    ModelInputs,
    as_tensor,
    concat_batches,
    max_batch_examples,
    to_model,
    values_per_example,
)
from vaekit.inputs.transforms import StochasticBinarization, UniformDequantization

__all__ = [
    "MAX_BATCH_EXAMPLES",
    "MAX_VALUES",
    "Batch",
    "DeviceInputs",
    "ModelInputs",
    "StochasticBinarization",
    "UniformDequantization",
    "as_tensor",
    "concat_batches",
    "max_batch_examples",
    "to_model",
    "values_per_example",
]
