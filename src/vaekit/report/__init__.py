"""The evaluation report: one HTML page that explains every metric of a run."""
