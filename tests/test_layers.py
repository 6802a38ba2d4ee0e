"""Who may import whom, read from the imports themselves."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import vaekit

ROOT = Path(vaekit.__file__).parent

# From the bottom up: a module imports only what stands above its line here, and nothing that it does not need.
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "web": {"errors"},
    "files": {"errors"},
    "html": set(),
    "checked": {"errors"},
    "noise": set(),
    "recipes": {"errors"},
    "conditional": set(),
    "codebook": set(),
    "distributions": {"errors"},
    "levels": set(),
    "divergences": {"distributions"},
    "schedules": set(),
    "sharing": set(),
    "optimizers": set(),
    "nets": {"errors"},
    "priors": {"codebook", "conditional", "distributions", "errors", "nets"},
    "posteriors": {"codebook", "conditional", "distributions", "errors", "nets", "sharing"},
    "likelihoods": {"conditional", "distributions", "errors", "levels", "nets"},
    "model": {"codebook", "distributions", "errors", "html"},
    "objectives": {"checked", "distributions", "divergences", "errors", "model", "sharing"},
    "config": {
        "errors",
        "likelihoods",
        "nets",
        "objectives",
        "optimizers",
        "posteriors",
        "priors",
        "recipes",
        "schedules",
    },
    "compose": {"codebook", "config", "errors", "model", "nets"},
    "data": {"errors", "html"},
    "inputs": {"data", "model", "sharing"},
    "streamed": {"data", "errors", "inputs"},
    "decoding": {"inputs", "model", "noise"},
    "imputation": {"distributions", "errors", "model"},
    "store": {
        "compose",
        "config",
        "data",
        "decoding",
        "errors",
        "files",
        "html",
        "inputs",
        "model",
        "noise",
    },
    "hub": {"config", "errors", "files", "store"},
    "plots": {"errors", "files"},
    "evaluation": {
        "codebook",
        "decoding",
        "distributions",
        "divergences",
        "errors",
        "inputs",
        "model",
        "nets",
        "noise",
        "sharing",
    },
    "export": {"data", "distributions", "errors", "model"},
    "server": {"data", "errors", "web"},
    "explorer": {"errors", "web"},
    "training": {
        "config",
        "errors",
        "files",
        "inputs",
        "model",
        "noise",
        "objectives",
        "sharing",
        "store",
        "streamed",
    },
    "workflows": {
        *(
            "compose",
            "config",
            "data",
            "decoding",
            "distributions",
            "divergences",
            "errors",
            "evaluation",
            "explorer",
            "export",
            "files",
            "html",
            "hub",
            "imputation",
            "inputs",
            "model",
            "noise",
            "objectives",
            "optimizers",
            "plots",
            "sharing",
            "recipes",
            "schedules",
            "server",
            "store",
            "streamed",
            "training",
            "web",
        ),
        "__init__",  # for the version
    },
    "cli": {"config", "data", "errors", "recipes", "server", "store", "workflows"},
    "__main__": {"cli"},
    "__init__": set(),  # all of it on first use
}

FENCES = {
    "lightning": {"training"},
    "matplotlib": {"plots"},
    "typer": {"cli"},
    "safetensors": {"store", "evaluation"},  # runs, and the package's own networks
    "torchmetrics": {"evaluation"},
    "onnx": {"export"},
    "onnxscript": {"export"},
    "onnxruntime": {"export"},
    "sklearn": {"data", "evaluation"},  # digits, probes and mixtures
    "PIL": {"data", "plots"},  # images that are read, and animations that are written
    "yaml": {"config"},
    "starlette": {"explorer", "server"},
    "prometheus_client": {"server"},
    "uvicorn": {"web"},
    "huggingface_hub": {"hub"},
}


def imports(tree: ast.AST) -> Iterator[str]:
    """Full names of what is imported anywhere in a file, inside functions too, but for blocks that only type checkers read."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        yield from imports(node)


def imported_by_module() -> dict[str, set[str]]:
    """Module of the package -> full names of all that its files import."""
    found: dict[str, set[str]] = {}
    for path in sorted(ROOT.rglob("*.py")):
        module = path.relative_to(ROOT).with_suffix("").parts[0]
        found.setdefault(module, set()).update(imports(ast.parse(path.read_text(encoding="utf-8"))))
    return found


IMPORTED = imported_by_module()


def inside(module: str) -> set[str]:
    """The other modules of the package that a module imports."""
    names = [name.split(".") for name in IMPORTED[module]]
    return {
        parts[1] if len(parts) > 1 else "__init__" for parts in names if parts[0] == "vaekit"
    } - {module}


def test_every_module_has_its_place():
    assert set(MAY_IMPORT) == set(IMPORTED)


@pytest.mark.parametrize("module", MAY_IMPORT)
def test_a_module_imports_only_what_it_may(module: str):
    assert inside(module) - MAY_IMPORT[module] == set(), (
        f"{module} must not import these: move what they share below both"
    )


@pytest.mark.parametrize("module", MAY_IMPORT)
def test_nothing_is_allowed_that_is_not_needed(module: str):
    assert MAY_IMPORT[module] - inside(module) == set(), (
        f"take these from what {module} may import: it no longer does"
    )


def test_imports_go_down_only():
    order = list(MAY_IMPORT)
    upward = [
        (m, n)
        for m, allowed in MAY_IMPORT.items()
        for n in allowed - {"__init__"}
        if order.index(n) >= order.index(m)
    ]
    assert upward == []


def test_nothing_imports_the_command_line():
    assert [module for module in IMPORTED if "cli" in inside(module)] == ["__main__"]


@pytest.mark.parametrize("library", FENCES)
def test_a_library_stays_behind_its_fence(library: str):
    users = {
        module
        for module, names in IMPORTED.items()
        if library in {name.split(".")[0] for name in names}
    }
    assert users == FENCES[library]


# --- What is loaded when --------------------------------------------------------------------------------------------------

HEAVY = ("torch", "lightning", "pydantic", "matplotlib", "sklearn", "numpy", "vaekit.config")
COMMAND = """
import sys
from vaekit.cli import main
sys.argv = ["vaekit", *{arguments!r}]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print("LOADED", *sorted(set({heavy!r}) & set(sys.modules)))
"""


def loaded_after(code: str) -> tuple[str, list[str]]:
    """What `code` prints in a fresh interpreter, and which of the heavy libraries are loaded at its end."""
    environment = {**os.environ, "NO_COLOR": "1"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    text, _, names = done.stdout.rpartition("LOADED")
    return text, names.split()


def test_importing_the_package_loads_nothing_heavy():
    code = f"import sys, vaekit; vaekit.__all__; dir(vaekit); print('LOADED', *set({HEAVY!r}) & set(sys.modules))"
    assert loaded_after(code) == ("", [])


def test_only_training_loads_lightning():
    code = "import sys, vaekit.workflows.use, vaekit.workflows.plot; print('LOADED', *{'lightning', 'sklearn'} & set(sys.modules))"
    assert loaded_after(code) == ("", [])


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (["--help"], "train"),
        (["train", "--help"], "--latent-dim"),
        (["--version"], vaekit.__version__),
        (["recipes"], "conv-original"),
        (["recipes", "--json"], "conv-original"),
        (["recipes", "show", "conv"], "kind: conv"),
    ],
)
def test_quick_commands_load_nothing_heavy(arguments: list[str], printed: str):
    text, loaded = loaded_after(COMMAND.format(arguments=arguments, heavy=HEAVY))
    assert printed in text
    assert set(loaded) <= {
        "pydantic"
    }  # typer's own way of reading options, where a command has some
