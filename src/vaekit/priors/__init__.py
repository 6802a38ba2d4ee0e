"""Priors: a condition, or nothing -> p(z). One family per file.

Each is built for what the posterior's z is: a shape, or `Codes` where z is discrete.
"""

from vaekit.priors.autoregressive import Autoregressive
from vaekit.priors.class_normal import ClassNormal
from vaekit.priors.standard_normal import StandardNormal
from vaekit.priors.uniform import Uniform

PRIORS = {
    "standard-normal": StandardNormal,
    "class-normal": ClassNormal,
    "uniform": Uniform,
    "autoregressive": Autoregressive,
}

__all__ = ["PRIORS", "Autoregressive", "ClassNormal", "StandardNormal", "Uniform"]
