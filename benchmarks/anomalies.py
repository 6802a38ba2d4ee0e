"""Area under the ROC curve of anomaly scores, by vaekit, an isolation forest and a one-class SVM.

    VAEKIT_DATA=folder python benchmarks/anomalies.py --data mnist fashion-mnist

Each class in turn is left out of the training examples and is the anomaly among the test examples;
the result is the mean over the ten. vaekit trains one model and computes every score of the test
examples. The others are scikit-learn's, with its defaults, on the principal components that keep
90 % of the variance; the SVM, whose time grows with the square of the number of examples, on 5,000
of them. Takes about an hour per dataset on two cores.
"""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.svm import OneClassSVM

import vaekit
from command_line import argument_parser
from vaekit.inference.scoring import SCORES

MAX_SVM_EXAMPLES = 5000
KEPT_VARIANCE = 0.9

Scores = dict[str, np.ndarray]
"""By method: a score per test example, higher = more anomalous."""


def scores_by_vaekit(
    recipe: str, overrides: Mapping[str, Any], train: np.ndarray, test: np.ndarray
) -> Scores:
    """Train a recipe, and compute every score."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "training.npy")
        np.save(data, train)
        run = vaekit.train(
            recipe,
            data=str(data),
            out=Path(folder, "run"),
            console=Console(quiet=True),
            **overrides,
        )
        return {f"vaekit, {metric}": run.score(test, metric=metric) for metric in SCORES}


def scores_by_scikit_learn(train: np.ndarray, test: np.ndarray) -> Scores:
    """Fit both methods on principal components."""
    x = train.reshape(len(train), -1) / 255
    test_x = test.reshape(len(test), -1) / 255
    subset = np.random.default_rng(0).permutation(len(x))[:MAX_SVM_EXAMPLES]
    forest = make_pipeline(PCA(KEPT_VARIANCE, random_state=0), IsolationForest(random_state=0))
    svm = make_pipeline(PCA(KEPT_VARIANCE, random_state=0), OneClassSVM())
    return {
        "isolation forest": -forest.fit(x).score_samples(test_x),
        "one-class SVM": -svm.fit(x[subset]).score_samples(test_x),
    }


def print_means(name: str, areas: Mapping[str, list[float]]) -> None:
    """Print the mean, lowest and highest area of each method, the best method first."""
    for method, values in sorted(areas.items(), key=lambda item: -np.mean(item[1])):
        print(
            f"{name}: {method}: mean {np.mean(values):.3f} "
            f"({min(values):.3f} to {max(values):.3f})",
            flush=True,
        )


def main() -> None:
    """Leave each class out in turn."""
    parser = argument_parser(__doc__)
    parser.add_argument("--data", nargs="+", default=["mnist", "fashion-mnist"])
    parser.add_argument("--classes", type=int, nargs="+", default=list(range(10)))
    parser.add_argument("--recipe", default="conv")
    parser.add_argument(
        "--set",
        dest="overrides",
        type=json.loads,
        default={"latent_dim": 16},
        help="keys of the configuration, as JSON",
    )
    parser.add_argument("--out", type=Path, help="a file for all results, as JSON")
    options = parser.parse_args()
    results: dict[str, dict[str, list[float]]] = {}
    for name in options.data:
        dataset = vaekit.load_data(name)
        assert dataset.test is not None
        assert dataset.train.y is not None
        areas = results.setdefault(name, {})
        for left_out in options.classes:
            train = dataset.train.x[dataset.train.y != left_out]
            test = dataset.test.x
            scores = scores_by_vaekit(options.recipe, options.overrides, train, test)
            scores |= scores_by_scikit_learn(train, test)
            is_anomaly = dataset.test.y == left_out
            for method, values in scores.items():
                areas.setdefault(method, []).append(float(roc_auc_score(is_anomaly, values)))
            latest = {method: round(values[-1], 3) for method, values in areas.items()}
            print(name, left_out, latest, flush=True)
        print_means(name, areas)
    if options.out:
        options.out.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
