"""Kill commands, fill their disk and start them together: nothing is lost or mixed.

    python benchmarks/crash.py kills --count 100     # 100 kills (kill -9), about 40 minutes
    python benchmarks/crash.py disk --count 20       # a full disk at 20 places, about 10 minutes
    python benchmarks/crash.py writers --count 50    # 4 processes on one folder, about 12 minutes

`kills` ends train (of one and of two stages), evaluate with a report, export, sweep and pull at
random moments, repeats or resumes them, and compares the result with that of an uninterrupted
command: weights and checkpoints bit by bit, history and summary except times and run ids, other
files byte by byte. `disk` lets the n-th write of a training fail as on a full disk, or trains in a
small file system of its own (as root), and resumes. `writers` starts four trainings on one folder
at a time: one goes on, the others end with status 2 and one line. Times are for two cores.
"""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import vaekit
from command_line import argument_parser, vaekit_command
from crash_cases import DATA, ONE_STAGE, Case, cases, complete, fresh, leftovers, training

WRITERS = 4

FAILING_WRITES = """
import io, os, sys
import vaekit.files.atomic as atomic

place = int(sys.argv.pop(1))
writes = 0

class FullDisk(io.FileIO):
    def write(self, content):
        global writes
        writes += 1
        if writes >= place:
            super().write(bytes(content)[: len(content) // 2])
            raise OSError(28, os.strerror(28))
        return super().write(content)

fdopen = os.fdopen
atomic.os.fdopen = lambda descriptor, mode, *rest: (
    io.BufferedWriter(FullDisk(descriptor, "wb")) if mode == "wb" else fdopen(descriptor, mode)
)
from vaekit.__main__ import main
sys.exit(main())
"""
"""A program that runs vaekit on a disk that is full from the n-th write on."""


# --- Kills ---------------------------------------------------------------------------------------


def kill_all(out: Path, count: int, seed: int) -> None:
    """Kill every command in turn, each time at a random moment, and compare what it leaves."""
    rng = random.Random(seed)
    finished = out / "finished"
    complete(("train", *ONE_STAGE, "--out", finished, "--overwrite"))
    with local_hub(finished):
        for index, case in enumerate(cases(finished)):
            expected_folder = fresh(out / f"expected-{index}", case)
            seconds = complete(case.start(expected_folder))
            expected = case.facts(expected_folder)
            kills = len(range(index, count, len(cases(finished))))
            moments = [kill_once(out, case, seconds, expected, rng) for _ in range(kills)]
            hit = sum(moment is not None for moment in moments)
            print(f"{case.name}: {hit} of {kills} killed in time, all identical", flush=True)


