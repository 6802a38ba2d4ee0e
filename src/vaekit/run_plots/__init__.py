"""The plots of a run: one file per plot, each turns a run and its examples into a figure."""
