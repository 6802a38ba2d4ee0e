"""Inference in bounded memory: encoding, decoding, bounds, scores, imputation."""
