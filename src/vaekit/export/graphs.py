"""The exported functions: a run's encoder and decoder on raw values, as modules to trace."""

import torch
from torch import Tensor, nn
from torch.export import Dim

from vaekit.core.distributions import point_estimate
from vaekit.core.vae import VAE
from vaekit.data.support import Transform

# Both use the parts of the model, not `model.encode` and `model.decode`: the checks of their
# inputs would fix the batch size. Each holds only its own parts, since a file stores all of them.


class EncoderGraph(nn.Module):
    """Raw examples to the parameters of q(z|x).

    Args:
        model: The model.
        transform: From raw values to what the model takes.

    Attributes:
        inputs: Shapes of one example by input name.
        outputs: Output names, in order.
    """

    def __init__(self, model: VAE, transform: Transform):
        super().__init__()
        self.encoder = model.encoder
        self.posterior = model.posterior
        self.transform = transform
        self.codebook = model.codebook
        self.inputs = {"x": model.data_shape, **_condition(model)}
        self.outputs = ("z_mean", "z_stddev" if self.codebook is None else "z_indices")

    def forward(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Encode raw examples.

        Args:
            x: Raw examples [B, *shape].
            y: Weights of the classes [B, C], for a conditional model.

        Returns:
            Mean and standard deviation [B, L]; for a discrete z the most probable code [B, L] and
            the indices of its codebook vectors [B, M].
        """
        x = self.transform.forward(x)
        features = self.encoder(x) if y is None else self.encoder(x, y)
        q = self.posterior(features)
        z = point_estimate(q)
        if self.codebook is None:
            return z.flatten(1), q.stddev.flatten(1)
        return z.flatten(1), self.codebook.indices(z)


class DecoderGraph(nn.Module):
    """Latent codes to the mean of p(x|z) in raw units.

    Args:
        model: The model.
        transform: From raw values to what the model takes.

    Attributes:
        inputs: Shapes of one example by input name.
        outputs: Output names, in order.
    """

    outputs = ("x_mean",)

    def __init__(self, model: VAE, transform: Transform):
        super().__init__()
        self.decoder = model.decoder
        self.likelihood = model.likelihood
        self.transform = transform
        self.latent_shape = model.latent_shape
        self.inputs = {"z": (self.latent_shape.numel(),), **_condition(model)}

    def forward(self, z: Tensor, y: Tensor | None = None) -> tuple[Tensor]:
        """Decode latent codes.

        Args:
            z: Latent codes [B, L].
            y: Weights of the classes [B, C], for a conditional model.

        Returns:
            The mean of p(x|z) [B, *shape].
        """
        if len(self.latent_shape) > 1:
            z = z.unflatten(1, self.latent_shape)
        parameters = self.decoder(z) if y is None else self.decoder(z, y)
        return (self.transform.inverse(self.likelihood(parameters).mean),)


Graph = EncoderGraph | DecoderGraph


def example_inputs(graph: Graph, count: int = 2) -> tuple[Tensor, ...]:
    """Inputs to trace a graph with: zeros, and the first class."""
    inputs = {name: torch.zeros(count, *shape) for name, shape in graph.inputs.items()}
    if "y" in inputs:
        inputs["y"][:, 0] = 1
    return tuple(inputs.values())


def dynamic_shapes(graph: Graph) -> tuple[dict[int, Dim], ...]:
    """Any batch size, the same for all inputs."""
    batch = Dim("batch", min=1)
    return tuple({0: batch} for _ in graph.inputs)


def _condition(model: VAE) -> dict[str, tuple[int, ...]]:
    return {"y": (model.classes,)} if model.classes else {}
