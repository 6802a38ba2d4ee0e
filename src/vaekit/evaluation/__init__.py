"""Judging a model: figures with their standard errors, on rows that training did not see."""

from vaekit.evaluation.likelihood import BATCH, Estimate, Inputs, elbo_per_row, importance_weighted_bound

__all__ = ["BATCH", "Estimate", "Inputs", "elbo_per_row", "importance_weighted_bound"]
