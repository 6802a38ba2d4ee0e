from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from raising import raises
from vaekit import recipes
from vaekit.config import FAMILIES, DataProfile, Settings, load_config_file, merge, schema, validate
from vaekit.config.builder import (
    build_model,
    build_part,
    describe_model,
    describe_part,
    resolve,
)
from vaekit.core.codebook import Codebook
from vaekit.errors import ConfigError
from vaekit.nets import MLPEncoder
from vaekit.nets.conditioned import ConditionedNet
from vaekit.posteriors import POSTERIORS
from vaekit.priors import PRIORS

PARTS = [(family, kind) for family, kinds in FAMILIES.items() for kind in kinds]
SHAPE = (2, 12, 10)
CODES = Codebook(torch.eye(3), groups=2)
SHAPES: dict[str, tuple[Any, ...]] = {
    "encoder": (SHAPE, 4),
    "posterior": (6, 4),
    "prior": (4, 3),
    "prior uniform": (CODES, 3),
    "prior autoregressive": (CODES, 3),
    "decoder": (4, SHAPE),
    "decoder conv-map": ((4, 6, 5), SHAPE),
    "likelihood": (SHAPE,),
}
"""Positional arguments of the constructors of a family, or of one part of it."""
REQUIRED_OPTIONS: dict[str, dict[str, Any]] = {
    "categorical": {"levels": 5},
    "discretized-logistic": {"levels": 5},
}
"""Options of likelihoods that follow from the data."""
DEPENDENT_OPTIONS = {
    "objective elbo": {"gradient": "none"},
    "posterior finite-scalar": {"levels": (3, 2)},
    "prior autoregressive": {"heads": 5},
}
"""Values of options that depend on one another."""


def built(family: str, kind: str, **options: Any) -> Any:
    needed = REQUIRED_OPTIONS.get(kind, {}) if family == "likelihood" else {}
    settings = validate({family: {"kind": kind, **needed, **options}})
    return build_part(settings, family, *SHAPES.get(f"{family} {kind}", SHAPES.get(family, ())))


def other_value(field: dict[str, Any], default: Any) -> Any:
    """A value that a JSON schema allows and that is not the default."""
    if "anyOf" in field:
        return next(
            other_value(one, default) for one in field["anyOf"] if one.get("type") != "null"
        )
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
    return (default if isinstance(default, float) else 0.5) / 2 + 0.15


def options_of(family: str, kind: str) -> dict[str, Any]:
    """Every option of a part, none at its default."""
    fields = schema(kind, FAMILIES[family][kind]).model_json_schema()["properties"]
    others = {
        name: other_value(field, field.get("default"))
        for name, field in fields.items()
        if name != "kind"
    }
    return {"kind": kind} | others | DEPENDENT_OPTIONS.get(f"{family} {kind}", {})


# --- Parts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("family", "kind"), PARTS)
def test_every_option_of_a_part_can_be_read_back(family: str, kind: str):
    options = options_of(family, kind)
    part = built(family, **options)
    defaults = {
        name: field.default
        for name, field in schema(kind, FAMILIES[family][kind]).model_fields.items()
    }
    assert type(part) is FAMILIES[family][kind]
    assert describe_part(family, part) == options
    for name, value in options.items():
        if name != "kind":
            assert getattr(part, name) == value != defaults[name], name


@pytest.mark.parametrize(("family", "kind"), PARTS)
def test_a_description_builds_the_same_part_again(family: str, kind: str):
    part = built(family, kind)
    described = describe_part(family, part)
    again = built(family, **described)
    assert describe_part(family, again) == described
    if isinstance(part, nn.Module):
        shapes = {name: tensor.shape for name, tensor in part.state_dict().items()}
        assert {name: tensor.shape for name, tensor in again.state_dict().items()} == shapes


class Own(nn.Module):
    pass


class Derived(MLPEncoder):
    pass


@pytest.mark.parametrize("part", [Own(), Derived((4,), 2)], ids=["a module", "a subclass"])
def test_a_part_of_the_users_own_is_described_by_name_and_never_built(part: nn.Module):
    described = describe_part("encoder", part)
    assert described == {"kind": "custom", "name": type(part).__name__}
    with raises(ConfigError, "encoder"):
        build_part(validate({"encoder": described}), "encoder", (4,), 2)


def test_a_name_that_could_be_imported_is_not_imported():
    with raises(ConfigError, "objective"):
        build_part(validate({"objective": {"kind": "custom", "name": "os.system"}}), "objective")


# --- Models ---------------------------------------------------------------------------------------


def resolved(
    recipe: str, *over: dict[str, Any], shape: tuple[int, ...] = (1, 28, 28), support: str = "unit"
) -> Settings:
    return resolve(load_config_file(recipe, *over), DataProfile(shape, support, 256))


