"""The public interface: its names, its documentation, its examples."""

import ast
import doctest
import importlib
import inspect
import pkgutil
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

import vaekit
from conftest import QUIET, small_images, with_plots

PACKAGES = ("data", "errors", "likelihoods", "nets", "objectives", "plots", "posteriors", "priors")
CLASSES = ("Dataset", "ELBO", "Examples", "Run", "VAE", "VaekitError")
FUNCTIONS = (
    "build",
    "compare",
    "evaluate",
    "explore",
    "export_hub",
    "export_onnx",
    "export_page",
    "fit_mixture",
    "load_data",
    "load_exported",
    "load_run",
    "plan_training",
    "plot",
    "pull",
    "push",
    "resume",
    "serve",
    "sweep",
    "train",
)
NOT_RUN = {
    "vaekit.explorer.app.explorer_app",
    "vaekit.explorer.page.render_page",
    "vaekit.web.guard.Guard",
    "vaekit.web.uvicorn_server.RunningServer",
    "vaekit.web.uvicorn_server.serve_app",
    "vaekit.workflows.explore.explore",
    "vaekit.workflows.hub.pull",
    "vaekit.workflows.hub.push",
    "vaekit.workflows.serve.serve",
}
"""Examples that are shown and not run: they wait for requests, or need the Hugging Face Hub."""

INTERFACES = {
    "vaekit.objectives.terms.Objective",
    "vaekit.posteriors.base.Posterior",
    "vaekit.priors.base.Prior",
}
"""Public classes that are implemented, not constructed."""


def modules() -> list[ModuleType]:
    """Every module of the package, except the one that runs the command line on import."""
    found = pkgutil.walk_packages(vaekit.__path__, "vaekit.")
    names = [info.name for info in found if info.name != "vaekit.__main__"]
    return [vaekit, *map(importlib.import_module, names)]


MODULES = modules()


# --- Names ---------------------------------------------------------------------------------------


def test_the_public_names_are_these():
    assert vaekit.__all__ == sorted((*CLASSES, *FUNCTIONS, *PACKAGES))
    assert dir(vaekit) == vaekit.__all__


@pytest.mark.parametrize("name", [*CLASSES, *FUNCTIONS, *PACKAGES])
def test_a_name_is_loaded_on_first_use(name: str):
    attribute = getattr(vaekit, name)
    namespace: dict[str, object] = {}
    exec(f"from vaekit import {name}", namespace)
    assert namespace[name] is attribute
    assert inspect.ismodule(attribute) == (name in PACKAGES)
    assert inspect.isclass(attribute) == (name in CLASSES)
    assert inspect.isfunction(attribute) == (name in FUNCTIONS)


def test_a_name_is_the_object_of_its_package():
    assert vaekit.load_data is vaekit.data.load
    assert vaekit.Dataset is vaekit.data.Dataset
    assert vaekit.ELBO is vaekit.objectives.ELBO
    assert vaekit.VaekitError is vaekit.errors.VaekitError
    for name in set(FUNCTIONS) - {"load_data"}:
        assert getattr(vaekit, name).__name__ == name


def test_importing_modules_does_not_shadow_a_public_name():
    assert not {module.__name__.removeprefix("vaekit.") for module in MODULES} & {
        *CLASSES,
        *FUNCTIONS,
    }


