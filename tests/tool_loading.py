"""Scripts of `tools/` and `benchmarks/` as modules."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[1]


def load_tool(name: str, folder: str = "tools") -> ModuleType:
    """The module of a folder; modules that it imports from there must have been loaded before."""
    spec = importlib.util.spec_from_file_location(name, ROOT / folder / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where dataclasses and other tools look for it
    spec.loader.exec_module(module)
    return module
