"""Training on Lightning's Trainer: batches in, a run folder out."""

from vaekit.training.fit import fit

__all__ = ["fit"]
