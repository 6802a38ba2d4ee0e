"""vaekit: variational autoencoders you can trust, on your own data.

Names are loaded on first use: importing vaekit is quick, and torch comes with the first model.

>>> import vaekit
>>> run = vaekit.load_run("runs/conv")
>>> run.sample(3).shape
(3, 1, 8, 8)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_OBJECTS = {
    "Dataset": "vaekit.data",
    "ELBO": "vaekit.objectives",
    "Examples": "vaekit.data",
    "Run": "vaekit.runs",
    "VAE": "vaekit.core.vae",
    "VaekitError": "vaekit.errors",
    "build": "vaekit.workflows",
    "compare": "vaekit.workflows",
    "evaluate": "vaekit.workflows",
    "explore": "vaekit.workflows",
    "export_hub": "vaekit.workflows",
    "export_onnx": "vaekit.workflows",
    "export_page": "vaekit.workflows",
    "fit_mixture": "vaekit.workflows",
    "load_data": "vaekit.data:load",
    "load_exported": "vaekit.export",
    "load_run": "vaekit.runs",
    "plan_training": "vaekit.workflows",
    "plot": "vaekit.workflows",
    "pull": "vaekit.workflows",
    "push": "vaekit.workflows",
    "resume": "vaekit.workflows",
    "serve": "vaekit.workflows",
    "sweep": "vaekit.workflows",
    "train": "vaekit.workflows",
}
"""Public functions and classes by name: their module, and their name in it if it is another."""

_PACKAGES = ("data", "errors", "likelihoods", "nets", "objectives", "plots", "posteriors", "priors")

__all__ = sorted([*_OBJECTS, *_PACKAGES])

if TYPE_CHECKING:
    from vaekit import data, errors, likelihoods, nets, objectives, plots, posteriors, priors
    from vaekit.core.vae import VAE
    from vaekit.data import Dataset, Examples
    from vaekit.data import load as load_data
    from vaekit.errors import VaekitError
    from vaekit.export import load_exported
    from vaekit.objectives import ELBO
    from vaekit.runs import Run, load_run
    from vaekit.workflows import (
        build,
        compare,
        evaluate,
        explore,
        export_hub,
        export_onnx,
        export_page,
        fit_mixture,
        plan_training,
        plot,
        pull,
        push,
        resume,
        serve,
        sweep,
        train,
    )


def __getattr__(name: str) -> Any:
    """Load a public name on first use (PEP 562)."""
    if name in _PACKAGES:
        return import_module(f"vaekit.{name}")
    if name in _OBJECTS:
        module, _, attribute = _OBJECTS[name].partition(":")
        return getattr(import_module(module), attribute or name)
    raise AttributeError(f"module 'vaekit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
