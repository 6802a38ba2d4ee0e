"""Train the networks whose features samples are judged in, and write them where the package keeps them.

    python benchmarks/features.py mnist fashion-mnist --out src/vaekit/evaluation/weights

Each is the classifier of vaekit/evaluation/classifier.py, trained on all training images and kept in float16. Printed are its
accuracy on the test images, with the weights as they are kept, and the SHA-256 of the file, which features.py checks. On
another machine the rounding differs, and so does the hash.
"""

import argparse
import hashlib
from pathlib import Path

from safetensors.torch import save_file

from vaekit.data import Support, load
from vaekit.evaluation import Classifier, classify_correctly, train_classifier
from vaekit.inputs import ModelInputs


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="+", choices=["mnist", "fashion-mnist"])
    parser.add_argument("--out", type=Path, default=Path("src/vaekit/evaluation/weights"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.names:
        data, gray = load(name), Support("integers", 256).transform(("unit",))
        assert data.test is not None
        trained = train_classifier(
            ModelInputs(data.train.x, gray, y=data.train.y), len(data.classes)
        )
        kept = {key: value.half().contiguous() for key, value in trained.state_dict().items()}
        path = options.out / f"{name}.safetensors"
        save_file(kept, path)
        classifier = Classifier(data.shape, len(data.classes)).eval()
        classifier.load_state_dict(kept)
        found, _ = classify_correctly(classifier, ModelInputs(data.test.x, gray, y=data.test.y))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        accuracy, size = found.double().mean(), path.stat().st_size
        print(
            f"{name}: {accuracy:.2%} of the test images, {size:,} bytes, sha256 {digest}",
            flush=True,
        )


if __name__ == "__main__":
    main()
