"""The metrics of the older protocol, with what they ask: an encoder, a parser, an LLM, a tree."""

from speciarl_pl.older_protocol.prediction import Prediction
from speciarl_pl.older_protocol.protocol import OlderProtocol

__all__ = ["OlderProtocol", "Prediction"]
