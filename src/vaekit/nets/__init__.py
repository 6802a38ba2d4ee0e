"""Networks: data -> features (encoders), latent -> parameters of the likelihood (decoders). One family per file."""

from vaekit.nets.conv import ConvDecoder, ConvEncoder
from vaekit.nets.conv_map import ConvMapDecoder, ConvMapEncoder
from vaekit.nets.mlp import MLPDecoder, MLPEncoder

ENCODERS = {"conv": ConvEncoder, "conv-map": ConvMapEncoder, "mlp": MLPEncoder}
DECODERS = {"conv": ConvDecoder, "conv-map": ConvMapDecoder, "mlp": MLPDecoder}

__all__ = ["DECODERS", "ENCODERS", "ConvDecoder", "ConvEncoder", "ConvMapDecoder", "ConvMapEncoder", "MLPDecoder", "MLPEncoder"]
