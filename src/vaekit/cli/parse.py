"""From the text of options to values."""

from typing import Any


def _wrong(option: str, given: str, allowed: str) -> Exception:
    from vaekit.errors import ConfigError

    return ConfigError(f"{option} {given}: write {allowed}")


def size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    height, _, width = text.lower().partition("x")
    if not (height.isdecimal() and width.isdecimal() and int(height) and int(width)):
        raise _wrong("--resize", text, "height x width, such as --resize 64x64")
    return int(height), int(width)


def indices(text: str | None) -> list[int] | None:
    if text is None:
        return None
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise _wrong(
                "--index", text, "row numbers from 0, such as --index 0,1,7 or --index 0-9"
            )
        if len(part) > 15 or int(last or first) - int(first) >= 10_000:
            raise _wrong("--index", text, "at most 10,000 row numbers")
        if int(last or first) < int(first):
            raise _wrong("--index", text, "ranges upwards, such as --index 0-9")
        found += range(int(first), int(last or first) + 1)
    return found


def interval(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    low, _, high = text.partition(":")
    try:
        return float(low), float(high)
    except ValueError:
        raise _wrong("range", text, "two numbers, such as --across=-2:2") from None


def code(texts: list[str]) -> Any:
    import numpy as np

    try:
        return np.array([[float(number) for number in text.split(",")] for text in texts])
    except ValueError:
        raise _wrong(
            "--z", " ".join(texts), "numbers, as many as latent dimensions, such as --z=0.5,-1"
        ) from None


def part(text: str | None) -> Any:
    from vaekit.errors import ConfigError, suggest

    if text is None:
        return None
    parts = ("train", "validation", "test")
    if text not in parts:
        raise ConfigError(f"--split {text!r}: {suggest(text, parts)}")
    return text


def refuse_unused(what: str, options: dict[str, object]) -> None:
    """ConfigError for an option that is given and would make no difference."""
    from vaekit.errors import ConfigError

    for name, value in options.items():
        if value is not None:
            raise ConfigError(f"{name} {value} makes no difference to {what}: leave it out")


def grid(settings: list[str]) -> dict[str, list[str]]:
    """`["objective.beta=0.5,1", "decoder.hidden=[64,32]"]` -> the values of each key; no comma in brackets parts them."""
    import re

    found: dict[str, list[str]] = {}
    for setting in settings:
        key, _, values = setting.partition("=")
        parts = re.findall(r"(?:[^,\[\]{}]|\[[^\]]*\]|\{[^}]*\})+", values)
        if not key or not parts or key in found:
            raise _wrong(
                "--set",
                setting,
                "a key once, with its values, such as --set objective.beta=0.5,1,2",
            )
        found[key] = parts
    return found
