"""The caption of each plot of a run, written once for the report and the model card."""

CAPTIONS = {
    "curves": "Training and validation loss; the star marks the epoch whose weights were kept.",
    "reconstructions": "Examples over their reconstructions.",
    "samples": "Samples: latent codes from the prior, decoded.",
    "classes": "Samples by class.",
    "nearest": "Samples over the training examples closest to them: equal pairs would be copies.",
    "latent": "Latent codes of examples, by class if there are classes.",
    "grid": "Decoded points on a grid in the latent plane.",
    "dimensions": "Divergence of each latent dimension, the most active first.",
    "usage": "Use of each code, the most frequent first.",
    "losses": "Distribution of the loss and its terms over examples.",
}
