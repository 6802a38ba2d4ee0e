"""Which package may import which, read from the imports themselves."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import vaekit

ROOT = Path(vaekit.__file__).parent

MATHEMATICS = {"core", "errors"}
PARTS = {"likelihoods", "nets", "posteriors", "priors"}

# From the bottom up: a package imports only packages above its line, and none that it does not use.
MAY_IMPORT: dict[str, set[str]] = {
    "printable": set(),
    "errors": {"printable"},
    "html": set(),
    "json_types": set(),
    "files": {"errors"},
    "web": {"errors", "files"},
    "arguments": {"errors"},
    "validated_init": {"errors"},
    "recipes": {"errors"},
    "runtime": {"arguments", "errors", "printable", "validated_init"},
    "core": {"errors", "html"},
    "nets": {"core", "errors"},
    "priors": {*MATHEMATICS, "nets"},
    "posteriors": {*MATHEMATICS, "nets", "runtime"},
    "likelihoods": {*MATHEMATICS, "arguments", "nets"},
    "objectives": {*MATHEMATICS, "runtime", "validated_init"},
    "optim": set(),
    "config": {
        *MATHEMATICS,
        *PARTS,
        "arguments",
        "json_types",
        "objectives",
        "optim",
        "recipes",
        "files",
        "runtime",
        "validated_init",
    },
    "data": {
        "arguments",
        "errors",
        "html",
        "json_types",
        "printable",
        "files",
        "runtime",
    },
    "inputs": {"core", "data", "errors", "runtime"},
    "inference": {
        *MATHEMATICS,
        "arguments",
        "files",
        "data",
        "inputs",
        "runtime",
    },
    "runs": {
        "json_types",
        *MATHEMATICS,
        "arguments",
        "files",
        "config",
        "data",
        "html",
        "inference",
        "inputs",
        "runtime",
    },
    "training": {
        *MATHEMATICS,
        "config",
        "inputs",
        "likelihoods",
        "nets",
        "objectives",
        "runs",
        "runtime",
    },
    "evaluation": {
        "html",
        "json_types",
        *MATHEMATICS,
        "arguments",
        "data",
        "inference",
        "inputs",
        "nets",
        "files",
        "runs",
        "runtime",
    },
    "plots": {"errors", "files"},
    "run_plots": {
        "data",
        "errors",
        "evaluation",
        "inference",
        "inputs",
        "plots",
        "runs",
        "runtime",
    },
    "report": {"errors", "evaluation", "run_plots"},
    "export": {*MATHEMATICS, "arguments", "data", "files"},
    "server": {"data", "errors", "web"},
    "explorer": {"errors", "web"},
    "hub": {"config", "errors", "evaluation", "files", "run_plots", "runs"},
    "workflows": {
        "json_types",
        *MATHEMATICS,
        "__init__",  # for the version
        "arguments",
        "files",
        "config",
        "data",
        "evaluation",
        "explorer",
        "export",
        "html",
        "hub",
        "inference",
        "inputs",
        "objectives",
        "optim",
        "plots",
        "report",
        "run_plots",
        "runs",
        "runtime",
        "server",
        "training",
        "web",
    },
    "cli": {
        "json_types",
        "arguments",
        "config",
        "data",
        "errors",
        "evaluation",
        "printable",
        "recipes",
        "runs",
        "runtime",
        "server",
        "validated_init",
        "web",
        "workflows",
    },
    "__main__": {"cli"},
    "__init__": set(),  # everything on first use
}

FENCES = {
    "lightning": {"training"},
    "matplotlib": {"plots"},
    "typer": {"cli"},
    "safetensors": {"runs", "evaluation"},  # runs, and the networks of the package
    "torchmetrics": {"evaluation"},
    "onnx": {"export"},
    "onnxscript": {"export"},
    "onnxruntime": {"export"},
    "sklearn": {"data", "evaluation", "inference"},  # digits, probes, mixtures
    "PIL": {"data", "plots", "server"},  # images that are read or received, animations
    "yaml": {"config", "hub"},
    "jinja2": {"report"},
    "starlette": {"explorer", "server"},
    "prometheus_client": {"server"},
    "uvicorn": {"web"},
    "huggingface_hub": {"hub"},
}


def imports(tree: ast.AST) -> Iterator[str]:
    """Full names of all imports of a file, except in blocks that only type checkers read."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        yield from imports(node)


def imported_by_package() -> dict[str, set[str]]:
    """Package or loose module -> full names of everything that its files import."""
    imported: dict[str, set[str]] = {}
    for path in sorted(ROOT.rglob("*.py")):
        package = path.relative_to(ROOT).with_suffix("").parts[0]
        names = imports(ast.parse(path.read_text(encoding="utf-8")))
        imported.setdefault(package, set()).update(names)
    return imported


IMPORTED = imported_by_package()


def inside(package: str) -> set[str]:
    """The other packages of vaekit that a package imports."""
    names = [name.split(".") for name in IMPORTED[package]]
    used = {parts[1] if len(parts) > 1 else "__init__" for parts in names if parts[0] == "vaekit"}
    return {"__init__" if name.startswith("__") else name for name in used} - {package}


def test_every_package_has_its_place():
    assert set(MAY_IMPORT) == set(IMPORTED)


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_imports_only_what_it_may(package: str):
    assert inside(package) - MAY_IMPORT[package] == set(), f"{package} must not import these"


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_no_import_is_allowed_that_is_not_used(package: str):
    assert MAY_IMPORT[package] - inside(package) == set(), f"{package} no longer imports these"


def test_imports_go_down_only():
    order = list(MAY_IMPORT)
    upward = [
        (package, other)
        for package, allowed in MAY_IMPORT.items()
        for other in allowed - {"__init__"}
        if order.index(other) >= order.index(package)
    ]
    assert upward == []


def test_only_main_imports_the_command_line():
    assert [package for package in IMPORTED if "cli" in inside(package)] == ["__main__"]


@pytest.mark.parametrize("library", FENCES)
def test_a_library_is_imported_only_behind_its_fence(library: str):
    users = {
        package
        for package, names in IMPORTED.items()
        if library in {name.split(".")[0] for name in names}
    }
    assert users == FENCES[library]


def test_every_package_states_its_purpose():
    silent = [
        str(path.relative_to(ROOT))
        for path in ROOT.rglob("__init__.py")
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert silent == []


# --- Imports at the start ------------------------------------------------------------------------

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
    """What `code` prints in a new interpreter, and which heavy libraries are loaded at its end."""
    environment = {**os.environ, "NO_COLOR": "1"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    text, _, names = done.stdout.rpartition("LOADED")
    return text, names.split()


@pytest.mark.process
def test_importing_the_package_loads_nothing_heavy():
    code = (
        "import sys, vaekit; vaekit.__all__; dir(vaekit); "
        f"print('LOADED', *set({HEAVY!r}) & set(sys.modules))"
    )
    assert loaded_after(code) == ("", [])


@pytest.mark.process
def test_only_training_loads_lightning():
    code = (
        "import sys, vaekit.runs, vaekit.workflows.plot; "
        "print('LOADED', *{'lightning', 'sklearn'} & set(sys.modules))"
    )
    assert loaded_after(code) == ("", [])


@pytest.mark.process
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
    assert set(loaded) <= {"pydantic"}  # typer reads options with it, if a command has some
