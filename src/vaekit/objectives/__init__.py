"""Objectives: what training minimises, over a model and a batch. One family per file."""

from vaekit.objectives.elbo import ELBO
from vaekit.objectives.terms import Objective, Terms

OBJECTIVES = {"elbo": ELBO}

__all__ = ["ELBO", "OBJECTIVES", "Objective", "Terms"]
