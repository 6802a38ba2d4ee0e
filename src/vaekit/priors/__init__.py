"""Priors: p(z). One family per file."""

from vaekit.priors.standard_normal import StandardNormal

PRIORS = {"standard-normal": StandardNormal}

__all__ = ["PRIORS", "StandardNormal"]
