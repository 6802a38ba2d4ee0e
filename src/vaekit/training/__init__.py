"""Training on Lightning's Trainer: a model and rows in, a run folder out. What imports Lightning is imported by `fit` alone."""
