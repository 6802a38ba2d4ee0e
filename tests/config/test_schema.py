import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import PositiveInt

from vaekit import config, recipes
from vaekit.config import (
    FAMILIES,
    Config,
    assignments,
    load_config_file,
    merge,
    parse_mapping,
    schema,
    validate,
)
from vaekit.config.builder import resolve
from vaekit.errors import ConfigError

PARTS = [(family, kind) for family, kinds in FAMILIES.items() for kind in kinds]


def message(call: Callable[[], Any]) -> str | None:
    """What the ConfigError says that `call` ends in, or None where it ends well; any other exception is a failure."""
    try:
        call()
    except ConfigError as error:
        return str(error)
    return None


def refusal(call: Callable[[], Any]) -> str:
    """The message of the ConfigError that `call` ends in: one line."""
    said = message(call)
    assert said is not None
    assert len(said.splitlines()) == 1
    return said


# --- Schemas come from constructors ---------------------------------------------------------------------------------------


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
        self.width, self.depth, self.mode = width, depth, mode


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
    for wrong in (
        {},
        {"width": 0},
        {"width": 3, "mode": "c"},
        {"width": 3, "shape": (1,)},
        {"width": 3, "kind": "other"},
    ):
        with pytest.raises(ValueError, match="validation error"):
            options.model_validate(wrong)


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
            assert parameter.name in (inspect.getdoc(part) or ""), (
                f"{parameter.name} is not in the docstring"
            )
        else:
            assert parameter.kind is parameter.POSITIONAL_ONLY, (
                f"{parameter}: shapes are handed over, not configured"
            )


@pytest.mark.parametrize(("family", "kind"), PARTS)
def test_a_bare_name_stands_for_the_part_with_its_defaults(family: str, kind: str):
    assert validate({family: kind}) == validate({family: {"kind": kind}})
    assert validate({family: kind}).part(family).kind == kind


def test_defaults_make_a_configuration():
    given = validate({})
    assert given.part("likelihood") is None and given.latent_dim is None
    assert set(Config.model_fields) == set(FAMILIES) | {
        *(
            "format",
            "recipe",
            "seed",
            "data",
            "latent_dim",
            "conditional",
            "training",
            "prior_stage",
        )
    }


# --- Recipes and files ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", recipes.names())
def test_every_recipe_loads_resolves_and_round_trips(name: str):
    loaded = load_config_file(name)
    resolved = resolve(loaded, (1, 28, 28), "unit", 256)
    assert loaded.recipe == name
    wanted = loaded.part("likelihood")
    assert (resolved.data.shape, resolved.part("likelihood").kind) == (
        (1, 28, 28),
        wanted.kind if wanted else "bernoulli",
    )
    assert resolved.part("prior") is not None
    for settings_ in (loaded, resolved):
        text = settings_.to_yaml()
        again = validate(parse_mapping(text, name))
        assert again == settings_
        assert again.to_yaml() == text


@pytest.mark.parametrize("name", recipes.names())
def test_every_recipe_says_what_it_is(name: str):
    description = recipes.describe(name)
    assert description.endswith((".", ").")) and "\n" not in description and len(description) > 20
    assert len(recipes.text(name).splitlines()) <= 15


def test_the_default_recipe_is_the_keras_examples_network():
    assert load_config_file(None) == load_config_file("conv")
    original = load_config_file("conv-original")
    assert original.part("encoder").channels == (32, 64) and original.part("encoder").hidden == (
        16,
    )
    training = original.training
    assert (original.latent_dim, training.batch_size, training.epochs, training.patience) == (
        2,
        32,
        30,
        2,
    )


def test_an_unknown_recipe_is_refused_with_the_nearest():
    assert refusal(lambda: load_config_file("cnov")).startswith(
        "unknown recipe 'cnov': did you mean 'conv'? Allowed: autoencoder, "
    )


def test_a_file_is_a_recipe_of_its_own(tmp_path: Path):
    (tmp_path / "mine.yaml").write_text("encoder: mlp\nlatent_dim: 5\n")
    loaded = load_config_file(str(tmp_path / "mine.yaml"), {"latent_dim": 7}, {"seed": 3})
    assert (loaded.recipe, loaded.latent_dim, loaded.seed) == ("mine", 7, 3)
    assert load_config_file(str(tmp_path / "mine.yaml")).latent_dim == 5


@pytest.mark.parametrize("name", ["my model (2).yaml", "a+b.yml", "n" * 120 + ".yaml"])
def test_a_file_may_have_any_name(tmp_path: Path, name: str):
    (tmp_path / name).write_text("latent_dim: 5\n")
    assert load_config_file(str(tmp_path / name)).latent_dim == 5


