"""The verbs: every public name is a function, whatever has been imported."""

import importlib
import inspect
import pkgutil

import numpy as np
import pytest

import vaekit
from conftest import small_images, train_small
from raising import raises
from vaekit import workflows
from vaekit.errors import ConfigError

MODULES = [module.name for module in pkgutil.iter_modules(workflows.__path__)]


def test_every_public_name_is_a_function_after_all_submodules_are_imported():
    for name in MODULES:
        importlib.import_module(f"vaekit.workflows.{name}")
    assert {"evaluate", "compare", "train"} <= set(MODULES)
    for name in workflows.__all__:
        verb = getattr(workflows, name)
        assert inspect.isfunction(verb), name
        assert verb.__module__.startswith("vaekit.workflows.")


def test_verbs_of_the_package_are_those_of_the_workflows():
    shared = set(workflows.__all__) & set(vaekit.__all__)
    assert {"train", "resume", "evaluate", "compare", "plot"} <= shared
    assert all(getattr(vaekit, name) is getattr(workflows, name) for name in shared)


def test_plots_that_need_no_data_are_drawn_without_them(tmp_path):
    np.savez(tmp_path / "bars.npz", x=small_images().train.x)
    run = train_small(tmp_path / "run", str(tmp_path / "bars.npz"))
    (tmp_path / "bars.npz").unlink()
    assert len(vaekit.plot(run, ["curves", "samples", "grid"], out=tmp_path / "plots")) == 3


@pytest.mark.parametrize(
    ("names", "options", "parameter"),
    [
        ("latents", {}, "names"),
        ("usage", {}, "names"),
        (["curves", "latent"], {"out": "a.png"}, "out"),
        ("curves", {"out": "a.gif"}, "out"),
        ("curves", {"format": "jpg"}, "format"),
        ("curves", {"out": "a.png", "format": "svg"}, "format"),
        ("curves", {"label": "a"}, "label"),
        ("curves", {"colour": "red"}, "colour"),
        ("latent", {"data": small_images().train.x}, "out"),
    ],
    ids=str,
)
def test_invalid_options_of_plots_are_refused(small_run, tmp_path, names, options, parameter):
    if "out" in options:
        options = {**options, "out": tmp_path / options["out"]}
    with raises(ConfigError, parameter):
        vaekit.plot(small_run, names, **options)
    assert list(tmp_path.iterdir()) == []
