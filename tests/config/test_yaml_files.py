"""Configurations from recipes, files and assignments, and hostile YAML."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from raising import raises
from vaekit import recipes
from vaekit.config import (
    MAX_CONFIG_BYTES,
    DataProfile,
    assignments,
    load_config_file,
    parse_mapping,
    resolve,
    validate,
)
from vaekit.errors import ConfigError

# --- Recipes and files ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", recipes.names())
def test_every_recipe_loads_resolves_and_round_trips(name: str):
    loaded = load_config_file(name)
    resolved = resolve(loaded, DataProfile((1, 28, 28), "unit", 256))
    assert loaded.recipe == name
    chosen = loaded.part("likelihood")
    assert (resolved.data.shape, resolved.part("likelihood").kind) == (
        (1, 28, 28),
        chosen.kind if chosen else "bernoulli",
    )
    assert resolved.part("prior") is not None
    for config in (loaded, resolved):
        text = config.to_yaml()
        again = validate(parse_mapping(text, name))
        assert again == config
        assert again.to_yaml() == text


@pytest.mark.parametrize("name", recipes.names())
def test_every_recipe_has_a_description_and_few_lines(name: str):
    description = recipes.describe(name)
    assert description.endswith((".", ").")) and "\n" not in description and len(description) > 20
    assert len(recipes.text(name).splitlines()) <= 15


def test_the_default_recipe_has_a_plane_of_latent_codes():
    assert load_config_file(None) == load_config_file("plane")
    assert resolve(load_config_file(None), DataProfile((1, 28, 28), "unit", 256)).latent_dim == 2


def test_the_original_recipe_is_the_protocol_of_the_keras_example():
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


def test_an_unknown_recipe_is_refused():
    with raises(ConfigError, "recipe"):
        load_config_file("cnov")


def test_a_file_is_a_recipe_of_its_own(tmp_path: Path):
    (tmp_path / "mine.yaml").write_text("encoder: mlp\nlatent_dim: 5\n")
    loaded = load_config_file(str(tmp_path / "mine.yaml"), {"latent_dim": 7}, {"seed": 3})
    assert (loaded.recipe, loaded.latent_dim, loaded.seed) == ("mine", 7, 3)
    assert load_config_file(str(tmp_path / "mine.yaml")).latent_dim == 5


@pytest.mark.parametrize("name", ["my model (2).yaml", "a+b.yml", "n" * 120 + ".yaml"])
def test_a_file_may_have_any_name(tmp_path: Path, name: str):
    (tmp_path / name).write_text("latent_dim: 5\n")
    assert load_config_file(str(tmp_path / name)).latent_dim == 5


@pytest.mark.parametrize(
    "content", [None, "folder", "recipe: café".encode("latin-1"), b""], ids=str
)
def test_an_unreadable_file_is_refused(tmp_path: Path, content: bytes | str | None):
    path = tmp_path / "mine.yaml"
    if content == "folder":
        path.mkdir()
    elif isinstance(content, bytes):
        path.write_bytes(content)
    with raises(ConfigError, "recipe"):
        load_config_file(str(path))


def test_overrides_apply_in_their_order():
    assert load_config_file("conv", {"encoder": {"kernel": 5}}).part("encoder").kernel == 5
    assert load_config_file("conv", {"encoder": "mlp"}).part("encoder").hidden == (512,)
    assert load_config_file("conv", {"seed": 1}, {"seed": 2}).seed == 2


# --- Assignments ----------------------------------------------------------------------------------


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
        (["data={train_size: 5}"], {"data": {"train_size": 5}}),
        (["training.epochs=null"], {"training": {"epochs": None}}),
        (["seed=1", "seed=2"], {"seed": 2}),
        (["data.classes=['0', \"1\"]"], {"data": {"classes": ["0", "1"]}}),
    ],
)
def test_assignments_are_nested_values(pairs: list[str], meaning: dict[str, Any]):
    assert assignments(pairs) == meaning


@pytest.mark.parametrize("pair", ["seed", "=1", "a..b=1", ".a=1", "a.=1", ""])
def test_a_text_that_is_no_assignment_is_refused(pair: str):
    with raises(ConfigError, "settings"):
        assignments([pair])


def test_numbers_may_have_an_exponent():
    adam = assignments(["optimizer.kind=adam", "optimizer.lr=1e-3"])
    assert validate(adam).part("optimizer").lr == 1e-3
    gaussian = assignments(["likelihood.kind=gaussian", "likelihood.scale=1e-2"])
    assert validate(gaussian).part("likelihood").scale == 1e-2


# --- Hostile YAML ---------------------------------------------------------------------------------

LAUGHS = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n"
HOSTILE = {
    "aliases": LAUGHS,
    "a tag": "a: !!python/object/apply:os.system [ls]",
    "a name": "a: !!python/name:os.system",
    "depth": "a: " + "[" * 5000,
    "size": "a: " + "x" * 2_000_000,
    "a list": "[1, 2]",
    "a number": "5",
    "keys that are no names": "1: 2",
    "two documents": "a: 1\n---\nb: 2",
    "an unhashable key": "[a]: 1",
    "a key twice": "a: 1\na: 2",
    "an open bracket": "a: [1",
    "a control character": "a: \x00",
    "half a character": "a: \ud800",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_yaml_is_refused(text: str):
    with raises(ConfigError, "recipe"):
        parse_mapping(text, "mine.yaml", "recipe")


def test_values_are_plain_or_text():
    text = "{a: 1, b: -2.5, c: 6e-3, d: true, e: ~, f: on, g: 2026-13-45, h: 1:30, i: 0x10}"
    content = parse_mapping(text, "mine.yaml") | parse_mapping("{j: <<, k: .inf}", "mine.yaml")
    assert content == {
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
def test_any_text_is_a_mapping_or_refused_in_one_line(text: str):
    content = message = None
    try:
        content = parse_mapping(text, "mine.yaml")
    except ConfigError as error:
        message = str(error)
    if message is None:
        assert isinstance(content, dict)
    else:
        assert message.startswith("mine.yaml")
        assert len(message.splitlines()) == 1


def test_a_large_file_is_not_read_to_its_end(tmp_path: Path):
    path = tmp_path / "large.yaml"
    path.write_bytes(b"#" * 2 * MAX_CONFIG_BYTES)
    with raises(ConfigError, "recipe"):
        load_config_file(str(path))
    path.write_bytes(b"seed: 3 #" + b"-" * 900_000)
    assert load_config_file(str(path)).seed == 3


@pytest.mark.parametrize("value", ["*a", "!!python/name:os.system"])
def test_assignments_have_the_same_checks(value: str):
    with raises(ConfigError, "settings"):
        assignments([f"seed={value}"])


def test_a_deep_key_is_refused():
    key = "seed" + ".a" * 5000
    with raises(ConfigError, "settings"):
        assignments([f"{key}=1", f"{key}=2"])


def test_plain_yaml_is_read_as_plain_yaml():
    content = {"seed": 3, "encoder": {"kind": "mlp", "hidden": [4, 5]}, "data": {"source": "é"}}
    assert parse_mapping(yaml.safe_dump(content), "mine.yaml") == content
