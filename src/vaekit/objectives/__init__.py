"""Objectives: functions of a model and a batch that training minimizes. One family per file."""

from vaekit.objectives.ablations import DivergenceOnly, ReconstructionOnly
from vaekit.objectives.elbo import ELBO
from vaekit.objectives.importance_weighted import ImportanceWeighted
from vaekit.objectives.terms import Objective, Terms

OBJECTIVES = {
    "elbo": ELBO,
    "importance-weighted": ImportanceWeighted,
    "reconstruction-only": ReconstructionOnly,
    "divergence-only": DivergenceOnly,
}

__all__ = [
    "ELBO",
    "OBJECTIVES",
    "DivergenceOnly",
    "ImportanceWeighted",
    "Objective",
    "ReconstructionOnly",
    "Terms",
]
