"""Judging a model: figures with their standard errors, on rows that training did not see."""

from vaekit.evaluation.annealing import Annealed, annealed_bound
from vaekit.evaluation.classifier import Classifier, label_agreement, recognised, train_classifier
from vaekit.evaluation.distances import frechet_distance, kernel_distance
from vaekit.evaluation.exact import countable, log_likelihood
from vaekit.evaluation.features import COMPONENTS, NETWORKS, Components, Learned, embed, in_package
from vaekit.evaluation.fidelity import Fidelity, fidelity, squared_error
from vaekit.evaluation.gradients import GradientVariance, gradient_variance
from vaekit.evaluation.inception import Inception, load_inception
from vaekit.evaluation.latent import Aggregate, Codes, activity, aggregate, encode_all, holes
from vaekit.evaluation.likelihood import Estimate, PerRow, bound_sums, elbo_per_row, elbo_sums, importance_weighted_bound
from vaekit.evaluation.manifolds import Coverage, coverage, nearest
from vaekit.evaluation.mixture import CodeMixture
from vaekit.evaluation.probes import Probes, probe
from vaekit.evaluation.typicality import untypical
from vaekit.evaluation.usage import Usage, code_usage

__all__ = [
    "COMPONENTS",
    "NETWORKS",
    "Aggregate",
    "Annealed",
    "Classifier",
    "CodeMixture",
    "Codes",
    "Components",
    "Coverage",
    "Estimate",
    "Fidelity",
    "GradientVariance",
    "Inception",
    "Learned",
    "PerRow",
    "Probes",
    "Usage",
    "activity",
    "aggregate",
    "annealed_bound",
    "bound_sums",
    "code_usage",
    "countable",
    "coverage",
    "elbo_per_row",
    "elbo_sums",
    "embed",
    "encode_all",
    "fidelity",
    "frechet_distance",
    "gradient_variance",
    "holes",
    "importance_weighted_bound",
    "in_package",
    "kernel_distance",
    "label_agreement",
    "load_inception",
    "log_likelihood",
    "nearest",
    "probe",
    "recognised",
    "squared_error",
    "train_classifier",
    "untypical",
]
