"""The type of JSON content that is read from files or written to them."""

from typing import Any

JsonObject = dict[str, Any]
"""An object of JSON: names to numbers, texts, lists and objects."""
