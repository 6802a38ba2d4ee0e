"""The tree of errors, their one form, and checked constructors."""

import inspect

import pytest
from pydantic import PositiveFloat

from raising import raises
from vaekit import errors
from vaekit.errors import (
    MAX_SHOWN_CHARACTERS,
    ConfigError,
    DataError,
    shown,
    suggest,
)
from vaekit.validated_init import validated_init

PARENTS = {
    "VaekitError": (Exception,),
    "RequestError": (errors.VaekitError, ValueError),
    "ConfigError": (errors.RequestError,),
    "DataError": (errors.RequestError,),
    "RunError": (errors.RequestError,),
    "OutputError": (errors.RequestError,),
    "DeviceError": (errors.RequestError,),
    "WorkError": (errors.VaekitError, RuntimeError),
    "DiskError": (errors.WorkError,),
    "MemoryShortage": (errors.WorkError,),
    "NetworkError": (errors.WorkError,),
    "NonFiniteError": (errors.WorkError,),
    "Interrupted": (errors.WorkError,),
}


def test_the_tree_is_the_documented_one():
    kinds = [
        kind
        for kind in vars(errors).values()
        if inspect.isclass(kind) and kind.__module__ == errors.__name__
    ]
    tree = {kind.__name__: kind.__bases__ for kind in kinds}
    assert tree == PARENTS
    documented: dict[str, str] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        name = line.lstrip(" │├└─").split(" ")[0]
        if name in PARENTS:
            depth = (len(line) - len(line.lstrip(" │├└─")) - 4) // 4
            path = [*path[:depth], name]
            documented[name] = path[-2] if depth else "Exception"
    assert documented == {name: bases[0].__name__ for name, bases in PARENTS.items()}


@pytest.mark.parametrize(
    ("name", "allowed", "fix"),
    [
        ("cnv", ["mlp", "conv"], "Did you mean 'conv'? Allowed: conv, mlp"),
        ("zzz", {"mlp": 1, "conv": 2}, "Allowed: conv, mlp"),
        ("", ["a"], "Allowed: a"),
        ("b", iter(["c", "b"]), "Did you mean 'b'? Allowed: b, c"),
    ],
)
def test_a_suggestion_is_the_nearest_name_and_all_names(name: str, allowed, fix: str):
    assert suggest(name, allowed) == fix


def test_an_error_about_a_value_has_the_parameter_and_one_line():
    with raises(DataError, "latent_dim"):
        raise DataError.for_value("latent_dim", "a\nb", "a whole number", fix="Choose 2")


@pytest.mark.parametrize(
    "value", ["x" * 1000, 10**5000, [10**5000], "a\nb"], ids=["text", "number", "list", "lines"]
)
def test_a_shown_value_is_short_and_on_one_line(value: object):
    assert len(shown(value)) <= MAX_SHOWN_CHARACTERS
    assert "\n" not in shown(value)


def test_a_suggestion_is_short_whatever_the_name_and_however_many_are_allowed():
    names = [f"class{i:06}" for i in range(100_000)]
    fix = suggest("class000001" + "x" * 10**6, names)
    assert len(fix) < 1000 and "99,950 more" in fix
    assert "'class000001'" in suggest("clas000001", names)
    assert "?" not in suggest("a" * 1000, ["a" * 1000 + "b"])


# --- Constructors ---------------------------------------------------------------------------------


class Ball:
    @validated_init
    def __init__(self, *, radius: PositiveFloat, colors: tuple[str, ...] = ()):
        self.radius = radius
        self.colors = colors


def test_arguments_are_converted_to_their_types():
    assert Ball(radius=2).radius == 2.0


@pytest.mark.parametrize(
    ("options", "parameter"),
    [
        ({"radius": "red"}, "radius"),
        ({"radius": -1.0}, "radius"),
        ({"radius": float("nan")}, "radius"),
        ({}, "radius"),
        ({"radius": 1.0, "colors": ["a", 2]}, "colors.1"),
        ({"radius": 1.0, "weight": 2}, "weight"),
    ],
    ids=str,
)
def test_an_argument_that_is_not_allowed_is_refused(options, parameter: str):
    with raises(ConfigError, parameter):
        Ball(**options)
