"""A trained model on examples, in bounded memory: encoding, decoding, bounds, scores, imputation."""
