"""Examples of a dataset as inputs of a run's model."""

from typing import TYPE_CHECKING

from vaekit.data import Examples
from vaekit.data.checks import Labels
from vaekit.errors import DataError
from vaekit.inputs import ModelInputs

if TYPE_CHECKING:
    from vaekit.runs.run import Run


def inputs_of_examples(run: "Run", examples: Examples, labels: Labels) -> ModelInputs:
    """Inputs of examples whose labels are class numbers of the run.

    Args:
        run: The run.
        examples: Raw examples.
        labels: None; a second set of labels is refused.

    Raises:
        DataError: Labels that are missing or given twice, or examples of another shape.
    """
    if labels is not None:
        raise DataError(
            "the examples have labels of their own. Leave labels out, or pass an array.",
            parameter="labels",
        )
    shape = tuple(examples.x.shape[1:])
    if shape != run.model.data_shape:
        raise DataError.for_value("x", shape, f"examples of shape {run.model.data_shape}")
    if not run.model.classes:
        return ModelInputs(examples.x, run.transform)
    if examples.y is None:
        raise DataError(
            "the run is conditional, but the examples have no labels of its classes. "
            "Pass labeled examples.",
            parameter="labels",
        )
    return ModelInputs(examples.x, run.transform, y=examples.y)
