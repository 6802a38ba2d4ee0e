from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from vaekit import recipes
from vaekit.compose import (
    build_model,
    build_part,
    default_latent,
    default_likelihood,
    describe_model,
    describe_part,
    resolve,
)
from vaekit.config import FAMILIES, Settings, load, merge, schema, validate
from vaekit.errors import ConfigError
from vaekit.nets import MLPEncoder

PARTS = [(family, kind) for family, kinds in FAMILIES.items() for kind in kinds]
SHAPE = (2, 12, 10)
SHAPES: dict[str, tuple[Any, ...]] = {
    "encoder": (SHAPE, 3),
    "posterior": (6, 3),
    "prior": (3,),
    "decoder": (3, SHAPE),
    "likelihood": (SHAPE,),
}
"""What the constructors of a family take besides their options."""


def other_value(field: dict[str, Any], default: Any) -> Any:
    """A value that a JSON schema allows and that is not the default."""
    if "anyOf" in field:
        return next(other_value(one, default) for one in field["anyOf"] if one.get("type") != "null")
    if "enum" in field:
        return next(value for value in field["enum"] if value != default)
    if field["type"] == "boolean":
        return not default
    if field["type"] == "array":
        items = field.get("prefixItems") or [field["items"]]
        return tuple(other_value(item, 0) for item in items)
    if field["type"] == "integer":
        return (default or 0) + max(1, field.get("minimum", 1))
    assert field["type"] == "number", field
    return (default if isinstance(default, float) else 0.5) / 2 + 0.125


def options_of(family: str, kind: str) -> dict[str, Any]:
    """Every option of a part, none at its default."""
    fields = schema(kind, FAMILIES[family][kind]).model_json_schema()["properties"]
    return {"kind": kind} | {name: other_value(field, field.get("default")) for name, field in fields.items() if name != "kind"}


# --- Parts ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("family", "kind"), PARTS)
def test_every_option_of_a_part_can_be_read_back(family: str, kind: str):
    options = options_of(family, kind)
    part = build_part(validate({family: options}), family, *SHAPES.get(family, ()))
    defaults = {name: field.default for name, field in schema(kind, FAMILIES[family][kind]).model_fields.items()}
    assert type(part) is FAMILIES[family][kind]
    assert describe_part(family, part) == options
    for name, value in options.items():
        if name != "kind":
            assert getattr(part, name) == value != defaults[name], name


@pytest.mark.parametrize(("family", "kind"), PARTS)
def test_a_description_builds_the_same_part_again(family: str, kind: str):
    part = build_part(validate({family: kind}), family, *SHAPES.get(family, ()))
    described = describe_part(family, part)
    again = build_part(validate({family: described}), family, *SHAPES.get(family, ()))
    assert describe_part(family, again) == described
    if isinstance(part, nn.Module):
        shapes = {name: tensor.shape for name, tensor in part.state_dict().items()}
        assert {name: tensor.shape for name, tensor in again.state_dict().items()} == shapes


class Mine(nn.Module):
    pass


class Grown(MLPEncoder):
    pass


@pytest.mark.parametrize("part", [Mine(), Grown((4,), 2)], ids=["a module", "a child of one of ours"])
def test_a_part_of_ones_own_is_described_by_name_and_never_built(part: nn.Module):
    described = describe_part("encoder", part)
    assert described == {"kind": "custom", "name": type(part).__name__}
    with pytest.raises(ConfigError, match=f"^encoder {type(part).__name__} is not one of vaekit's own parts: hand over the"):
        build_part(validate({"encoder": described}), "encoder", (4,), 2)


def test_a_name_that_could_be_imported_is_not_looked_up():
    with pytest.raises(ConfigError, match="not one of vaekit's own"):
        build_part(validate({"objective": {"kind": "custom", "name": "os.system"}}), "objective")


# --- Models ---------------------------------------------------------------------------------------------------------------


def resolved(recipe: str, *over: dict[str, Any], shape: tuple[int, ...] = (1, 28, 28), support: str = "unit") -> Settings:
    return resolve(load(recipe, *over), shape, support)


