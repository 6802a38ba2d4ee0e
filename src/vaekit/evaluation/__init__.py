"""Judging a model: figures with their standard errors, on rows that training did not see."""

from vaekit.evaluation.annealing import Annealed, annealed_bound
from vaekit.evaluation.classifier import Classifier, label_agreement, recognised, train_classifier
from vaekit.evaluation.exact import countable, log_likelihood
from vaekit.evaluation.gradients import GradientVariance, gradient_variance
from vaekit.evaluation.latent import Aggregate, Codes, activity, aggregate, encode_all, holes
from vaekit.evaluation.likelihood import Estimate, PerRow, elbo_per_row, elbo_sums, importance_weighted_bound
from vaekit.evaluation.probes import Probes, probe
from vaekit.evaluation.typicality import untypical
from vaekit.evaluation.usage import Usage, code_usage

__all__ = [
    "Aggregate",
    "Annealed",
    "Classifier",
    "Codes",
    "Estimate",
    "GradientVariance",
    "PerRow",
    "Probes",
    "Usage",
    "activity",
    "aggregate",
    "annealed_bound",
    "code_usage",
    "countable",
    "elbo_per_row",
    "elbo_sums",
    "encode_all",
    "gradient_variance",
    "holes",
    "importance_weighted_bound",
    "label_agreement",
    "log_likelihood",
    "probe",
    "recognised",
    "train_classifier",
    "untypical",
]
