"""What a figure is a figure of: figures of two protocols do not rank models."""

from vaekit.data.binarization import SEED
from vaekit.inference.scoring import has_bound, has_discrete_likelihood
from vaekit.runs import Run

DRAWN = f"ones drawn once by seed {SEED}, with {{}} as their probability"
BINARIZED = {"threshold": "ones where {} is above one half", "fixed": DRAWN, "dynamic": DRAWN}
"""What rows are judged on; what was drawn anew in training is the model's affair."""
LEVELS: dict[tuple[int, ...], str] = {(1,): "gray", (3,): "colour"}
"""What numbers are called, by the channels that come before height and width."""


def protocol(run: Run) -> dict[str, str]:
    """What must agree, beside rows and seed, where runs are to be ranked.

    targets: what pixels, or numbers, were turned into. likelihood: on what scale p(x given z) is. estimator: of the loss.
    condition: what the model is told beside x. weights: which rows chose the epoch they are of.
    """
    model = run.model
    bounded, discrete = has_bound(model), has_discrete_likelihood(model)
    return {
        "targets": _targets(run),
        "likelihood": _scale(run, discrete),
        "estimator": "one draw of z a row; negative ELBO, beta = 1"
        if bounded
        else "reconstruction error alone, no bound",
        "condition": "the class of each row" if model.classes else "nothing",
        "weights": f"of the epoch that was best on {'the test' if run.config.data.validation == 'test' else 'held-out'} rows",
    }


def differences(protocols: dict[str, dict[str, str]]) -> list[str]:
    """In what the protocols of runs, by name, differ, a line each."""
    found = []
    for field in next(iter(protocols.values())):
        values = {name: protocol[field] for name, protocol in protocols.items()}
        if len(set(values.values())) > 1:
            found.append(
                f"{field}: " + "; ".join(f"{name} {value}" for name, value in values.items())
            )
    return found


def _targets(run: Run) -> str:
    what = LEVELS.get(run.model.data_shape[:-2])
    if how := run.config.data.binarize:
        return BINARIZED[how].format(what or "a value")
    raw, shown, what = run.support, run.transform, what or "values"
    if raw.kind == "integers" and shown.kind == "unit":
        return f"{what}, k / {shown.divisor:g} for k = 0 to {raw.levels - 1}"
    return {
        "binary": "zeros and ones",
        "unit": f"{what} in [0, 1]",
        "real": "numbers as they are",
    }.get(shown.kind, str(raw))


def _scale(run: Run, discrete: bool) -> str:
    if reason := run.model.likelihood.not_normalised(run.transform.kind):
        return f"{type(run.model.likelihood).__name__}, not normalised: {reason}"
    return "probability of discrete values" if discrete else "density, not dequantised"
