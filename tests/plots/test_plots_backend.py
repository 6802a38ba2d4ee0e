"""matplotlib's backend is the user's, and one that does not exist breaks nothing."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.process

PRINT_BACKEND = "import matplotlib, os; print(matplotlib.get_backend(), os.environ['MPLBACKEND'])"
SAVE = (
    "from vaekit.plots import save; from matplotlib.figure import Figure; save(Figure(), 'a.png')"
)


def run(code: str, backend: str, folder) -> list[str]:
    """The words that a program prints with this backend in its environment."""
    environment = {**os.environ, "MPLBACKEND": backend}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("backend", ["nonsense", "module://no_such_package.backend"])
def test_plots_need_no_backend(backend: str, tmp_path):
    assert run(f"{SAVE}; import os; print(os.environ['MPLBACKEND'])", backend, tmp_path) == [
        backend
    ]
    assert (tmp_path / "a.png").stat().st_size > 0


def test_the_backend_of_the_user_is_kept(tmp_path):
    chosen = f"import matplotlib; matplotlib.use('pdf'); {SAVE}; {PRINT_BACKEND}"
    assert run(f"{SAVE}; {PRINT_BACKEND}", "svg", tmp_path) == ["svg", "svg"]
    assert run(chosen, "svg", tmp_path) == ["pdf", "svg"]
