"""The list of configuration keys, and the docstrings that it is read from."""

import pytest

from raising import raises
from vaekit.config import FAMILIES, ConfigKey, assignments, config_keys, schema, validate
from vaekit.config.docstrings import argument_meanings
from vaekit.config.schema import SECTIONS, Settings
from vaekit.errors import ConfigError

PARTS = [(family, kind) for family, kinds in FAMILIES.items() for kind in kinds]
KEYS = config_keys()


@pytest.mark.parametrize("key", KEYS, ids=lambda key: f"{key.name} {key.kind}".strip())
def test_every_key_has_a_meaning_a_type_and_a_default(key: ConfigKey):
    assert len(key.meaning.split()) >= 2, "describe it: in Args of the part, or in its Field"
    assert not key.meaning.endswith(".")
    assert key.type and key.default


@pytest.mark.parametrize(("family", "kind"), PARTS)
def test_every_option_of_every_part_is_listed(family: str, kind: str):
    listed = [key.name for key in config_keys(family) if key.kind == kind]
    options = [name for name in schema(kind, FAMILIES[family][kind]).model_fields if name != "kind"]
    assert listed == [f"{family}.{name}" for name in options]


def test_every_key_of_every_section_is_listed():
    for name, section in SECTIONS.items():
        listed = [key.name for key in config_keys(name)]
        assert listed == [f"{name}.{field}" for field in section.model_fields]
    general = [key.name for key in config_keys("general")]
    assert general == [name for name in Settings.model_fields if name not in SECTIONS]


def test_all_sections_together_are_all_keys():
    sections = list(dict.fromkeys(key.section for key in KEYS))
    assert set(sections) == {"general", *SECTIONS, *FAMILIES}
    assert [key for section in sections for key in config_keys(section)] == KEYS
    assert len({(key.name, key.kind) for key in KEYS}) == len(KEYS)


ASSIGNABLE = [key for key in KEYS if (key.name.endswith(".kind"), key.default) != (True, "null")]


@pytest.mark.parametrize("key", ASSIGNABLE, ids=lambda key: f"{key.name} {key.kind}".strip())
def test_a_default_can_be_assigned_as_it_is_listed(key: ConfigKey):
    kind = [f"{key.section}.kind={key.kind}"] if key.kind else []
    assigned = assignments([*kind, f"{key.name}={key.default}"])
    assert validate(assigned) == validate(assignments(kind))


def test_the_kinds_of_a_family_are_a_key_of_their_own():
    (kind,) = (key for key in config_keys("likelihood") if key.name == "likelihood.kind")
    assert kind.type.split(" | ") == list(FAMILIES["likelihood"])
    assert kind.kind == ""


def test_types_state_bounds_and_choices():
    types = {key.name: key.type for key in KEYS}
    assert types["training.max_steps"] == "int > 0 | null"
    assert types["data.num_workers"] == "int >= 1 and <= 256"
    assert types["data.binarize"] == "threshold | fixed | dynamic | null"
    assert types["data.classes"] == "list of text"
    assert types["conditional"] == "bool"


def test_an_unknown_section_is_refused():
    with raises(ConfigError, "section"):
        config_keys("trainig")


# --- Docstrings -----------------------------------------------------------------------------------


class Documented:
    """A part.

    Args:
        shape: Its shape.
        width: Its width; with a second
            line.

    Raises:
        ConfigError: Never: it is an example.

    >>> 1
    1
    """


def test_arguments_are_read_from_their_section():
    assert argument_meanings(Documented) == {
        "shape": "Its shape",
        "width": "Its width; with a second line",
    }


class Undocumented:
    pass


@pytest.mark.parametrize("owner", [int, Undocumented])
def test_a_docstring_without_arguments_has_no_meanings(owner: type):
    assert argument_meanings(owner) == {}
