"""Priors: nothing, or a condition, to p(z). One family per file."""

from vaekit.priors.autoregressive import Autoregressive
from vaekit.priors.base import Prior
from vaekit.priors.class_normal import ClassNormal
from vaekit.priors.standard_normal import StandardNormal
from vaekit.priors.uniform import Uniform

PRIORS = {
    "standard-normal": StandardNormal,
    "class-normal": ClassNormal,
    "uniform": Uniform,
    "autoregressive": Autoregressive,
}

__all__ = ["PRIORS", "Autoregressive", "ClassNormal", "Prior", "StandardNormal", "Uniform"]