def test_type_checkers_see_the_same_names():
    tree = ast.parse(Path(vaekit.__file__).read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    names = {alias.asname or alias.name for node in imports for alias in node.names}
    assert names == set(vaekit.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError) as caught:
        vaekit.trian  # noqa: B018  # pyright: ignore[reportAttributeAccessIssue]
    assert "'trian'" in str(caught.value)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_exported_names_exist_once(module: ModuleType):
    names = getattr(module, "__all__", [])
    assert len(set(names)) == len(names)
    assert [name for name in names if not hasattr(module, name)] == []


# --- Documentation -------------------------------------------------------------------------------


def exported(packages: list[ModuleType]) -> dict[str, object]:
    """The functions and classes that packages export, by qualified name."""
    found = {}
    for package in packages:
        for name in getattr(package, "__all__", []):
            each = getattr(package, name)
            if inspect.isclass(each) or inspect.isfunction(each):
                found[f"{each.__module__}.{each.__qualname__}"] = each
    return {name: each for name, each in found.items() if name.startswith("vaekit.")}


EXPORTED = exported(MODULES)
PUBLIC = exported([vaekit, *(getattr(vaekit, name) for name in PACKAGES)])


@pytest.mark.parametrize("name", EXPORTED)
def test_an_exported_object_has_a_docstring_of_its_own(name: str):
    doc = EXPORTED[name].__doc__
    assert doc
    # dataclass and NamedTuple write the signature if there is no docstring.
    assert not doc.startswith(f"{EXPORTED[name].__name__}(")  # type: ignore[attr-defined]


def documented_names(doc: str) -> set[str]:
    """The names under Args and Attributes of a docstring in Google style."""
    sections = re.findall(r"^(?:Args|Attributes):\n((?: .*\n|\n(?= ))*)", doc + "\n", re.MULTILINE)
    return set(re.findall(r"^    \**(\w+)[^:\n]*:", "".join(sections), re.MULTILINE))


@pytest.mark.parametrize("name", sorted(PUBLIC.keys() - INTERFACES))
def test_a_public_object_documents_its_parameters(name: str):
    documented = documented_names(inspect.getdoc(PUBLIC[name]) or "")
    parameters = inspect.signature(PUBLIC[name]).parameters  # type: ignore[arg-type]
    assert [each for each in parameters if each not in documented] == []


@pytest.mark.parametrize("name", sorted(PUBLIC.keys() - INTERFACES))
def test_a_public_object_has_an_example(name: str):
    each = PUBLIC[name]
    members = vars(each).values() if inspect.isclass(each) else ()
    docs = [inspect.getdoc(member) or "" for member in (each, *members)]
    assert any(">>> " in doc for doc in docs)


def own_methods(kind: type) -> Iterator[tuple[str, object]]:
    """Public methods and properties that a class defines and no base of it."""
    for name, member in vars(kind).items():
        if name.startswith("_") or any(hasattr(base, name) for base in kind.__mro__[1:]):
            continue
        wrapped = isinstance(member, property | classmethod | staticmethod)
        if wrapped or inspect.isfunction(member):
            yield f"{kind.__qualname__}.{name}", member


def test_methods_have_docstrings():
    kinds = [each for each in EXPORTED.values() if inspect.isclass(each)]
    assert [name for kind in kinds for name, each in own_methods(kind) if not each.__doc__] == []


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_a_module_has_a_docstring(module: ModuleType):
    assert module.__doc__ and module.__doc__[0] not in " \n"


# --- Examples ------------------------------------------------------------------------------------


def examples() -> list[doctest.DocTest]:
    finder = doctest.DocTestFinder(exclude_empty=True)
    tests = [test for module in MODULES for test in finder.find(module, module.__name__)]
    return [test for test in tests if test.examples]


EXAMPLES = examples()


@pytest.fixture(scope="session")
def example_runs(tmp_path_factory) -> Path:
    """A folder with images.npz, and runs/conv and runs/mlp, trained on it for one epoch."""
    folder = tmp_path_factory.mktemp("examples")
    data = small_images()
    np.savez(folder / "images.npz", x=data.train.x, y=np.array(data.classes)[data.train.y])
    for recipe in ("conv", "mlp"):
        with with_plots():
            vaekit.train(
                recipe,
                data=str(folder / "images.npz"),
                out=folder / "runs" / recipe,
                latent_dim=2,
                training={"epochs": 1, "batch_size": 16, "device": "cpu"},
                console=QUIET,
            )
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_runs(example: doctest.DocTest, example_runs, tmp_path, monkeypatch):
    """In a folder with images.npz, runs/conv and runs/mlp; `run` is runs/conv, `images` are its
    images."""
    source = "".join(each.source for each in example.examples)
    if re.search(r"\brun|\bimages|\bsweep|\btrain", source):
        shutil.copytree(example_runs, tmp_path, dirs_exist_ok=True)
        example.globs["run"] = vaekit.load_run(tmp_path / "runs/conv")
        example.globs["images"] = small_images().train.x
    example.globs |= {"vaekit": vaekit, "np": np, "torch": torch}
    monkeypatch.chdir(tmp_path)
    report: list[str] = []
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    result = doctest.DocTestRunner(optionflags=flags).run(example, out=report.append)
    assert result.failed == 0, "".join(report)


def test_examples_that_are_not_run():
    skipped = {
        test.name
        for test in EXAMPLES
        if any(doctest.SKIP in example.options for example in test.examples)
    }
    assert skipped - NOT_RUN == set()


def test_every_example_is_found():
    sources = "\n".join(inspect.getsource(module) for module in MODULES)
    written = len(re.findall(r"^\s*>>> ", sources, re.MULTILINE))
    assert written == sum(len(test.examples) for test in EXAMPLES)
