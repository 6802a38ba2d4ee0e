"""The verbs: one file each, the only place where data, training, evaluation and plots meet.

The command line parses, calls one of these functions, and prints; so can a program. The imports are
eager, so that each name is the function and not the file of that name.
"""

from vaekit.workflows.compare import compare
from vaekit.workflows.decode import decode
from vaekit.workflows.encode import encode
from vaekit.workflows.evaluate import evaluate
from vaekit.workflows.explore import explore, export_page
from vaekit.workflows.export import export_onnx
from vaekit.workflows.fit_mixture import fit_mixture
from vaekit.workflows.hub import export_hub, pull, push
from vaekit.workflows.impute import impute
from vaekit.workflows.plan_training import plan_training
from vaekit.workflows.plot import plot
from vaekit.workflows.reconstruct import reconstruct
from vaekit.workflows.report import report
from vaekit.workflows.sample import sample
from vaekit.workflows.score import score
from vaekit.workflows.serve import serve
from vaekit.workflows.sweep import sweep
from vaekit.workflows.train import build, resume, train

__all__ = [
    "build",
    "compare",
    "decode",
    "encode",
    "evaluate",
    "explore",
    "export_hub",
    "export_onnx",
    "export_page",
    "fit_mixture",
    "impute",
    "plan_training",
    "plot",
    "pull",
    "push",
    "reconstruct",
    "report",
    "resume",
    "sample",
    "score",
    "serve",
    "sweep",
    "train",
]
