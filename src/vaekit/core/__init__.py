"""The mathematics: the model of five parts, distributions, divergences and codebooks. No I/O."""
