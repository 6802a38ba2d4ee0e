"""Posteriors: features -> q(z given x). One family per file.

Each says what its z is, in `latent`: a shape, or `Codes` where z is discrete; `prior` names the prior that suits it.
"""

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

__all__ = ["POSTERIORS", "Categorical", "Deterministic", "DiagonalNormal", "FiniteScalar", "VectorQuantised"]
