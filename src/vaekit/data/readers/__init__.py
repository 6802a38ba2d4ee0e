"""Readers: one file per format or named dataset; each returns a `Dataset`."""
