"""Judging a model: figures with their standard errors, on rows that training did not see."""

from vaekit.evaluation.annealing import Annealed, annealed_bound
from vaekit.evaluation.classifier import Classifier, label_agreement, recognised, train_classifier
from vaekit.evaluation.gradients import GradientVariance, gradient_variance
from vaekit.evaluation.likelihood import Estimate, PerRow, elbo_per_row, elbo_sums, importance_weighted_bound
from vaekit.evaluation.usage import Usage, code_usage

__all__ = [
    "Annealed",
    "Classifier",
    "Estimate",
    "GradientVariance",
    "PerRow",
    "Usage",
    "annealed_bound",
    "code_usage",
    "elbo_per_row",
    "elbo_sums",
    "gradient_variance",
    "importance_weighted_bound",
    "label_agreement",
    "recognised",
    "train_classifier",
]
