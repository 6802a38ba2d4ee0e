"""Posteriors: features -> q(z given x). One family per file."""

from vaekit.posteriors.diagonal_normal import DiagonalNormal

POSTERIORS = {"diagonal-normal": DiagonalNormal}

__all__ = ["POSTERIORS", "DiagonalNormal"]
