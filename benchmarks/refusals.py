"""CPU seconds of refusing hostile configurations of up to a megabyte.

    python benchmarks/refusals.py

The goal: each is refused in less than a second, whatever is in it.
"""

import time

from vaekit.config import MAX_CONFIG_BYTES, parse_mapping, validate
from vaekit.config.schema import DEFAULT_PARTS, merge
from vaekit.errors import ConfigError

CONFIGURATIONS = {
    "unknown keys": "".join(f"k{i}: 1\n" for i in range(70_000)),
    "unknown keys of a section": "data:\n" + "".join(f"  k{i}: 1\n" for i in range(70_000)),
    "equal keys": "a: 1\n" * 200_000,
    "a list of numbers": "a: [" + "1," * 400_000 + "]",
    "a list of mappings": "a: [" + "{}," * 300_000 + "]",
    "a list of anchors": "a: [" + "&a 1," * 180_000 + "]",
    "wrong values of an option": "data:\n  augment:\n"
    + "".join(f"  - c{i}\n" for i in range(70_000)),
    "names of classes and an unknown key": "a: 1\ndata:\n  classes:\n"
    + "".join(f"  - c{i}\n" for i in range(70_000)),
    "levels": "a: " + "[" * 900_000,
    "levels of blocks": "\n".join(f"{' ' * i}a:" for i in range(1300)),
    "levels of keys": "? " * 450_000,
    "a long key": "k" * 900_000 + ": 1",
    "a long kind": "encoder: " + "k" * 900_000,
    "a long text": "a: " + "x" * 900_000,
    "escapes": 'a: "' + "\\x41" * 200_000 + '"',
    "comments": "#\n" * 450_000,
    "colons": "a: " + "b:" * 400_000,
}


def cpu_seconds(text: str) -> float:
    """The processor time until a configuration is refused."""
    start = time.process_time()
    try:
        validate(merge(DEFAULT_PARTS, parse_mapping(text, "hostile.yaml")))
    except ConfigError:
        return time.process_time() - start
    raise SystemExit("a hostile configuration was accepted")


def main() -> None:
    """Measure all configurations."""
    for name, text in CONFIGURATIONS.items():
        assert len(text) <= MAX_CONFIG_BYTES
        print(f"{name:<40}{len(text) / 1e3:6.0f} kB{cpu_seconds(text):8.2f} s")


if __name__ == "__main__":
    main()
