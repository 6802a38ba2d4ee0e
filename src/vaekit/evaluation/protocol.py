"""The protocol of a run's metrics: runs are ranked only if their protocols agree."""

from vaekit.data.binarization import SEED
from vaekit.inference.scoring import has_bound, has_discrete_likelihood
from vaekit.runs import Run

SAMPLED = f"ones sampled once with seed {SEED}, with {{}} as their probability"
BINARIZED = {
    "threshold": "ones where {} is above one half",
    "fixed": SAMPLED,
    "dynamic": SAMPLED,
}
"""Targets of an evaluation; binarization that is dynamic in training is fixed in evaluation."""
PIXEL_NAMES: dict[tuple[int, ...], str] = {(1,): "gray", (3,): "color"}
"""Names of values by the dimensions before height and width."""


def protocol(run: Run) -> dict[str, str]:
    """What must agree, besides examples and seed, for runs to be ranked.

    Returns:
        targets: the values that the model explains. likelihood: the scale of p(x|z).
        estimator: of the loss. condition: the input of the model besides x. weights: the
        examples that selected the epoch.
    """
    model = run.model
    estimator = "reconstruction error alone, no bound"
    if has_bound(model):
        estimator = "one sample of z per example; negative ELBO, beta = 1"
    selected_on = "test" if run.config.data.validation == "test" else "held-out"
    return {
        "targets": _targets(run),
        "likelihood": _likelihood_scale(run),
        "estimator": estimator,
        "condition": "the class of each example" if model.classes else "none",
        "weights": f"of the best epoch on {selected_on} examples",
    }


def differences(protocols: dict[str, dict[str, str]]) -> list[str]:
    """The fields in which the protocols of runs differ, one line each.

    Args:
        protocols: The protocol of each run by name.
    """
    lines = []
    for field in next(iter(protocols.values())):
        values = {name: each[field] for name, each in protocols.items()}
        if len(set(values.values())) > 1:
            described = "; ".join(f"{name} {value}" for name, value in values.items())
            lines.append(f"{field}: {described}")
    return lines


def _targets(run: Run) -> str:
    pixel_name = PIXEL_NAMES.get(run.model.data_shape[:-2])
    if method := run.config.data.binarize:
        return BINARIZED[method].format(pixel_name or "a value")
    support = run.support
    transform = run.transform
    value_name = pixel_name or "values"
    if support.kind == "integers" and transform.kind == "unit":
        return f"{value_name}, k / {transform.divisor:g} for k = 0 to {support.levels - 1}"
    targets = {
        "binary": "zeros and ones",
        "unit": f"{value_name} in [0, 1]",
        "real": "raw values",
    }
    return targets.get(transform.kind, str(support))


def _likelihood_scale(run: Run) -> str:
    likelihood = run.model.likelihood
    if reason := likelihood.not_normalized(run.transform.kind):
        return f"{type(likelihood).__name__}, not normalized: {reason}"
    if has_discrete_likelihood(run.model):
        return "probability of discrete values"
    return "density, not dequantized"
