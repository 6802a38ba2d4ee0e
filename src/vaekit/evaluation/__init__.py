"""Evaluation of models: metrics with standard errors on held-out examples."""

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
from vaekit.evaluation.reconstruction import ReconstructionMetrics, reconstruction_metrics
from vaekit.evaluation.results import Evaluation
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
    "AISBound",
    "AggregatePosterior",
    "Classifier",
    "ClassifierFeatures",
    "CodeMixture",
    "CodeUsage",
    "Components",
    "EncodedExamples",
    "Evaluation",
    "ExampleTerms",
    "GradientVariance",
    "Inception",
    "Metric",
    "PrecisionRecall",
    "Probes",
    "ReconstructionMetrics",
    "aggregate_posterior",
    "ais_bound",
    "atypicality_score",
    "bound_sums",
    "classify_correctly",
    "code_usage",
    "elbo_per_example",
    "elbo_sums",
    "embed",
    "encode_all",
    "exact_log_likelihood",
    "frechet_distance",
    "generated_class_accuracy",
    "gradient_variance",
    "importance_weighted_bound",
    "is_enumerable",
    "kernel_distance",
    "latent_activity",
    "load_inception",
    "nearest_distance",
    "packaged_features",
    "precision_recall",
    "prior_holes",
    "probe",
    "reconstruction_metrics",
    "train_classifier",
]
