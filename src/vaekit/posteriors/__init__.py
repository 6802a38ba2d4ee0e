"""Posteriors: features -> q(z given x). One family per file."""

from vaekit.posteriors.base import Posterior
from vaekit.posteriors.categorical import Categorical
from vaekit.posteriors.deterministic import Deterministic
from vaekit.posteriors.diagonal_normal import DiagonalNormal
from vaekit.posteriors.finite_scalar import FiniteScalar
from vaekit.posteriors.vector_quantised import VectorQuantised

POSTERIORS = {
    "diagonal-normal": DiagonalNormal,
    "deterministic": Deterministic,
    "categorical": Categorical,
    "vector-quantised": VectorQuantised,
    "finite-scalar": FiniteScalar,
}

__all__ = ["POSTERIORS", "Categorical", "Deterministic", "DiagonalNormal", "FiniteScalar", "Posterior", "VectorQuantised"]
