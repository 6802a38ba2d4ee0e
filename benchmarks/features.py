"""Train the classifiers whose features samples are compared by, and write the package's weights.

    python benchmarks/features.py mnist fashion-mnist --out src/vaekit/evaluation/weights

Each is the classifier of vaekit/evaluation/classifier.py, trained on all training images and saved
as float16. Prints the accuracy of the saved weights on the test images, and the SHA-256 of the
file, which vaekit/evaluation/features.py verifies. On another machine the rounding differs, and
with it the checksum.
"""

import hashlib
from pathlib import Path

from safetensors.torch import save_file

from command_line import argument_parser
from vaekit.data import Support, load
from vaekit.evaluation import Classifier, classify_correctly, train_classifier
from vaekit.inputs import ModelInputs


def main() -> None:
    """Train a classifier per dataset."""
    parser = argument_parser(__doc__)
    parser.add_argument("names", nargs="+", choices=["mnist", "fashion-mnist"])
    parser.add_argument("--out", type=Path, default=Path("src/vaekit/evaluation/weights"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    to_unit = Support("integers", 256).transform(("unit",))
    for name in options.names:
        dataset = load(name)
        assert dataset.test is not None
        train = ModelInputs(dataset.train.x, to_unit, y=dataset.train.y)
        test = ModelInputs(dataset.test.x, to_unit, y=dataset.test.y)
        trained = train_classifier(train, len(dataset.classes))
        weights = {key: value.half().contiguous() for key, value in trained.state_dict().items()}
        path = options.out / f"{name}.safetensors"
        save_file(weights, path)

        classifier = Classifier(dataset.shape, len(dataset.classes)).eval()
        classifier.load_state_dict(weights)
        is_correct, _ = classify_correctly(classifier, test)
        accuracy = is_correct.double().mean()
        checksum = hashlib.sha256(path.read_bytes()).hexdigest()
        print(
            f"{name}: accuracy {accuracy:.2%} on the test images, "
            f"{path.stat().st_size:,} bytes, sha256 {checksum}",
            flush=True,
        )


if __name__ == "__main__":
    main()
