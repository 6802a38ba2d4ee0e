"""The public surface: its names, its documentation, its examples."""

import doctest
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from types import ModuleType

import pytest

import vaekit

PACKAGES = ("data", "errors", "likelihoods", "nets", "objectives", "plots", "posteriors", "priors")
OBJECTS = (
    "ELBO",
    "VAE",
    "VaekitError",
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
    "plot",
    "pull",
    "push",
    "resume",
    "serve",
    "train",
)

# Examples that are shown and not run: they train, or read a run that is not there.
SKIPPED = {
    *("vaekit", "vaekit.objectives.elbo.ELBO", "vaekit.runs.load_run"),
    *(
        f"vaekit.workflows.{name}.{name}"
        for name in ("explore", "score", "serve", "sweep", "train")
    ),
    "vaekit.runs.training_examples.fit_mixture",
    "vaekit.export.exported.load_exported",
    *("vaekit.web.guard.Guard", "vaekit.web.uvicorn_server.listen"),
}


def modules() -> list[ModuleType]:
    """Every module of the package but the one that runs the command line when it is imported."""
    found = pkgutil.walk_packages(vaekit.__path__, "vaekit.")
    return [
        vaekit,
        *(importlib.import_module(info.name) for info in found if info.name != "vaekit.__main__"),
    ]


MODULES = modules()


# --- Names ----------------------------------------------------------------------------------------------------------------


def test_the_public_names_are_these():
    assert vaekit.__all__ == sorted((*OBJECTS, *PACKAGES))
    assert dir(vaekit) == vaekit.__all__


@pytest.mark.parametrize("name", [*OBJECTS, *PACKAGES])
def test_every_name_loads_on_first_use(name: str):
    found = getattr(vaekit, name)
    assert inspect.ismodule(found) == (name in PACKAGES)
    assert callable(found) or name in PACKAGES
    namespace: dict[str, object] = {}
    exec(f"from vaekit import {name}", namespace)
    assert namespace[name] is found


def test_names_stand_for_what_they_say():
    assert vaekit.load_data is vaekit.data.load
    assert vaekit.ELBO is vaekit.objectives.ELBO
    assert vaekit.VaekitError is vaekit.errors.VaekitError
    for name in ("build", "compare", "evaluate", "plot", "resume", "serve", "train"):
        assert getattr(vaekit, name).__name__ == name and inspect.isfunction(getattr(vaekit, name))


def test_importing_modules_does_not_shadow_a_public_name():
    assert not {m.__name__.removeprefix("vaekit.") for m in MODULES} & set(OBJECTS)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"^module 'vaekit' has no attribute 'trian'$"):
        vaekit.trian  # noqa: B018  # pyright: ignore[reportAttributeAccessIssue]


def test_every_package_keeps_its_promises():
    for module in MODULES:
        names = getattr(module, "__all__", [])
        assert len(set(names)) == len(names), module.__name__
        assert [name for name in names if not hasattr(module, name)] == [], module.__name__


# --- Documentation --------------------------------------------------------------------------------------------------------


def exported() -> Iterator[tuple[str, object]]:
    """Every function and class that a package exports, and the errors, by qualified name."""
    for module in MODULES:
        for name in getattr(module, "__all__", []):
            found = getattr(module, name)
            if inspect.isclass(found) or inspect.isfunction(found):
                yield f"{found.__module__}.{found.__qualname__}", found
    for _, found in inspect.getmembers(vaekit.errors, inspect.isclass):
        yield f"{found.__module__}.{found.__qualname__}", found


EXPORTED = {name: found for name, found in exported() if name.startswith("vaekit.")}


@pytest.mark.parametrize("name", EXPORTED)
def test_what_is_exported_has_a_docstring(name: str):
    doc = EXPORTED[name].__doc__
    assert doc, name
    generated = f"{EXPORTED[name].__name__}("  # type: ignore[attr-defined] - what dataclass and NamedTuple write
    assert not doc.startswith(generated), f"{name} has only the signature that was written for it"


def methods(kind: type) -> Iterator[tuple[str, object]]:
    """Public methods and properties that a class defines and no base of ours documents."""
    for name, member in vars(kind).items():
        inherited = any(getattr(base, name, None) is not None for base in kind.__mro__[1:])
        callable_or_property = isinstance(
            member, property | classmethod | staticmethod
        ) or inspect.isfunction(member)
        if callable_or_property and not inherited and not name.startswith("_"):
            yield f"{kind.__qualname__}.{name}", member


SAY_IT_THEMSELVES = {
    "VAE.latent_shape",
    "VAE.data_shape",
    "Likelihood.per_value",
    "Estimate.of",
}  # or their class does


def test_methods_have_docstrings():
    kinds = [found for found in EXPORTED.values() if inspect.isclass(found)]
    silent = {name for kind in kinds for name, member in methods(kind) if not member.__doc__}
    assert silent <= SAY_IT_THEMSELVES, silent


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_every_module_says_what_it_is(module: ModuleType):
    assert module.__doc__ and module.__doc__[0] not in " \n"


# --- Examples -------------------------------------------------------------------------------------------------------------


def examples() -> list[doctest.DocTest]:
    finder = doctest.DocTestFinder(exclude_empty=True)
    return [
        test for module in MODULES for test in finder.find(module, module.__name__) if test.examples
    ]


EXAMPLES = examples()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_the_example_runs(example: doctest.DocTest, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said: list[str] = []
    result = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(
        example, out=said.append
    )
    assert result.failed == 0, "".join(said)


def test_no_example_is_skipped_unseen():
    skipped = {
        test.name
        for test in EXAMPLES
        if any(doctest.SKIP in example.options for example in test.examples)
    }
    assert skipped == SKIPPED
    written = sum(
        len(re.findall(r"^\s*>>> ", inspect.getsource(module), re.MULTILINE)) for module in MODULES
    )
    assert written == sum(len(test.examples) for test in EXAMPLES)
