"""Priors: they compute p(z), or p(z|class) of a conditional model. One prior per file."""

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