@pytest.mark.parametrize("name", recipes.names())
def test_every_recipe_builds_and_describes_itself(name: str):
    settings = resolved(name)
    model = build_model(settings)
    assert model.sample(2).shape == (2, 1, 28, 28)
    complete = validate(merge(settings.model_dump(), describe_model(model)))
    assert complete.data.shape == (1, 28, 28) and complete.latent_dim == model.latent_shape[0]
    assert describe_model(build_model(complete)) == describe_model(model)
    if name.startswith("conv"):
        assert sum(side.total for side in model.count_parameters().values()) == 134_165


@pytest.mark.parametrize("shape", [(7,), (3, 5), (1, 3, 2), (3, 37, 53)])
@pytest.mark.parametrize("scale", ["shared", "learned", 0.5])
def test_a_model_fits_any_shape(shape: tuple[int, ...], scale):
    model = build_model(resolved("mlp", {"likelihood": {"kind": "gaussian", "scale": scale}}, shape=shape, support="real"))
    assert model.data_shape == shape
    assert model.decode(model.encode(torch.zeros(2, *shape)).rsample()).log_prob(torch.zeros(2, *shape)).shape == (2,)


def test_modules_stand_in_for_the_parts_they_are_named_for():
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(784, 9), nn.Tanh())
    model = build_model(resolved("mlp"), {"encoder": encoder})
    assert model.encoder is encoder and model.posterior.mu.in_features == 9  # type: ignore[union-attr]
    assert describe_model(model)["encoder"] == {"kind": "custom", "name": "Sequential"}


def test_an_encoder_that_fails_on_the_data_is_named():
    with pytest.raises(ConfigError, match=r"^encoder Linear fails on rows of shape \(1, 28, 28\): [^\n]*$"):
        build_model(resolved("mlp"), {"encoder": nn.Linear(5, 5)})


def weights(settings: Settings) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in build_model(settings).parameters()])


def test_a_model_is_a_function_of_its_seed():
    torch.manual_seed(1)
    first = weights(resolved("mlp", {"seed": 3}))
    torch.manual_seed(2)
    assert (weights(resolved("mlp", {"seed": 3})) == first).all()
    assert (weights(resolved("mlp", {"seed": 4})) != first).any()


def test_building_leaves_every_random_state_alone():
    state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()  # type: ignore[index]  # noqa: NPY002
    build_model(resolved("conv", {"encoder": {"batch_norm": True}}))
    assert (torch.get_rng_state() == state).all()
    assert (np.random.get_state()[1] == numpy_state).all()  # type: ignore[index]  # noqa: NPY002


# --- What is left to the data ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "latent"),
    [
        ((1, 28, 28), 2),
        ((1, 32, 32), 2),
        ((1, 8, 32), 2),
        ((1, 33, 32), 32),
        ((3, 28, 28), 32),
        ((1, 64, 64), 32),
        ((1,), 2),
        ((16,), 2),
        ((64,), 8),
        ((10_000,), 32),
        ((4, 16), 8),
    ],
)
def test_default_latent(shape: tuple[int, ...], latent: int):
    assert default_latent(shape) == latent


@pytest.mark.parametrize(
    ("shape", "support", "kind"),
    [
        ((1, 28, 28), "unit", "bernoulli"),
        ((1, 28, 28), "binary", "bernoulli"),
        ((3, 28, 28), "binary", "bernoulli"),
        ((7,), "binary", "bernoulli"),
        ((3, 28, 28), "unit", "gaussian"),
        ((1, 28, 28), "real", "gaussian"),
        ((7,), "unit", "gaussian"),
        ((7,), "real", "gaussian"),
    ],
)
def test_default_likelihood(shape: tuple[int, ...], support: str, kind: str):
    assert default_likelihood(shape, support) == kind
    assert resolved("mlp", shape=shape, support=support).part("likelihood").kind == kind


def test_resolving_keeps_what_was_said_and_does_not_change_again():
    settings = resolved("mlp", {"latent_dim": 5, "likelihood": "continuous-bernoulli"})
    assert (settings.latent_dim, settings.part("likelihood").kind) == (5, "continuous-bernoulli")
    assert resolve(settings, (1, 28, 28), "unit") == settings


def test_a_configuration_for_other_rows_is_refused():
    settings = resolved("mlp")
    with pytest.raises(ConfigError, match=r"is for rows of shape \(1, 28, 28\), the data have \(3, 28, 28\)$"):
        resolve(settings, (3, 28, 28), "unit")
