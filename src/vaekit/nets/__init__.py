"""Networks: data to features (encoders), latent codes to likelihood parameters (decoders).

One family per file.
"""

from vaekit.nets.conv import ConvDecoder, ConvEncoder
from vaekit.nets.conv_map import ConvMapDecoder, ConvMapEncoder
from vaekit.nets.mlp import MLPDecoder, MLPEncoder
from vaekit.nets.resnet import ResNetDecoder, ResNetEncoder

ENCODERS = {
    "conv": ConvEncoder,
    "conv-map": ConvMapEncoder,
    "mlp": MLPEncoder,
    "resnet": ResNetEncoder,
}
DECODERS = {
    "conv": ConvDecoder,
    "conv-map": ConvMapDecoder,
    "mlp": MLPDecoder,
    "resnet": ResNetDecoder,
}

__all__ = [
    "DECODERS",
    "ENCODERS",
    "ConvDecoder",
    "ConvEncoder",
    "ConvMapDecoder",
    "ConvMapEncoder",
    "MLPDecoder",
    "MLPEncoder",
    "ResNetDecoder",
    "ResNetEncoder",
]
