"""p(z) of discrete codes, each given those before it."""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from vaekit.core.codebook import Codebook, CodeDistribution, IndependentCodes
from vaekit.core.distribution_module import full_precision
from vaekit.errors import ConfigError
from vaekit.nets.blocks import Width
from vaekit.priors.base import CodePrior, Latent

Layers = Annotated[int, Field(ge=1, le=64)]
Heads = Annotated[int, Field(ge=1, le=256)]


class Autoregressive(CodePrior):
    """p(z) = prod_m p(code m given the codes before it), by a causal transformer (Vaswani et al., 2017).

    It learns in a second stage, when all else has been trained; it starts uniform, and `deferred` for that stage stays so.
    width: of the transformer. layers: of attention. heads: of each.

    Raises ConfigError for a posterior that is not discrete, and where heads does not divide width.

    >>> prior = Autoregressive(Codebook(torch.eye(10), groups=4))
    >>> prior().log_prob(torch.zeros(40)).detach() / 4  # uniform: -log 10
    tensor(-2.3026)
    """

    second_stage = True
    uniform: Tensor

    def __init__(
        self,
        latent: Latent,
        condition: int = 0,
        /,
        *,
        width: Width = 64,
        layers: Layers = 2,
        heads: Heads = 4,
    ):
        super().__init__(latent, "autoregressive")
        if width % heads:
            raise ConfigError(
                f"prior.heads = {heads} does not divide prior.width = {width}: choose a divisor of it"
            )
        self.width, self.layers, self.heads = width, layers, heads
        self.token = nn.Embedding(self.codebook.count, width)
        self.place = nn.Parameter(0.02 * torch.randn(self.codebook.positions, width))
        self.start = nn.Linear(max(1, condition), width)  # without a condition, of the number 1
        layer = nn.TransformerEncoderLayer(
            width, heads, 4 * width, 0.0, "gelu", batch_first=True, norm_first=True
        )
        self.blocks = nn.TransformerEncoder(
            layer, layers, nn.LayerNorm(width), enable_nested_tensor=False
        )
        self.logits = nn.Linear(width, self.codebook.count)
        nn.init.zeros_(self.logits.weight)
        nn.init.zeros_(self.logits.bias)
        self.register_buffer("uniform", torch.zeros(1, self.codebook.count), persistent=False)

    @property
    def values_per_example(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Of each position the chances of all codes, a layer's hidden units, and the attention to the others."""
        positions = self.codebook.positions
        return positions * (self.codebook.count + 8 * self.width + self.heads * positions)

    def forward(self, features: Tensor | None = None) -> CodeDistribution:
        if self.deferred:
            return IndependentCodes(self.codebook, self.uniform)
        return AutoregressiveCodes(self.codebook, self, features)

    def log_probs(self, indices: Tensor, features: Tensor | None = None) -> Tensor:
        """log p of every code at the first N positions and the one behind them, [B, N + 1, K] (N = M: [B, M, K])."""
        given = self.place.new_ones(len(indices), 1) if features is None else features
        seen = torch.cat([self.start(given).unsqueeze(1), self.token(indices)], 1)[
            :, : len(self.place)
        ]
        mask = nn.Transformer.generate_square_subsequent_mask(
            seen.shape[1], device=seen.device, dtype=seen.dtype
        )
        hidden = self.blocks(seen + self.place[: seen.shape[1]], mask=mask, is_causal=True)
        return full_precision(self.logits(hidden)).log_softmax(-1)


class AutoregressiveCodes(CodeDistribution):
    """Codes one after the other, by a prior's network; features [B, C] of the condition, or None."""

    def __init__(self, codebook: Codebook, network: Autoregressive, features: Tensor | None):
        self.network, self.features = network, features
        super().__init__(codebook, torch.Size([] if features is None else features.shape[:1]))

    def log_prob_of(self, indices: Tensor) -> Tensor:
        flat = indices.reshape(-1, self.codebook.positions)
        log_probs = self.network.log_probs(flat, self._repeated(len(flat)))
        return log_probs.gather(-1, flat.unsqueeze(-1)).reshape(indices.shape)

    def sample_indices(self, sample_shape: torch.Size) -> Tensor:
        shape = sample_shape + self.batch_shape
        indices = torch.zeros(shape.numel(), 0, dtype=torch.long, device=self.network.place.device)
        features = self._repeated(len(indices))
        for _ in range(self.codebook.positions):
            last = self.network.log_probs(indices, features)[:, -1]
            indices = torch.cat([indices, torch.multinomial(last.exp(), 1)], 1)
        return indices.reshape(*shape, -1)

    def _repeated(self, rows: int) -> Tensor | None:
        """The features of each of `rows` = samples x batch."""
        return (
            None if self.features is None else self.features.repeat(rows // len(self.features), 1)
        )
