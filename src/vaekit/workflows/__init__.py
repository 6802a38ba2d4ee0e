"""The jobs: train, evaluate, plot, ...: the only place where data, training, evaluation and plots meet.

The command line parses, calls one of these, and prints; so can a program.
"""

from vaekit.report.report import report
from vaekit.runs.training_examples import fit_mixture
from vaekit.workflows.compare import compare, curves_beside
from vaekit.workflows.evaluate import evaluate
from vaekit.workflows.explore import explore, export_page
from vaekit.workflows.export import export_onnx
from vaekit.workflows.hub import export_hub, pull, push
from vaekit.workflows.plot import PLOTS, plot
from vaekit.workflows.score import score
from vaekit.workflows.serve import serve
from vaekit.workflows.sweep import sweep
from vaekit.workflows.train import build, resume, train

__all__ = [
    "PLOTS",
    "build",
    "compare",
    "curves_beside",
    "evaluate",
    "explore",
    "export_hub",
    "export_onnx",
    "export_page",
    "fit_mixture",
    "plot",
    "pull",
    "push",
    "report",
    "resume",
    "score",
    "serve",
    "sweep",
    "train",
]
