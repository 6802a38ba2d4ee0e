"""Training: a model and rows in, a run folder out; by one process, or by several that Lightning Fabric brings together."""
