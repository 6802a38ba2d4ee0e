"""The caption of each plot of a run, written once for the report and the model card."""

CAPTIONS = {
    "curves": "Training and validation loss; the star marks the best epoch.",
    "reconstructions": "Examples over their reconstructions.",
    "samples": "Samples: decoded latent codes from the prior.",
    "classes": "Samples by class.",
    "nearest": "Samples over the training examples closest to them: equal pairs would be copies.",
    "latent": "Latent codes of examples, by class if there are classes, and contours of the prior.",
    "grid": "Decoded latent codes on a grid in the latent plane.",
    "dimensions": "Divergence of each latent dimension, the most active first.",
    "usage": "Frequency of each code, the most frequent first.",
    "losses": "Distribution of the loss and its terms over examples.",
}
