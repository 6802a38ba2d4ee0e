"""vaekit: variational autoencoders you can trust, on your own data.

>>> import vaekit
>>> run = vaekit.train("conv", data="mnist", latent_dim=2)  # doctest: +SKIP
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_PUBLIC = {
    "ELBO": "vaekit.objectives",
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
    "plot": "vaekit.workflows",
    "pull": "vaekit.workflows",
    "push": "vaekit.workflows",
    "resume": "vaekit.workflows",
    "serve": "vaekit.workflows",
    "train": "vaekit.workflows",
}
_PACKAGES = ("data", "errors", "likelihoods", "nets", "objectives", "plots", "posteriors", "priors")

__all__ = sorted([*_PUBLIC, *_PACKAGES])

if TYPE_CHECKING:
    from vaekit import data, errors, likelihoods, nets, objectives, plots, posteriors, priors
    from vaekit.core.vae import VAE
    from vaekit.data import load as load_data
    from vaekit.errors import VaekitError
    from vaekit.export import load_exported
    from vaekit.objectives import ELBO
    from vaekit.runs import load_run
    from vaekit.workflows import (
        build,
        compare,
        evaluate,
        explore,
        export_hub,
        export_onnx,
        export_page,
        fit_mixture,
        plot,
        pull,
        push,
        resume,
        serve,
        train,
    )


def __getattr__(name: str) -> Any:
    """Load a public name on first use (PEP 562): importing vaekit costs nothing, torch comes with the first model."""
    if name in _PACKAGES:
        return import_module(f"vaekit.{name}")
    if name in _PUBLIC:
        module, _, attribute = _PUBLIC[name].partition(":")
        return getattr(import_module(module), attribute or name)
    raise AttributeError(f"module 'vaekit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
