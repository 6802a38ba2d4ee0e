"""Judging a model: figures with their standard errors, on rows that training did not see."""

from vaekit.evaluation.likelihood import Estimate, decode_means, draw_values, elbo_per_row, importance_weighted_bound

__all__ = ["Estimate", "decode_means", "draw_values", "elbo_per_row", "importance_weighted_bound"]