def test_files_that_cannot_be_read_are_refused(tmp_path: Path):
    assert refusal(lambda: load_config_file(str(tmp_path / "none.yaml"))).endswith(
        "none.yaml: No such file or directory"
    )
    (tmp_path / "folder.yaml").mkdir()
    assert "Is a directory" in refusal(lambda: load_config_file(str(tmp_path / "folder.yaml")))
    (tmp_path / "latin.yaml").write_bytes("recipe: café".encode("latin-1"))
    assert "latin.yaml: not UTF-8 text" in refusal(
        lambda: load_config_file(str(tmp_path / "latin.yaml"))
    )
    (tmp_path / "empty.yaml").write_text("")
    assert (
        "empty.yaml is not a mapping of keys to values: see `vaekit recipes show conv`"
        in refusal(lambda: load_config_file(str(tmp_path / "empty.yaml")))
    )


# --- Merging --------------------------------------------------------------------------------------------------------------


def test_merging_goes_key_by_key_and_leaves_its_arguments_alone():
    base = {
        "seed": 1,
        "data": {"source": "mnist", "train_size": 5},
        "optimizer": {"kind": "adam", "lr": 0.1},
    }
    over = {"data": {"train_size": 7}, "optimizer": {"betas": [0.5, 0.9]}}
    merged = merge(base, over)
    assert merged == {
        "seed": 1,
        "data": {"source": "mnist", "train_size": 7},
        "optimizer": {"kind": "adam", "lr": 0.1, "betas": [0.5, 0.9]},
    }
    assert (
        base["data"]["limit"] == 5
        and "betas" not in base["optimizer"]
        and over["data"] == {"train_size": 7}
    )


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


nested = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
mappings = st.dictionaries(
    st.text(max_size=5).filter(lambda key: key not in FAMILIES), nested, max_size=4
)


@given(mappings, mappings)
def test_merging_keeps_every_key_and_is_idempotent(base: dict[str, Any], over: dict[str, Any]):
    merged = merge(base, over)
    assert set(merged) == set(base) | set(over)
    assert merge(merged, over) == merged
    assert merge({}, over) == merge(over, {}) == over
    assert all(merged[key] == value for key, value in over.items() if not isinstance(value, dict))


def test_overrides_apply_in_their_order():
    assert load_config_file("conv", {"encoder": {"kernel": 5}}).part("encoder").kernel == 5
    assert load_config_file("conv", {"encoder": "mlp"}).part("encoder").hidden == (512,)
    assert load_config_file("conv", {"seed": 1}, {"seed": 2}).seed == 2


# --- Assignments ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pairs", "meaning"),
    [
        ([], {}),
        (["seed=3"], {"seed": 3}),
        (["objective.beta=4", "objective.warmup=10"], {"objective": {"beta": 4, "warmup": 10}}),
        (["encoder.hidden=[64, 32]"], {"encoder": {"hidden": [64, 32]}}),
        (["encoder=mlp", "encoder.hidden=[3]"], {"encoder": {"kind": "mlp", "hidden": [3]}}),
        (["encoder.kernel=5", "encoder=mlp"], {"encoder": {"kind": "mlp"}}),
        (["data.source=a=b.npy"], {"data": {"source": "a=b.npy"}}),
        (["data={limit: 5}"], {"data": {"train_size": 5}}),
        (["training.epochs=null"], {"training": {"epochs": None}}),
        (["seed=1", "seed=2"], {"seed": 2}),
        (["data.classes=['0', \"1\"]"], {"data": {"classes": ["0", "1"]}}),
    ],
)
def test_assignments_are_nested_values(pairs: list[str], meaning: dict[str, Any]):
    assert assignments(pairs) == meaning


@pytest.mark.parametrize("pair", ["seed", "=1", "a..b=1", ".a=1", "a.=1", ""])
def test_what_is_no_assignment_is_refused(pair: str):
    assert (
        refusal(lambda: assignments([pair]))
        == f"--set takes key=value, such as objective.beta=4, not {pair!r}"
    )


def test_numbers_may_be_written_as_people_do():
    assert (
        validate(assignments(["optimizer.kind=adam", "optimizer.lr=1e-3"])).part("optimizer").lr
        == 1e-3
    )
    gaussian = assignments(["likelihood.kind=gaussian", "likelihood.scale=1e-2"])
    assert validate(gaussian).part("likelihood").scale == 1e-2


# --- Messages -------------------------------------------------------------------------------------------------------------

