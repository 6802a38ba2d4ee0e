"""Training: from a model and inputs to a run folder, in one process or several."""