def kill_once(
    out: Path, case: Case, seconds: float, expected: Any, rng: random.Random
) -> float | None:
    """Kill a command once; AssertionError unless repeating it ends as without the kill."""
    folder = fresh(out / "killed", case)
    moment = rng.uniform(0.2, 0.9) * seconds
    process = subprocess.Popen(
        vaekit_command(*case.start(folder)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(moment)
    was_running = process.poll() is None
    process.kill()
    process.wait()
    complete(case.again(folder))
    assert case.facts(folder) == expected, f"{case.name} differs after a kill at {moment:.2f} s"
    assert not leftovers(folder), leftovers(folder)
    return moment if was_running else None


@contextlib.contextmanager
def local_hub(run: Path) -> Iterator[None]:
    """A server with the routes of the Hub, which has a run; commands find it by environment."""
    sys.path.insert(0, str(Path(__file__).parent.parent / "tests/hub"))
    from fake_hub import FakeHub  # pyright: ignore[reportMissingImports] - of the tests

    shared = run.with_name("shared")
    vaekit.export_hub(run, shared, overwrite=True)
    with FakeHub() as hub:
        files = [path for path in shared.rglob("*") if path.is_file()]
        hub.files |= {path.relative_to(shared).as_posix(): path.read_bytes() for path in files}
        hub.exists = True
        os.environ |= {
            "HF_ENDPOINT": hub.address,
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "no_proxy": "127.0.0.1",
        }
        threading.Thread(target=hub.serve_forever, args=(0.01,), daemon=True).start()
        yield
        hub.ended.set()
        hub.shutdown()


# --- A full disk ---------------------------------------------------------------------------------


def fill_all(out: Path, count: int) -> None:
    """Fill the disk of a training at evenly spaced places, by injected errors and for real."""
    case = training("train", ONE_STAGE)
    expected_folder = fresh(out / "expected", case)
    complete(case.start(expected_folder))
    expected = case.facts(expected_folder)
    writes = count_writes(out, case)
    for index in range(count):
        place = 1 + index * (writes - 1) // max(1, count - 1)
        folder = fresh(out / "full", case)
        program = [sys.executable, "-c", FAILING_WRITES, str(place)]
        check_full(program + [str(word) for word in case.start(folder)], place)
        complete(case.again(folder))
        assert case.facts(folder) == expected, f"differs after a full disk at write {place}"
        assert not leftovers(folder), leftovers(folder)
    print(f"full disk at {count} places of {writes} writes: status 1, resumed identically")
    real = sum(fill_file_system(out, case, expected, kilobytes) for kilobytes in range(40, 700, 33))
    print(f"full file system of {real} sizes: status 1, resumed identically")


def count_writes(out: Path, case: Case) -> int:
    """The number of writes of a training, by trying powers of two."""
    place = 1
    while True:
        folder = fresh(out / "full", case)
        program = [sys.executable, "-c", FAILING_WRITES, str(place)]
        command = program + [str(word) for word in case.start(folder)]
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            return place // 2
        place *= 2


def check_full(command: list[str], place: int) -> None:
    """AssertionError unless a command ends with status 1 and one line about the space."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode == 1, (place, done.returncode, done.stderr)
    assert "Traceback" not in done.stderr, done.stderr
    assert last.startswith("vaekit: "), last
    assert "space" in last, last


def fill_file_system(out: Path, case: Case, expected: Any, kilobytes: int) -> bool:
    """Train in a file system of this size, enlarge it and resume; False without permission."""
    mount = out / "mount"
    mount.mkdir(parents=True, exist_ok=True)
    size = f"size={kilobytes}k"
    command = ["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(mount)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        return False
    try:
        done = subprocess.run(
            vaekit_command(*case.start(mount)), capture_output=True, text=True, check=False
        )
        if done.returncode == 0:
            return False
        assert done.returncode == 1, (kilobytes, done.returncode, done.stderr)
        assert "Traceback" not in done.stderr, done.stderr
        subprocess.run(["mount", "-o", "remount,size=100m", str(mount)], check=True)
        complete(case.again(mount))
        assert case.facts(mount) == expected, f"differs after a file system of {kilobytes} kB"
        assert not leftovers(mount), leftovers(mount)
    finally:
        subprocess.run(["umount", str(mount)], check=True)
    return True


# --- Several writers -----------------------------------------------------------------------------


def write_together(out: Path, rounds: int, seed: int) -> None:
    """Start four trainings on one folder at a time; one goes on, the others say so."""
    rng = random.Random(seed)
    folder = out / "shared-folder"
    shutil.rmtree(folder, ignore_errors=True)
    endless = ("mlp", *DATA, "--epochs", "100000", "--out", folder)
    complete(("train", "mlp", *DATA, "--epochs", "1", "--out", folder))
    for _ in range(rounds):
        resumable = not (folder / "summary.json").exists()
        starts = [("train", *endless, "--overwrite"), ("train", *endless)]
        if resumable:
            starts.append(("train", "--resume", folder))
        chosen = [starts[0], *rng.choices(starts, k=WRITERS - 1)]
        rng.shuffle(chosen)
        check_round(folder, chosen)
    print(f"{WRITERS} processes on one folder, {rounds} rounds: one trained, the others said so")


def check_round(folder: Path, starts: Sequence[Sequence[object]]) -> None:
    """AssertionError unless one process trains the folder, and the others end with status 2."""
    processes = [
        subprocess.Popen(
            vaekit_command(*start), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        for start in starts
    ]
    readers = [read_in_background(process) for process in processes]
    deadline = time.monotonic() + 120
    while sum(process.poll() is None for process in processes) > 1:
        assert time.monotonic() < deadline, "more than one process trains the folder"
        time.sleep(0.1)
    running = [process for process in processes if process.poll() is None]
    assert len(running) == 1, [process.returncode for process in processes]
    while not (folder / "model.safetensors").exists():
        time.sleep(0.1)
    running[0].send_signal(signal.SIGINT)
    for process, lines in zip(processes, readers, strict=True):
        process.wait()
        last = lines()[-1]
        if process is not running[0]:
            assert process.returncode == 2, (process.returncode, last)
            assert "in use" in last or "exists" in last, last
    assert running[0].returncode == 130, running[0].returncode
    vaekit.load_run(folder)
    assert not leftovers(folder), leftovers(folder)


def read_in_background(process: subprocess.Popen[str]) -> Callable[[], list[str]]:
    """Read what a process prints, so that it never waits; the lines after its end."""
    lines: list[str] = []
    assert process.stderr is not None
    thread = threading.Thread(target=lambda: lines.extend(process.stderr or ()))
    thread.start()

    def finished() -> list[str]:
        thread.join()
        return [line.strip() for line in lines if line.strip()]

    return finished


def main() -> None:
    """Run one part."""
    parser = argument_parser(__doc__)
    parser.add_argument("part", choices=("kills", "disk", "writers"))
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/crash"))
    options = parser.parse_args()
    out = options.out.resolve() / options.part
    out.mkdir(parents=True, exist_ok=True)
    if options.part == "kills":
        kill_all(out, options.count, options.seed)
    elif options.part == "disk":
        fill_all(out, options.count)
    else:
        write_together(out, options.count, options.seed)


if __name__ == "__main__":
    main()
