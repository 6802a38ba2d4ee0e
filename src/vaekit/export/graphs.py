"""What is exported: a run's encoder and decoder as functions of tensors, from raw rows and to raw rows."""

import torch
from torch import Tensor, nn
from torch.export import Dim

from vaekit.core.distributions import point_estimate
from vaekit.core.vae import VAE
from vaekit.data.support import Transform

# Both go by the parts, not by `model.encode` and `decode`, whose checks of what people give would fix the number of rows; and
# each holds its own parts alone, since a file has all that its graph holds.


class Encoder(nn.Module):
    """Raw rows x [B, *shape] (and weights of the classes y [B, C]) -> mean and sigma of q(z given x), [B, L] each.

    Of a discrete z the most probable code [B, L], and the entries of the codebook that make it, [B, M].
    inputs: shapes of one row by name. outputs: names, in order.
    """

    def __init__(self, model: VAE, transform: Transform):
        super().__init__()
        self.encoder, self.posterior, self.transform = model.encoder, model.posterior, transform
        self.codebook = model.codebook
        self.inputs = {"x": model.data_shape, **_condition(model)}
        self.outputs = ("z_mean", "z_sigma" if self.codebook is None else "z_indices")

    def forward(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, ...]:
        q = self.posterior(self.encoder(self.transform.forward(x), *(() if y is None else (y,))))
        z = point_estimate(q)
        return z.flatten(1), q.stddev.flatten(
            1
        ) if self.codebook is None else self.codebook.indices(z)


class Decoder(nn.Module):
    """Codes z [B, L] (and weights of the classes y [B, C]) -> the means of p(x given z) in raw units, [B, *shape].

    inputs, outputs: as the encoder's.
    """

    outputs = ("x_mean",)

    def __init__(self, model: VAE, transform: Transform):
        super().__init__()
        self.decoder, self.likelihood, self.transform = model.decoder, model.likelihood, transform
        self.latent_shape = model.latent_shape
        self.inputs = {"z": (self.latent_shape.numel(),), **_condition(model)}

    def forward(self, z: Tensor, y: Tensor | None = None) -> tuple[Tensor]:
        z = z.unflatten(1, self.latent_shape) if len(self.latent_shape) > 1 else z
        parameters = self.decoder(z, *(() if y is None else (y,)))
        return (self.transform.inverse(self.likelihood(parameters).mean),)


Graph = Encoder | Decoder


def example(graph: Graph, rows: int = 2) -> tuple[Tensor, ...]:
    """Inputs of so many rows to trace a graph with: zeros, and where there are classes the first."""
    found = {name: torch.zeros(rows, *shape) for name, shape in graph.inputs.items()}
    if "y" in found:
        found["y"][:, 0] = 1
    return tuple(found.values())


def _condition(model: VAE) -> dict[str, tuple[int, ...]]:
    return {"y": (model.classes,)} if model.classes else {}


def dynamic(graph: Graph) -> tuple[dict[int, Dim], ...]:
    """That all inputs have any number of rows, the same."""
    rows = Dim("batch", min=1)
    return tuple({0: rows} for _ in graph.inputs)
