"""matplotlib, imported whichever backend the environment names."""

import os
import sys
from contextlib import suppress

VARIABLE = "MPLBACKEND"


def import_matplotlib() -> None:
    """Import matplotlib with the backend that the environment names, if it exists.

    matplotlib alone cannot be imported with another one, such as that of a notebook in a program
    that the notebook starts with another Python. Plots need none: they are drawn into files.
    """
    if "matplotlib" in sys.modules:
        return
    backend = os.environ.pop(VARIABLE, None)
    try:
        import matplotlib
    finally:
        if backend is not None:
            os.environ[VARIABLE] = backend
    if backend:
        with suppress(ValueError):
            matplotlib.rcParams["backend"] = backend


import_matplotlib()
