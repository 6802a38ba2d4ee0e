"""Judging a model: figures with their standard errors, on rows that training did not see."""

from vaekit.evaluation.ais import AISBound, ais_bound
from vaekit.evaluation.classifier import (
    Classifier,
    classify_correctly,
    generated_class_accuracy,
    train_classifier,
)
from vaekit.evaluation.code_usage import CodeUsage, code_usage
from vaekit.evaluation.distances import frechet_distance, kernel_distance
from vaekit.evaluation.exact import exact_log_likelihood, is_enumerable
from vaekit.evaluation.features import (
    COMPONENTS,
    NETWORKS,
    ClassifierFeatures,
    Components,
    embed,
    packaged_features,
)
from vaekit.evaluation.gradient_variance import GradientVariance, gradient_variance
from vaekit.evaluation.inception import Inception, load_inception
from vaekit.evaluation.latent import (
    AggregatePosterior,
    EncodedExamples,
    aggregate_posterior,
    encode_all,
    latent_activity,
    prior_holes,
)
from vaekit.evaluation.metric import Metric
from vaekit.evaluation.precision_recall import PrecisionRecall, nearest_distance, precision_recall
from vaekit.evaluation.probes import Probes, probe
from vaekit.evaluation.reconstruction import (
    ReconstructionMetrics,
    reconstruction_metrics,
)
from vaekit.inference.atypicality import atypicality_score
from vaekit.inference.bounds import (
    ExampleTerms,
    bound_sums,
    elbo_per_example,
    elbo_sums,
    importance_weighted_bound,
)
from vaekit.inference.mixture import CodeMixture

__all__ = [
    "COMPONENTS",
    "NETWORKS",
    "AggregatePosterior",
    "AISBound",
    "Classifier",
    "CodeMixture",
    "EncodedExamples",
    "Components",
    "PrecisionRecall",
    "Metric",
    "ReconstructionMetrics",
    "GradientVariance",
    "Inception",
    "ClassifierFeatures",
    "ExampleTerms",
    "Probes",
    "CodeUsage",
    "latent_activity",
    "aggregate_posterior",
    "ais_bound",
    "bound_sums",
    "code_usage",
    "is_enumerable",
    "precision_recall",
    "elbo_per_example",
    "elbo_sums",
    "embed",
    "encode_all",
    "reconstruction_metrics",
    "frechet_distance",
    "gradient_variance",
    "prior_holes",
    "importance_weighted_bound",
    "packaged_features",
    "kernel_distance",
    "generated_class_accuracy",
    "load_inception",
    "exact_log_likelihood",
    "nearest_distance",
    "probe",
    "classify_correctly",
    "train_classifier",
    "atypicality_score",
]
