"""The catalogue of metrics: title, unit, digits, direction and meaning, each written once.

Tables of the command line, the report and the model card read it.
"""

from dataclasses import dataclass
from typing import Literal

Direction = Literal["lower", "higher", "neither"]


@dataclass(frozen=True)
class MetricInfo:
    """What a metric is.

    Attributes:
        title: Its name in tables.
        unit: Its unit; empty if it has none.
        digits: Decimals to show.
        better: Whether lower or higher values are better.
        meaning: One or two sentences.
    """

    title: str
    unit: str
    digits: int
    better: Direction
    meaning: str

    @property
    def heading(self) -> str:
        """The title with the unit."""
        return f"{self.title}, {self.unit}" if self.unit else self.title

    @property
    def explanation(self) -> str:
        """The meaning with the direction."""
        if self.better == "neither":
            return self.meaning
        return f"{self.meaning} {self.better.capitalize()} is better."


NATS = "nats per example"

LIKELIHOOD = {
    "loss": MetricInfo(
        "Loss (negative ELBO)",
        NATS,
        2,
        "lower",
        "An upper bound of -log p(x): reconstruction plus divergence.",
    ),
    "reconstruction": MetricInfo(
        "Reconstruction",
        NATS,
        2,
        "lower",
        "-E[log p(x|z)], the information about an example that its latent code leaves open.",
    ),
    "divergence": MetricInfo(
        "Divergence",
        NATS,
        2,
        "neither",
        "KL(q(z|x) || p(z)), the cost of the latent code. Near 0, codes carry no information.",
    ),
    "importance_weighted_bound": MetricInfo(
        "Importance-weighted bound",
        NATS,
        2,
        "higher",
        "A lower bound of log p(x) from K samples of z per example, closer than the ELBO. "
        "It rises with K.",
    ),
    "ais_bound": MetricInfo(
        "Annealed importance sampling bound",
        NATS,
        2,
        "higher",
        "A lower bound of log p(x) that stays close where the posterior is poor. Far above the "
        "importance-weighted bound, it shows that the encoder is what to improve.",
    ),
    "exact_log_likelihood": MetricInfo(
        "log p(x)",
        NATS,
        2,
        "higher",
        "Exact: the sum over all values of z. The bounds estimate it from below.",
    ),
    "bits_per_dimension": MetricInfo(
        "Bits per dimension, at most",
        "",
        4,
        "lower",
        "The bound in bits per pixel or column, which compares data of different sizes.",
    ),
}

LATENT = {
    "active_dimensions": MetricInfo(
        "Active dimensions",
        "",
        0,
        "neither",
        "Latent dimensions whose posterior mean varies over examples (variance above 0.01). "
        "The others carry no information.",
    ),
    "mutual_information": MetricInfo(
        "Mutual information I(x; z)",
        "nats",
        2,
        "neither",
        "Information that a latent code carries about its example. Near 0, the decoder ignores z.",
    ),
    "marginal_kl": MetricInfo(
        "KL(q(z) || p(z)), aggregate posterior to prior",
        "nats",
        2,
        "lower",
        "How far the codes of all examples together are from the prior, which samples start from.",
    ),
    "prior_holes": MetricInfo(
        "Prior holes",
        "% of prior samples",
        1,
        "lower",
        "Prior samples far from every code, where the decoder has not been trained. "
        "1 % if codes fill the prior.",
    ),
    "probes": MetricInfo(
        "Classes predicted from codes",
        "% accuracy",
        1,
        "higher",
        "Test accuracy of a linear classifier on codes, and of the five nearest training codes.",
    ),
}

RECONSTRUCTION = {
    "mse": MetricInfo(
        "Mean squared error",
        "per value",
        5,
        "lower",
        "Between an example and its reconstruction.",
    ),
    "psnr": MetricInfo(
        "PSNR",
        "decibels",
        2,
        "higher",
        "Ratio of the range of values to the squared error; 3 decibels halve the error.",
    ),
    "ssim": MetricInfo(
        "SSIM",
        "",
        4,
        "higher",
        "Structural similarity of 11 x 11 windows (Wang et al., 2004); 1 for equal images.",
    ),
}

SAMPLES = {
    "frechet": MetricInfo(
        "Fréchet distance",
        "",
        3,
        "lower",
        "Distance between samples and test examples, both taken as normal distributions of "
        "features. The real-data baseline shows how low it can be.",
    ),
    "kernel": MetricInfo(
        "Kernel distance",
        "",
        4,
        "lower",
        "Squared maximum mean discrepancy of features; 0 for equal distributions.",
    ),
    "precision": MetricInfo(
        "Precision", "", 3, "higher", "Fraction of samples among real examples: how many look real."
    ),
    "recall": MetricInfo(
        "Recall",
        "",
        3,
        "higher",
        "Fraction of real examples among samples: how much of the data they reach.",
    ),
    "density": MetricInfo(
        "Density",
        "",
        3,
        "neither",
        "Real examples close to a sample; above 1, samples crowd where examples are most typical.",
    ),
    "coverage": MetricInfo(
        "Coverage", "", 3, "higher", "Fraction of real examples with a sample close to them."
    ),
    "nearest_training_distance": MetricInfo(
        "Distance to the closest training example",
        "",
        2,
        "neither",
        "Samples far closer to training examples than real examples are would be copies.",
    ),
}

CATALOGUE = LIKELIHOOD | LATENT | RECONSTRUCTION | SAMPLES
SAMPLE_SOURCES = {
    "prior": "prior",
    "mixture": "mixture over codes",
    "real_data_baseline": "real-data baseline",
}
"""Names of the sets of examples that metrics of samples compare."""