@pytest.mark.slow
@pytest.mark.parametrize("name", recipes.names())
def test_every_recipe_builds_and_describes_itself(name: str):
    settings = resolved(name)
    model = build_model(settings)
    assert model.sample(2).shape == (2, 1, 28, 28)
    complete = validate(merge(settings.model_dump(), describe_model(model)))
    assert complete.data.shape == (1, 28, 28) and complete.latent_dim == settings.latent_dim
    assert describe_model(build_model(complete)) == describe_model(model)
    if name in ("conv", "conv-original"):
        assert sum(side.total for side in model.count_parameters().values()) == 134_165


@pytest.mark.parametrize("shape", [(7,), (3, 5), (1, 3, 2), (3, 37, 53)])
@pytest.mark.parametrize("scale", ["shared", "learned", 0.5])
def test_a_model_fits_any_shape(shape: tuple[int, ...], scale):
    model = build_model(
        resolved(
            "mlp", {"likelihood": {"kind": "gaussian", "scale": scale}}, shape=shape, support="real"
        )
    )
    assert model.data_shape == shape
    assert model.decode(model.encode(torch.zeros(2, *shape)).rsample()).log_prob(
        torch.zeros(2, *shape)
    ).shape == (2,)


def test_own_modules_replace_configured_parts():
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(784, 9), nn.Tanh())
    model = build_model(resolved("mlp"), {"encoder": encoder})
    assert model.encoder is encoder and model.posterior.mu.in_features == 9  # type: ignore[union-attr]
    assert describe_model(model)["encoder"] == {"kind": "custom", "name": "Sequential"}


def test_an_encoder_that_fails_on_the_data_is_refused():
    with raises(ConfigError, "encoder"):
        build_model(resolved("mlp"), {"encoder": nn.Linear(5, 5)})


LATENTS = {
    "continuous": {"posterior": "diagonal-normal"},
    "point": {"posterior": "deterministic"},
    "one-hot": {"posterior": {"kind": "categorical", "classes": 5}},
    "codebook": {"posterior": {"kind": "vector-quantized", "codes": 8, "groups": 2}},
    "levels": {"posterior": {"kind": "finite-scalar", "levels": [3, 2]}},
}
MAPS = {
    "encoder": {"kind": "conv-map", "channels": [3, 4]},
    "decoder": {"kind": "conv-map", "channels": [3, 4]},
}


@pytest.mark.parametrize(
    "nets", [{}, MAPS, {**MAPS, "decoder": "mlp"}], ids=["vector", "map", "map to vector"]
)
@pytest.mark.parametrize("classes", [(), ("a", "b", "c")], ids=["", "conditional"])
@pytest.mark.parametrize("latent", LATENTS)
def test_a_model_of_any_latent_describes_itself(
    latent: str, classes: tuple[str, ...], nets: dict[str, Any]
):
    options = {"latent_dim": 4, "conditional": bool(classes), "data": {"classes": classes}}
    model = build_model(
        settings := resolved("mlp", LATENTS[latent], nets, options, shape=(2, 12, 10))
    )
    y = torch.arange(5) % 3 if classes else None
    sizes = {"continuous": 4, "point": 4, "one-hot": 20, "codebook": 4, "levels": 4}
    assert model.latent_shape == (sizes[latent], *((3, 3) if nets else ()))
    assert (model.codebook is None) == (latent in ("continuous", "point"))
    assert (
        model.sample(5, y).shape
        == model.reconstruct(torch.zeros(5, 2, 12, 10), y).shape
        == (5, 2, 12, 10)
    )
    described = describe_model(model)
    assert described["latent_dim"] == 4 and described["conditional"] == bool(classes)
    again = build_model(validate(merge(settings.model_dump(), described)))
    assert describe_model(again) == described
    shapes = {name: tensor.shape for name, tensor in model.state_dict().items()}
    assert {name: tensor.shape for name, tensor in again.state_dict().items()} == shapes


def test_configured_nets_of_a_conditional_model_are_wrapped_and_own_modules_are_not():
    options = {"conditional": True, "data": {"classes": ("a", "b", "c")}, "latent_dim": 2}
    model = build_model(resolved("mlp", options, shape=(6,), support="unit"))
    assert isinstance(model.encoder, ConditionedNet) and isinstance(model.decoder, ConditionedNet)
    assert model.encoder.net.layers[1].in_features == 6 + 3  # type: ignore[union-attr,index]
    assert model.decoder.net.layers[0].in_features == 2 + 3  # type: ignore[union-attr,index]
    own = ConditionedNet(MLPEncoder((9,), 2, hidden=(5,)))
    assert (
        build_model(resolved("mlp", options, shape=(6,), support="unit"), {"encoder": own}).encoder
        is own
    )


