"""Finding the class that was not trained on: AUROC of `vaekit score`, of an isolation forest and of a one-class SVM.

    VAEKIT_DATA=folder python benchmarks/anomalies.py --data mnist fashion-mnist

Each class in turn is left out of the training rows, and is the anomaly among the test rows; the mean over the ten is what
counts. vaekit trains one model and scores all test rows, by every score there is. The others are scikit-learn's, with its
defaults, on the principal components that keep 90 % of the variance; the SVM, whose time grows with the square of the rows, on
5,000 of them. Takes about an hour a data set on two cores.
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
from rich.console import Console
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.svm import OneClassSVM

import vaekit
from vaekit.data import Examples
from vaekit.workflows.score import SCORES, score

SVM_ROWS = 5000


def by_vaekit(
    folder: Path, recipe: str, overrides: dict, train: Examples, test: Examples
) -> dict[str, np.ndarray]:
    np.save(folder / "rows.npy", train.x)
    run = vaekit.train(
        recipe,
        data=str(folder / "rows.npy"),
        out=folder / "run",
        force=True,
        console=Console(quiet=True),
        **overrides,
    )
    return {f"vaekit, {by}": score(run, Examples(test.x), by) for by in SCORES}


def by_scikit_learn(train: Examples, test: Examples) -> dict[str, np.ndarray]:
    x, others = (rows.x.reshape(len(rows), -1) / 255 for rows in (train, test))
    few = np.random.default_rng(0).permutation(len(x))[:SVM_ROWS]
    forest = make_pipeline(PCA(0.9, random_state=0), IsolationForest(random_state=0)).fit(x)
    svm = make_pipeline(PCA(0.9, random_state=0), OneClassSVM()).fit(x[few])
    return {
        "isolation forest": -forest.score_samples(others),
        "one-class SVM": -svm.score_samples(others),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", nargs="+", default=["mnist", "fashion-mnist"])
    parser.add_argument("--classes", type=int, nargs="+", default=list(range(10)))
    parser.add_argument("--recipe", default="conv")
    parser.add_argument(
        "--set",
        dest="overrides",
        type=json.loads,
        default={"latent_dim": 16},
        help="of the recipe, as JSON",
    )
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    found: dict[str, dict[str, list[float]]] = {}
    for name in options.data:
        data, areas = vaekit.load_data(name), found.setdefault(name, {})
        assert data.test is not None and data.train.y is not None and data.test.y is not None
        for left_out in options.classes:
            train = data.train.select(np.flatnonzero(data.train.y != left_out))
            with tempfile.TemporaryDirectory() as folder:
                scores = by_vaekit(
                    Path(folder), options.recipe, options.overrides, train, data.test
                )
            for by, values in (scores | by_scikit_learn(train, data.test)).items():
                areas.setdefault(by, []).append(
                    float(roc_auc_score(data.test.y == left_out, values))
                )
            print(
                name, left_out, {by: round(area[-1], 3) for by, area in areas.items()}, flush=True
            )
        for by, area in sorted(areas.items(), key=lambda item: -np.mean(item[1])):
            print(
                f"{name}: {by}: mean {np.mean(area):.3f} ({min(area):.3f} to {max(area):.3f})",
                flush=True,
            )
    if options.out:
        options.out.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
