"""The metrics of the older protocol, with what they ask: an encoder, a parser, an LLM, a tree."""

from speciarl_pl.protocol.older import OlderProtocol
from speciarl_pl.protocol.prediction import Prediction

__all__ = ["OlderProtocol", "Prediction"]
