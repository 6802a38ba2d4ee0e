"""Plain values as YAML: read within bounds, and written so that they are read as they were."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import yaml

from vaekit.errors import shown

MAX_VALUES = 150_000
"""Values of one text, keys included; a configuration has up to 100,000 names of classes."""
MAX_KEYS = 2_000
"""Keys of all mappings of one text."""
MAX_DEPTH = 20

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Whose parser splits the text; that of libyaml is fifteen times as fast as that of Python."""


class PlainType(NamedTuple):
    """A type of plain values other than text.

    Args:
        pattern: What its values look like.
        first_characters: Characters that its values begin with.
        convert: From text to the value.
    """

    pattern: re.Pattern[str]
    first_characters: str
    convert: Callable[[str], Any]


def _float(text: str) -> float:
    return float(text.replace(".inf", "inf").replace(".nan", "nan"))


PLAIN_TYPES: Mapping[str, PlainType] = {
    "bool": PlainType(re.compile("true|false|True|False"), "tfTF", lambda text: text[0] in "tT"),
    "null": PlainType(re.compile("~|null|"), "~n", lambda text: None),
    "int": PlainType(re.compile("[-+]?[0-9]{1,19}"), "-+0123456789", int),
    "float": PlainType(
        re.compile(
            r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,3})?|[-+]?\.inf|\.nan",
        ),
        "-+.0123456789",
        _float,
    ),
}
"""Types of plain values; all others are text: dates, numbers to base 8, 16 or 60, on and off."""


def load_plain(text: str) -> Any:
    """The value of a YAML text without tags and aliases, which could stand for a huge value.

    The text is refused at the first excess, before the rest of it is read.

    Args:
        text: One document, or nothing.

    Raises:
        yaml.YAMLError: It is no such text, or has too many values, keys or levels.
        ValueError: It holds characters that are none.

    >>> load_plain("{beta: 4, hidden: [64, 32], name: '4'}")
    {'beta': 4, 'hidden': [64, 32], 'name': '4'}
    """
    return _Reader(text).document()


class _Reader:
    """Values from the events of a parser."""

    def __init__(self, text: str) -> None:
        self._events: Iterator[Any] = yaml.parse(text, LOADER)
        self._values = 0
        self._keys = 0

    def document(self) -> Any:
        """The value of the only document; None without one."""
        next(self._events)
        start = next(self._events)
        if isinstance(start, yaml.StreamEndEvent):
            return None
        value = self._value(next(self._events), depth=0)
        next(self._events)
        end = next(self._events)
        if not isinstance(end, yaml.StreamEndEvent):
            raise _refused("there is more than one document", end)
        return value

    def _value(self, event: Any, depth: int) -> Any:
        self._check(event, depth)
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event)
        if isinstance(event, yaml.SequenceStartEvent):
            return [self._value(item, depth + 1) for item in self._until(yaml.SequenceEndEvent)]
        return self._mapping(depth)

    def _mapping(self, depth: int) -> dict[Any, Any]:
        mapping: dict[Any, Any] = {}
        for event in self._until(yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise _refused("a key is not text", event)
            self._keys += 1
            if self._keys > MAX_KEYS:
                raise _refused(f"there are more than {MAX_KEYS:,} keys", event)
            key = self._value(event, depth + 1)
            if key in mapping:
                raise _refused(f"the key {shown(key)} is there twice", event)
            mapping[key] = self._value(next(self._events), depth + 1)
        return mapping

    def _until(self, end: type) -> Iterator[Any]:
        while not isinstance(event := next(self._events), end):
            yield event

    def _check(self, event: Any, depth: int) -> None:
        if isinstance(event, yaml.AliasEvent) or event.tag is not None:
            raise _refused("aliases and tags are not allowed", event)
        if depth > MAX_DEPTH:
            raise _refused(f"there are more than {MAX_DEPTH} levels", event)
        self._values += 1
        if self._values > MAX_VALUES:
            raise _refused(f"there are more than {MAX_VALUES:,} values", event)


def _refused(problem: str, event: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)


def _scalar(event: Any) -> Any:
    is_plain = event.implicit[0]
    if is_plain:
        for kind in PLAIN_TYPES.values():
            if kind.pattern.fullmatch(event.value):
                return kind.convert(event.value)
    return event.value


class _PlainDumper(yaml.SafeDumper):
    """A dumper that quotes all text that `load_plain`, or another reader, takes for a number."""


for _name, _type in PLAIN_TYPES.items():
    _PlainDumper.add_implicit_resolver(
        f"tag:yaml.org,2002:{_name}",
        re.compile(f"^(?:{_type.pattern.pattern})$"),
        [*_type.first_characters, ""],
    )


def dump_plain(value: Any) -> str:
    """A value as the text of a YAML file, which `load_plain` reads as that value.

    >>> dump_plain({"classes": ["08", "1e5"]})
    "classes:\\n- '08'\\n- '1e5'\\n"
    """
    return yaml.dump(value, Dumper=_PlainDumper, sort_keys=False, allow_unicode=True)
