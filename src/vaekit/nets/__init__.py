"""Networks: data -> features (encoders), latent -> parameters of the likelihood (decoders). One family per file."""

from vaekit.nets.conv import ConvDecoder, ConvEncoder
from vaekit.nets.mlp import MLPDecoder, MLPEncoder

ENCODERS = {"conv": ConvEncoder, "mlp": MLPEncoder}
DECODERS = {"conv": ConvDecoder, "mlp": MLPDecoder}

__all__ = ["DECODERS", "ENCODERS", "ConvDecoder", "ConvEncoder", "MLPDecoder", "MLPEncoder"]
