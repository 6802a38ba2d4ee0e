"""Feed mutated inputs to every reader: each is read or refused, quickly and in bounded memory.

    pip install atheris
    python benchmarks/fuzz.py --reader npz --minutes 30      # one reader
    python benchmarks/fuzz.py --minutes 1                    # all of them, one after the other
    python benchmarks/fuzz.py --keep                         # keep what they have reached

Coverage of the package's own code guides the mutations (Atheris, on libFuzzer). A reader may raise
a `VaekitError` of one line; anything else counts as foreign. An input is slow from 2 s of CPU time
on and large if it raises the peak of the memory by more than 500 MB. Inputs that count are kept in
OUT/<reader>/found, those that reached new code in OUT/<reader>/corpus, from which the next call
goes on. `fuzz_corpus/` keeps the latter: every call starts from it, and the tests read it. Minutes
are of CPU time, which other work on the machine does not shorten. Prints one JSON object for each
reader; status 1 if an input was foreign, slow or large.
"""

import contextlib
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from command_line import argument_parser
from fuzz_inputs import folder_name, keep_inputs, kept_inputs
from fuzz_readers import READERS, Read

atheris: Any = import_module("atheris")  # installed for this script alone

SLOW_SECONDS = 2.0
LARGE_BYTES = 500_000_000
MAX_INPUT_BYTES = 20_000
MAX_KEPT = 100


def processor_name() -> str:
    """The name of the processor."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


@dataclass
class Counts:
    """What a reader did with its inputs."""

    reader: str
    inputs: int = 0
    accepted: int = 0
    refused: int = 0
    foreign: int = 0
    slow: int = 0
    large: int = 0
    seconds: float = 0.0
    processor: str = field(default_factory=processor_name)


# --- One reader in a process ---------------------------------------------------------------------


class Fuzzer:
    """Feeds one reader until its time is over, and counts."""

    def __init__(self, name: str, read: Read, out: Path, seconds: float):
        self.counts = Counts(name)
        self.read = read
        self.found = out / "found"
        self.found.mkdir(parents=True, exist_ok=True)
        self.start = time.process_time()
        self.seconds = seconds

    def __call__(self, content: bytes) -> None:
        """Read one input."""
        from vaekit.errors import VaekitError

        before, cpu = peak_bytes(), time.process_time()
        try:
            self.read(content)
            self.counts.accepted += 1
        except VaekitError as error:
            self.counts.refused += 1
            if "\n" in str(error) or not str(error).isprintable():
                self.keep("foreign", content, error)
        except Exception as error:
            self.keep("foreign", content, error)
        self.counts.inputs += 1
        if time.process_time() - cpu > SLOW_SECONDS:
            self.keep("slow", content, None)
        if peak_bytes() - before > LARGE_BYTES:
            self.keep("large", content, None)
        self.counts.seconds = time.process_time() - self.start
        if self.counts.seconds > self.seconds:
            self.end()

    def keep(self, kind: str, content: bytes, error: Exception | None) -> None:
        """Count an input, and keep it."""
        number = getattr(self.counts, kind) + 1
        setattr(self.counts, kind, number)
        if number <= MAX_KEPT:
            (self.found / f"{kind}-{number}").write_bytes(content)
            message = f"{type(error).__name__}: {error}" if error else kind
            (self.found / f"{kind}-{number}.txt").write_text(ascii(message))

    def end(self) -> NoReturn:
        """Print the counts and end the process: libFuzzer would not return."""
        print(json.dumps(asdict(self.counts)), flush=True)
        os._exit(0)


def peak_bytes() -> int:
    """The peak of the memory of this process."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def fuzz_here(name: str, out: Path, seconds: float) -> None:
    """Fuzz one reader in this process, which ends."""
    with atheris.instrument_imports(include=["vaekit"]):
        import vaekit
        import vaekit.workflows  # noqa: F401
    seeds, make = READERS[name]
    corpus = out / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate([*seeds(), *kept_inputs(name)]):
        (corpus / f"seed-{number}").write_bytes(seed)
    fuzzer = Fuzzer(name, make(), out, seconds)
    options = [f"-max_len={MAX_INPUT_BYTES}", "-verbosity=0", "-rss_limit_mb=0", "-timeout=600"]
    atheris.Setup([sys.argv[0], *options, str(corpus)], fuzzer)
    atheris.Fuzz()


def fuzz_all(names: Sequence[str], out: Path, minutes: float) -> bool:
    """Fuzz each reader in a process of its own, a line of JSON each; whether nothing was found."""
    is_clean = True
    in_memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    for name in names:
        command = [sys.executable, __file__, "--here", name, "--minutes", str(minutes)]
        command += ["--out", str(out)]
        with tempfile.TemporaryDirectory(prefix="vaekit-fuzz-", dir=in_memory) as folder:
            done = subprocess.run(
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env={**os.environ, "TMPDIR": folder},
            )
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        counts = json.loads(lines[-1]) if lines else {"reader": name, "status": done.returncode}
        print(json.dumps(counts), flush=True)
        is_clean &= not any(counts.get(kind, 1) for kind in ("foreign", "slow", "large"))
    return is_clean


def main() -> None:
    """Fuzz one reader, or all."""
    parser = argument_parser(__doc__)
    parser.add_argument("--reader", choices=READERS, action="append")
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--out", type=Path, default=Path("runs/fuzz"))
    parser.add_argument("--here", choices=READERS, help="within this process")
    parser.add_argument("--keep", action="store_true", help="keep the corpora, and end")
    options = parser.parse_args()
    names = options.reader or list(READERS)
    if options.keep:
        for name in names:
            keep_inputs(name, options.out / folder_name(name) / "corpus")
    elif options.here:
        fuzz_here(options.here, options.out / folder_name(options.here), 60 * options.minutes)
    else:
        sys.exit(not fuzz_all(names, options.out, options.minutes))


if __name__ == "__main__":
    main()
