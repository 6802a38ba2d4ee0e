"""Examples per second of training from shards of PNG files, and in memory.

    python benchmarks/shards.py

Writes MNIST's 60,000 training images as twelve shards into a temporary folder (as `webdataset`
does: one PNG and one class per example), then trains the recipe `mlp` on 55,000 of them, with one
worker and with two, and on as many examples in memory, in turn; two epochs each, of which the
second is measured. Such small images are the hardest case: most of what is read per byte is the
archive's own bookkeeping. Takes about three minutes on two cores.
"""

import io
import statistics
import subprocess
import tarfile
import tempfile
from pathlib import Path

from PIL import Image

import vaekit
from command_line import argument_parser, last_epoch, vaekit_command

SHARDS = 12
TRAINING_EXAMPLES = 55_000
TRAINING_EXAMPLES_IN_MEMORY = 54_000
"""The most that the validation split leaves."""


def add_file(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    """Add a file to an archive."""
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def png(image: Image.Image) -> bytes:
    """An image as PNG."""
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def write_shards(folder: Path) -> None:
    """Write the training images of MNIST."""
    examples = vaekit.load_data("mnist").train
    assert examples.y is not None
    shard_examples = len(examples) // SHARDS
    for shard in range(SHARDS):
        with tarfile.open(folder / f"mnist-{shard:02d}.tar", "w") as tar:
            for index in range(shard * shard_examples, (shard + 1) * shard_examples):
                add_file(tar, f"{index:06d}.png", png(Image.fromarray(examples.x[index, 0])))
                add_file(tar, f"{index:06d}.cls", str(examples.y[index]).encode())


def training_rate(*options: str) -> float:
    """Examples per second of the second epoch."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "run")
        command = vaekit_command("train", "mlp", "--epochs", 2, *options, "--out", out)
        subprocess.run(command, check=True, capture_output=True)
        return last_epoch(out)["samples_per_second"]


def main() -> None:
    """Compare the rates."""
    parser = argument_parser(__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write_shards(Path(folder))
        shards = f"{folder}/mnist-{{00..{SHARDS - 1}}}.tar"
        streamed = ["--data", shards, f"--train-size={TRAINING_EXAMPLES}"]
        trainings = {
            "in memory": [f"--train-size={TRAINING_EXAMPLES_IN_MEMORY}"],
            "one worker": [*streamed, "--set=data.num_workers=1"],
            "two workers": [*streamed, "--set=data.num_workers=2"],
        }
        rates: dict[str, list[float]] = {name: [] for name in trainings}
        for _ in range(options.repeats):
            for name, arguments in trainings.items():
                rates[name].append(training_rate(*arguments))
    for name, measured in rates.items():
        print(
            f"{name}: {statistics.median(measured):,.0f} examples/s "
            f"({min(measured):,.0f} to {max(measured):,.0f})"
        )


if __name__ == "__main__":
    main()
