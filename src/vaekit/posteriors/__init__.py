"""Posteriors: features to q(z|x). One family per file."""

from vaekit.posteriors.base import Posterior
from vaekit.posteriors.categorical import Categorical
from vaekit.posteriors.deterministic import Deterministic
from vaekit.posteriors.diagonal_normal import DiagonalNormal
from vaekit.posteriors.finite_scalar import FiniteScalar
from vaekit.posteriors.vector_quantized import VectorQuantized

POSTERIORS = {
    "diagonal-normal": DiagonalNormal,
    "deterministic": Deterministic,
    "categorical": Categorical,
    "vector-quantized": VectorQuantized,
    "finite-scalar": FiniteScalar,
}

__all__ = [
    "POSTERIORS",
    "Categorical",
    "Deterministic",
    "DiagonalNormal",
    "FiniteScalar",
    "Posterior",
    "VectorQuantized",
]
