"""Errors of validation: one line about one key, with what is allowed."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raising import raises
from vaekit.config import Config, validate
from vaekit.errors import ConfigError

# Content, and the key at fault.
INVALID = [
    ({"encoder": "cnv"}, "encoder"),
    ({"encoder": {"kind": "cnv"}}, "encoder"),
    ({"encoder": {"hidden": [3]}}, "encoder.kind"),
    ({"encoder": {"kind": "custom"}}, "encoder.name"),
    ({"likelihood": {"kind": "normal"}}, "likelihood"),
    ({"posterior": "vector-quantised"}, "posterior"),
    ({"conditional": "maybe"}, "conditional"),
    ({"posterior": {"kind": "finite-scalar", "levels": [8, 1]}}, "posterior.levels.1"),
    ({"latent_dim": 0}, "latent_dim"),
    ({"latent_dim": "two"}, "latent_dim"),
    ({"latent_dim": 2.5}, "latent_dim"),
    ({"seed": -1}, "seed"),
    ({"seed": "x" * 10_000}, "seed"),
    ({"seed": 10**5000}, "seed"),
    ({"training": {"batch_size": 0}}, "training.batch_size"),
    ({"training": 3}, "training"),
    ({"data": {"validation": 2}}, "data.validation"),
    ({"data": {"shape": [65_536, 65_536]}}, "data.shape"),
    ({"objective": {"kind": "elbo", "beta": float("nan")}}, "objective.beta"),
    ({"objective": {"kind": "elbo", "divergence": "mc"}}, "objective.divergence"),
    ({"encoder": {"kind": "mlp", "hidden": [8, 0]}}, "encoder.hidden.1"),
    ({"encoder": {"kind": "mlp", "hidden": [8] * 65}}, "encoder.hidden"),
    ({"encoder": {"kind": "mlp", "hidden": 8}}, "encoder.hidden"),
    ({"encoder": {"kind": "conv", "kernel": 1}}, "encoder.kernel"),
    ({"encoder": {"kind": "mlp", "activation": "rleu"}}, "encoder.activation"),
    ({"optimizer": {"kind": "adam", "betas": [0.9, 1.0]}}, "optimizer.betas.1"),
    ({"schedule": {"kind": "linear", "warmup": 2}}, "schedule.warmup"),
    ({"likelihood": {"kind": "gaussian", "scale": "learnt"}}, "likelihood.scale"),
    ({"likelihood": {"kind": "gaussian", "scale": -1.0}}, "likelihood.scale"),
    ({"format": 99}, "format"),
]


@pytest.mark.parametrize(("content", "parameter"), INVALID, ids=[key for _, key in INVALID])
def test_an_invalid_value_is_one_line_about_its_key(content: dict[str, Any], parameter: str):
    with raises(ConfigError, parameter):
        validate(content)


# Content, the unknown key, and the key or kind that the message suggests.
UNKNOWN = [
    ({"encodr": "mlp"}, "encodr", "encoder"),
    ({"training": {"epoch": 3}}, "training.epoch", "epochs"),
    ({"data": {"sorce": "x"}}, "data.sorce", "source"),
    ({"encoder": {"kind": "mlp", "hiden": [3]}}, "encoder.hiden", "hidden"),
    ({"encoder": {"kind": "custom", "name": "Mine", "nme": 1}}, "encoder.nme", "name"),
    ({"prior_stage": {"epoch": 3}}, "prior_stage.epoch", "epochs"),
    ({"epochs": 3}, "epochs", "training.epochs"),
    ({"train_size": 3}, "train_size", "data.train_size"),
    ({"beta": 3}, "beta", "objective.beta"),
    ({"lr": 3}, "lr", "optimizer.lr"),
    ({"encoder": "cnv"}, "encoder", "conv"),
    ({"posterior": "vector-quantised"}, "posterior", "vector-quantized"),
    ({"encoder": {"kind": "mlp", "kernel": 3}}, "encoder.kernel", None),
    ({"my key": 1}, "my key", None),
    ({"float": 1}, "float", None),
    ({"data": {"my key": 1}}, "data.my key", None),
    ({"encoder": {"kind": "mlp", "str": 1}}, "encoder.str", None),
]


@pytest.mark.parametrize(
    ("content", "parameter", "nearest"), UNKNOWN, ids=[key for _, key, _ in UNKNOWN]
)
def test_an_unknown_name_is_answered_with_the_nearest(
    content: dict[str, Any], parameter: str, nearest: str | None
):
    with raises(ConfigError, parameter):
        validate(content)
    with pytest.raises(ConfigError) as caught:
        validate(content)
    assert nearest is None or repr(nearest) in str(caught.value)


LONG = {"text": "x" * 10_000, "a number": 10**5000, "a list": [10**5000] * 1000}


@pytest.mark.parametrize("value", LONG.values(), ids=LONG)
def test_a_long_value_is_shortened(value: object):
    with pytest.raises(ConfigError) as caught:
        validate({"seed": value})
    assert len(str(caught.value)) < 300


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from(["mlp", "conv", "custom"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["kind", "hidden", "a b"]), inner, max_size=3)
    ),
    max_leaves=6,
)
KEYS = [*Config.model_fields, "unknown", "", "a b", "float"]


@settings(deadline=None, max_examples=300)
@given(st.dictionaries(st.sampled_from(KEYS), values, max_size=3))
def test_any_content_is_a_configuration_or_refused_in_one_line(content: dict[str, Any]):
    error = None
    try:
        validate(content)
    except ConfigError as caught:
        error = caught
    assert error is None or len(str(error).splitlines()) == 1
    assert error is None or error.parameter is not None