QUANTIZED = "vector-quantized"
INCOMPATIBLE = [
    ({"posterior": "categorical", "prior": "standard-normal"}, "prior"),
    ({"posterior": "categorical", "prior": "class-normal"}, "prior"),
    ({"prior": "uniform"}, "prior"),
    ({"prior": "autoregressive"}, "prior"),
    ({"prior": "class-normal"}, "conditional"),
    ({"posterior": "finite-scalar", "latent_dim": 3}, "latent_dim"),
    (
        {"posterior": {"kind": "finite-scalar", "levels": [256, 256, 2]}, "latent_dim": 3},
        "posterior.levels",
    ),
    ({"posterior": {"kind": QUANTIZED, "groups": 3}, "latent_dim": 4}, "posterior.groups"),
    ({"posterior": QUANTIZED, "prior": {"kind": "autoregressive", "heads": 3}}, "prior.heads"),
    ({"decoder": "conv-map"}, "decoder"),
    ({**MAPS, "decoder": {"kind": "conv-map", "channels": [3]}}, "decoder"),
    ({"likelihood": {"kind": "categorical", "levels": 1}}, "likelihood.levels"),
]


@pytest.mark.parametrize(("options", "parameter"), INCOMPATIBLE, ids=str)
def test_incompatible_parts_are_refused(options: dict[str, Any], parameter: str):
    with raises(ConfigError, parameter):
        build_model(resolved("mlp", options))


def weights(settings: Settings) -> torch.Tensor:
    return torch.cat(
        [parameter.detach().flatten() for parameter in build_model(settings).parameters()]
    )


def test_a_model_is_a_function_of_its_seed():
    torch.manual_seed(1)
    first = weights(resolved("mlp", {"seed": 3}))
    torch.manual_seed(2)
    assert (weights(resolved("mlp", {"seed": 3})) == first).all()
    assert (weights(resolved("mlp", {"seed": 4})) != first).any()


def test_building_changes_no_random_state():
    state = torch.get_rng_state()
    numpy_state = np.random.get_state()[1].copy()  # type: ignore[index]  # noqa: NPY002
    build_model(resolved("conv", {"encoder": {"batch_norm": True}}))
    assert (torch.get_rng_state() == state).all()
    assert (np.random.get_state()[1] == numpy_state).all()  # type: ignore[index]  # noqa: NPY002


# --- Choices that depend on the data --------------------------------------------------------------


def test_resolving_keeps_choices_and_is_idempotent():
    settings = resolved("mlp", {"latent_dim": 5, "likelihood": "continuous-bernoulli"})
    assert (settings.latent_dim, settings.part("likelihood").kind) == (5, "continuous-bernoulli")
    assert resolve(settings, DataProfile((1, 28, 28), "unit", 256)) == settings


@pytest.mark.parametrize(
    ("posterior", "prior"),
    [
        ("diagonal-normal", "standard-normal"),
        ("deterministic", "standard-normal"),
        ("categorical", "uniform"),
        ("vector-quantized", "autoregressive"),
        ("finite-scalar", "autoregressive"),
    ],
)
def test_default_prior(posterior: str, prior: str):
    assert resolved("mlp", {"posterior": posterior}).part("prior").kind == prior
    options = {"posterior": posterior, "prior": {"kind": "class-normal"}}
    assert resolved("mlp", options).part("prior").kind == "class-normal"


def test_every_posterior_has_a_default_prior():
    assert {getattr(part, "prior", None) for part in POSTERIORS.values()} <= set(PRIORS)


@pytest.mark.parametrize(("kind", "levels"), [("categorical", 256), ("discretized-logistic", 256)])
def test_the_levels_of_a_likelihood_default_to_those_of_the_data(kind: str, levels: int):
    assert resolved("mlp", {"likelihood": kind}).part("likelihood").levels == levels
    assert (
        resolved("mlp", {"likelihood": {"kind": kind, "levels": 7}}).part("likelihood").levels == 7
    )


def test_a_configuration_for_another_shape_is_refused():
    settings = resolved("mlp")
    with raises(ConfigError, "data.shape"):
        resolve(settings, DataProfile((3, 28, 28), "unit"))


# --- Models that cannot fit into memory ----------------------------------------------------------


def configured(changes):
    """A complete configuration of plain nets with some changes."""
    likelihood = {"likelihood": {"kind": "bernoulli"}, "prior": {"kind": "standard-normal"}}
    base = {"latent_dim": 2, "data": {"shape": [1, 6, 6]}, **likelihood}
    return load_config_file("mlp", base, changes)


@pytest.mark.parametrize(
    ("changes", "parameter"),
    [
        ({"encoder": {"kind": "mlp", "hidden": [65536] * 9}}, "encoder.hidden"),
        ({"decoder": {"kind": "mlp", "hidden": [65536] * 9}}, "decoder.hidden"),
        ({"latent_dim": 65536}, "latent_dim"),
    ],
)
def test_a_model_that_cannot_fit_is_refused_before_it_is_allocated(monkeypatch, changes, parameter):
    monkeypatch.setattr("vaekit.config.memory.available_memory", lambda: 2**27)
    config = configured(changes)
    with raises(ConfigError, parameter):
        build_model(config)


def test_weights_that_fit_alone_may_not_fit_with_the_state_of_their_optimizer(monkeypatch):
    config = configured({})
    size = sum(each.numel() * 4 for each in build_model(config).parameters())
    monkeypatch.setattr("vaekit.config.memory.available_memory", lambda: 2.5 * size)
    build_model(config, copies=2)
    with raises(ConfigError):
        build_model(config, copies=3)