WRONG = [
    (
        {"encodr": "mlp"},
        "unknown key 'encodr': did you mean 'encoder'? Allowed: conditional, data, decoder, encoder, ",
    ),
    ({"training": {"epoch": 3}}, "unknown key 'training.epoch': did you mean 'epochs'? Allowed: "),
    ({"data": {"sorce": "x"}}, "unknown key 'data.sorce': did you mean 'source'? Allowed: "),
    (
        {"encoder": {"kind": "mlp", "hiden": [3]}},
        "unknown key 'encoder.hiden': did you mean 'hidden'? Allowed: activation, ",
    ),
    (
        {"encoder": {"kind": "mlp", "kernel": 3}},
        "unknown key 'encoder.kernel': Allowed: activation, batch_norm, hidden",
    ),
    (
        {"encoder": {"kind": "custom", "name": "Mine", "nme": 1}},
        "unknown key 'encoder.nme': did you mean 'name'? ",
    ),
    (
        {"encoder": "cnv"},
        "unknown encoder 'cnv': did you mean 'conv'? Allowed: conv, conv-map, mlp, resnet",
    ),
    (
        {"encoder": {"kind": "cnv"}},
        "unknown encoder 'cnv': did you mean 'conv'? Allowed: conv, conv-map, mlp, resnet",
    ),
    ({"encoder": {"hidden": [3]}}, "encoder.kind is missing: Allowed: conv, conv-map, mlp, resnet"),
    (
        {"likelihood": {"kind": "normal"}},
        "unknown likelihood 'normal': Allowed: bernoulli, categorical, continuous-bernoulli, ",
    ),
    (
        {"posterior": "vector-quantized"},
        "unknown posterior 'vector-quantized': did you mean 'vector-quantized'? Allowed: ",
    ),
    (
        {"prior_stage": {"epoch": 3}},
        "unknown key 'prior_stage.epoch': did you mean 'epochs'? Allowed: batch_size, epochs, lr, ",
    ),
    ({"conditional": "maybe"}, "conditional = 'maybe': input should be a valid boolean"),
    (
        {"posterior": {"kind": "finite-scalar", "levels": [8, 1]}},
        "posterior.levels.1 = 1: input should be greater than or ",
    ),
    ({"latent_dim": 0}, "latent_dim = 0: input should be greater than or equal to 1"),
    ({"latent_dim": "two"}, "latent_dim = 'two': input should be a valid integer"),
    ({"latent_dim": 2.5}, "latent_dim = 2.5: input should be a valid integer"),
    ({"seed": -1}, "seed = -1: input should be greater than or equal to 0"),
    ({"training": {"batch_size": 0}}, "training.batch_size = 0: input should be greater than 0"),
    (
        {"data": {"validation": 2}},
        "data.validation = 2: input should be less than 1, or input should be 'test'",
    ),
    (
        {"objective": {"kind": "elbo", "beta": float("nan")}},
        "objective.beta = nan: input should be a finite number",
    ),
    (
        {"objective": {"kind": "elbo", "divergence": "mc"}},
        "objective.divergence = 'mc': input should be 'closed-form' or ",
    ),
    (
        {"encoder": {"kind": "mlp", "hidden": [8, 0]}},
        "encoder.hidden.1 = 0: input should be greater than or equal to 1",
    ),
    ({"encoder": {"kind": "mlp", "hidden": [8] * 65}}, "tuple should have at most 64 items"),
    (
        {"encoder": {"kind": "conv", "kernel": 1}},
        "encoder.kernel = 1: input should be greater than or equal to 2",
    ),
    (
        {"encoder": {"kind": "mlp", "activation": "rleu"}},
        "encoder.activation = 'rleu': input should be 'relu', 'tanh', ",
    ),
    (
        {"optimizer": {"kind": "adam", "betas": [0.9, 1.0]}},
        "optimizer.betas.1 = 1.0: input should be less than 1",
    ),
    (
        {"schedule": {"kind": "linear", "warmup": 2}},
        "schedule.warmup = 2: input should be less than or equal to 1",
    ),
    (
        {"likelihood": {"kind": "gaussian", "scale": "learnt"}},
        "likelihood.scale = 'learnt': input should be a valid number, unable to parse string as a number, or input should be "
        "'shared' or 'learned'",
    ),
    (
        {"likelihood": {"kind": "gaussian", "scale": -1.0}},
        "likelihood.scale = -1.0: input should be greater than 0, or input should be 'shared' or 'learned'",
    ),
    ({"format": 99}, "format = 99: input should be less than or equal to 1"),
    ({"my key": 1}, "unknown key 'my key': "),
    ({"float": 1}, "unknown key 'float': "),
    ({"data": {"my key": 1}}, "unknown key 'data.my key': "),
    ({"encoder": {"kind": "mlp", "str": 1}}, "unknown key 'encoder.str': "),
]


@pytest.mark.parametrize(("given", "said"), WRONG, ids=[said[:40] for _, said in WRONG])
def test_a_wrong_value_is_one_line_with_what_is_allowed(given: dict[str, Any], said: str):
    assert said in refusal(lambda: validate(given))


