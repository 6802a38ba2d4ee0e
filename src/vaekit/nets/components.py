"""Nets beside principal components: the model starts as a linear one, and the nets learn the rest.

Encoder and decoder are the sum of a net and of a linear map through the principal components of the
training examples. At the start the nets contribute nothing, and the model is probabilistic
principal component analysis: latent codes carry as much as a linear model lets them from the first
step on, and cannot collapse before the decoder has learned to use them.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vaekit.nets.blocks import Shape


class ComponentsEncoder(nn.Module):
    """The features of a net, followed by scores of the data on principal components.

    The scores are (x - mean) V / sqrt(variance), of variance 1; V and the mean are not trained.

    Args:
        net: A net from data to features [B, F].
        shape: Shape of one example.
        count: Number of components, K.

    References:
        Tipping & Bishop, 1999, "Probabilistic principal component analysis".

    >>> encoder = ComponentsEncoder(nn.Flatten(), (1, 2, 2), 3)
    >>> encoder(torch.ones(5, 1, 2, 2)).shape
    torch.Size([5, 7])
    """

    mean: Tensor
    whitening: Tensor

    def __init__(self, net: nn.Module, shape: Shape, count: int):
        super().__init__()
        self.net = net
        values = math.prod(shape)
        self.register_buffer("mean", torch.zeros(values))
        self.register_buffer("whitening", torch.zeros(count, values))

    def forward(self, x: Tensor, *condition: Tensor) -> Tensor:
        """Features [B, F + K] of data [B, *shape]."""
        features = self.net(x, *condition)
        scores = F.linear(x.flatten(1) - self.mean, self.whitening)
        return torch.cat([features, scores.to(features.dtype)], 1)

    @torch.no_grad()
    def init_from_components(self, mean: Tensor, directions: Tensor, variances: Tensor) -> None:
        """Compute scores on these components.

        Args:
            mean: Mean of the examples, [D].
            directions: Orthonormal directions of at most K components, [R, D].
            variances: Variance of the examples along each of them, [R].
        """
        self.mean.copy_(mean)
        self.whitening.zero_()[: len(directions)] = directions / variances[:, None].sqrt()


class ComponentsDecoder(nn.Module):
    """The output of a net, plus a mean and principal components weighted by a linear map of z.

    The linear map of z is trained, mean and components are not.

    Args:
        net: A net from latent codes [B, K] to the likelihood's parameters [B, *].
        latent: Latent dimensions, K.
        shape: Shape of one example; the first parameter of each value is its location.

    References:
        Tipping & Bishop, 1999, "Probabilistic principal component analysis".

    >>> net = nn.Sequential(nn.Linear(3, 4), nn.Unflatten(1, (1, 2, 2)))
    >>> ComponentsDecoder(net, 3, (1, 2, 2))(torch.ones(5, 3)).shape
    torch.Size([5, 1, 2, 2])
    """

    mean: Tensor
    directions: Tensor

    def __init__(self, net: nn.Module, latent: int, shape: Shape):
        super().__init__()
        self.net = net
        self.latent = latent
        values = math.prod(shape)
        self.mix = nn.Linear(latent, latent, bias=False)
        nn.init.zeros_(self.mix.weight)
        self.register_buffer("mean", torch.zeros(values))
        self.register_buffer("directions", torch.zeros(latent, values))

    def forward(self, z: Tensor, *condition: Tensor) -> Tensor:
        """Parameters of the likelihood of latent codes [B, K]."""
        parameters = self.net(z, *condition)
        location = F.linear(self.mix(z), self.directions.T, self.mean)
        flat = parameters.flatten(1)
        scales = flat[:, location.shape[1] :]
        located = flat[:, : location.shape[1]] + location
        return torch.cat([located, scales], 1).view(parameters.shape)

    @torch.no_grad()
    def init_from_components(self, mean: Tensor, directions: Tensor, scales: Tensor) -> None:
        """Decode z as mean + (scales z) directions, and let the net contribute nothing.

        Args:
            mean: Location of every value, [D].
            directions: Changes of the locations along at most K components, [R, D].
            scales: Standard deviation along each of them, [R].
        """
        self.mean.copy_(mean)
        self.directions.zero_()[: len(directions)] = directions
        self.mix.weight.zero_()
        self.mix.weight.diagonal()[: len(scales)] = scales
        _zero_last_layer_(self.net)


def _zero_last_layer_(net: nn.Module) -> None:
    """Let a net put out zeros, in place; the gradient of its last layer is not zero."""
    layers = [m for m in net.modules() if isinstance(m, nn.Linear | nn.Conv2d | nn.ConvTranspose2d)]
    for parameter in layers[-1].parameters():
        nn.init.zeros_(parameter)
