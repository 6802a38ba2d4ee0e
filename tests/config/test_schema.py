"""Schemas from constructors, defaults, and merged options."""

import inspect
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import PositiveInt, ValidationError

from vaekit.config import FAMILIES, Config, merge, schema, validate

PARTS = [(family, kind) for family, kinds in FAMILIES.items() for kind in kinds]

# --- Schemas --------------------------------------------------------------------------------------


class Example:
    """An example."""

    def __init__(
        self,
        shape: tuple[int, ...],
        /,
        *,
        width: PositiveInt,
        depth: int = 2,
        mode: Literal["a", "b"] = "a",
    ):
        self.width = width
        self.depth = depth
        self.mode = mode


def test_options_are_the_keyword_arguments_with_their_types_and_defaults():
    options = schema("example", Example)
    assert list(options.model_fields) == ["width", "depth", "mode", "kind"]
    assert options.model_fields["width"].is_required()
    assert options.model_validate({"width": 3}).model_dump() == {
        "width": 3,
        "depth": 2,
        "mode": "a",
        "kind": "example",
    }
    assert options.__doc__ == "An example."


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"width": 0},
        {"width": 3, "mode": "c"},
        {"width": 3, "shape": (1,)},
        {"width": 3, "kind": "other"},
    ],
    ids=str,
)
def test_options_are_validated(wrong: dict[str, Any]):
    with pytest.raises(ValidationError):
        schema("example", Example).model_validate(wrong)


@pytest.mark.parametrize(("family", "kind"), PARTS)
def test_every_part_has_a_docstring_and_typed_options(family: str, kind: str):
    part = FAMILIES[family][kind]
    parameters = inspect.signature(part, eval_str=True).parameters.values()
    assert part.__doc__
    for parameter in parameters:
        assert parameter.annotation is not parameter.empty, parameter
        if parameter.kind is parameter.KEYWORD_ONLY:
            assert parameter.default is not parameter.empty, (
                f"{parameter}: a bare name stands for a part with its defaults"
            )
        else:
            assert parameter.kind is parameter.POSITIONAL_ONLY, (
                f"{parameter}: shapes are arguments, not options"
            )


@pytest.mark.parametrize(("family", "kind"), PARTS)
def test_a_bare_name_stands_for_the_part_with_its_defaults(family: str, kind: str):
    assert validate({family: kind}) == validate({family: {"kind": kind}})
    assert validate({family: kind}).part(family).kind == kind


def test_defaults_make_a_configuration():
    config = validate({})
    assert config.part("likelihood") is None and config.latent_dim is None
    general = {"format", "recipe", "seed", "latent_dim", "conditional", "components"}
    sections = {"data", "training", "prior_stage"}
    assert set(Config.model_fields) == {*FAMILIES, *general, *sections}


# --- Merging --------------------------------------------------------------------------------------


def test_merging_is_by_key_and_does_not_change_its_arguments():
    base = {
        "seed": 1,
        "data": {"source": "mnist", "train_size": 5},
        "optimizer": {"kind": "adam", "lr": 0.1},
    }
    changes = {"data": {"train_size": 7}, "optimizer": {"betas": [0.5, 0.9]}}
    merged = merge(base, changes)
    assert merged == {
        "seed": 1,
        "data": {"source": "mnist", "train_size": 7},
        "optimizer": {"kind": "adam", "lr": 0.1, "betas": [0.5, 0.9]},
    }
    assert base["data"]["train_size"] == 5
    assert "betas" not in base["optimizer"]
    assert changes["data"] == {"train_size": 7}


def test_another_kind_replaces_the_part_with_all_its_options():
    base = {"optimizer": {"kind": "adam", "betas": [0.8, 0.95]}}
    assert merge(base, {"optimizer": {"kind": "sgd", "lr": 0.1}}) == {
        "optimizer": {"kind": "sgd", "lr": 0.1}
    }
    assert merge(base, {"optimizer": "sgd"}) == {"optimizer": {"kind": "sgd"}}
    assert merge(base, {"optimizer": "adam"}) == base
    assert merge(base, {"optimizer": {"kind": "adam", "lr": 0.1}})["optimizer"]["betas"] == [
        0.8,
        0.95,
    ]
    assert merge({"likelihood": None}, {"likelihood": "gaussian"}) == {
        "likelihood": {"kind": "gaussian"}
    }
    assert merge({"likelihood": "bernoulli"}, {"likelihood": None}) == {"likelihood": None}


keys = st.text(max_size=5).filter(lambda key: key not in FAMILIES)
nested = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)
mappings = st.dictionaries(keys, nested, max_size=4)


@given(mappings, mappings)
def test_merging_keeps_every_key_and_is_idempotent(base: dict[str, Any], changes: dict[str, Any]):
    merged = merge(base, changes)
    assert set(merged) == set(base) | set(changes)
    assert merge(merged, changes) == merged
    assert merge({}, changes) == merge(changes, {}) == changes
    assert all(
        merged[key] == value for key, value in changes.items() if not isinstance(value, dict)
    )