def test_a_long_value_is_cut():
    said = refusal(lambda: validate({"seed": "x" * 10_000}))
    assert "xxx...: input should be" in said and len(said) < 300


odd = st.recursive(
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
@given(st.dictionaries(st.sampled_from(KEYS), odd, max_size=3))
def test_anything_is_a_configuration_or_a_refusal_in_one_line(given: dict[str, Any]):
    said = message(lambda: validate(given))
    assert said is None or len(said.splitlines()) == 1


# --- Hostile YAML ---------------------------------------------------------------------------------------------------------

LAUGHS = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n"
HOSTILE = {
    "aliases": (
        LAUGHS,
        "mine.yaml, line 2: not readable as YAML: aliases and tags are not allowed",
    ),
    "a tag": (
        "a: !!python/object/apply:os.system [ls]",
        "mine.yaml, line 1: not readable as YAML: aliases and tags are not allowed",
    ),
    "a name": (
        "a: !!python/name:os.system",
        "mine.yaml, line 1: not readable as YAML: aliases and tags are not allowed",
    ),
    "depth": ("a: " + "[" * 5000, "mine.yaml: not readable as YAML: RecursionError"),
    "size": (
        "a: " + "x" * 2_000_000,
        "mine.yaml has 2,000,003 characters, at most 1,000,000 are allowed",
    ),
    "a list": (
        "[1, 2]",
        "mine.yaml is not a mapping of keys to values: see `vaekit recipes show conv` for one that is",
    ),
    "a number": ("5", "mine.yaml is not a mapping"),
    "keys that are no names": ("1: 2", "mine.yaml is not a mapping"),
    "two documents": ("a: 1\n---\nb: 2", "mine.yaml, line 2: not readable as YAML"),
    "an unhashable key": (
        "[a]: 1",
        "mine.yaml, line 1: not readable as YAML: found unhashable key",
    ),
    "an open bracket": ("a: [1", "not readable as YAML: expected ',' or ']'"),
    "a control character": (
        "a: \x00",
        "mine.yaml: not readable as YAML: unacceptable character #x0000",
    ),
    "half a character": (
        "a: \ud800",
        "mine.yaml: not readable as YAML: unacceptable character #xd800",
    ),
}


@pytest.mark.parametrize(("text", "said"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_yaml_is_refused(text: str, said: str):
    assert said in refusal(lambda: parse_mapping(text, "mine.yaml"))


def test_values_are_plain_or_text():
    given = parse_mapping(
        "{a: 1, b: -2.5, c: 6e-3, d: true, e: ~, f: on, g: 2026-13-45, h: 1:30, i: 0x10, j: <<, k: .inf}",
        "mine.yaml",
    )
    assert given == {
        "a": 1,
        "b": -2.5,
        "c": 0.006,
        "d": True,
        "e": None,
        "f": "on",
        "g": "2026-13-45",
        "h": "1:30",
        "i": "0x10",
        "j": "<<",
        "k": float("inf"),
    }
    assert parse_mapping("a: " + "9" * 5000, "mine.yaml") == {
        "a": float("inf")
    }  # which no option takes


@settings(deadline=None, max_examples=300)
@given(st.text() | st.text(alphabet="ab:-[]{}&*!|>'\"\n ,?#%@`\t1.", max_size=40))
def test_any_text_is_a_mapping_or_a_refusal_in_one_line(text: str):
    said = message(lambda: parse_mapping(text, "mine.yaml"))
    assert said is None or (said.startswith("mine.yaml") and len(said.splitlines()) == 1)


def test_a_large_file_is_not_read_whole(tmp_path: Path):
    path = tmp_path / "large.yaml"
    path.write_bytes(b"#" * 2_000_000)
    assert "at most 1,000,000 are allowed" in refusal(lambda: load_config_file(str(path)))
    path.write_bytes(b"seed: 3 #" + b"-" * 900_000)
    assert load_config_file(str(path)).seed == 3


def test_assignments_are_no_way_around_the_checks():
    assert "aliases and tags are not allowed" in refusal(lambda: assignments(["seed=*a"]))
    assert "aliases and tags are not allowed" in refusal(
        lambda: assignments(["seed=!!python/name:os.system"])
    )
    deep = "seed" + ".a" * 5000
    refusal(lambda: validate(assignments([f"{deep}=1", f"{deep}=2"])))


def test_plain_yaml_is_read_as_plain_yaml():
    given = {"seed": 3, "encoder": {"kind": "mlp", "hidden": [4, 5]}, "data": {"source": "é"}}
    assert parse_mapping(yaml.safe_dump(given), "mine.yaml") == given
    assert config.MAX_BYTES == 1_000_000
