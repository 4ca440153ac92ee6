"""The metrics of the older protocol, with what they ask: an encoder, a parser, an LLM."""

from speciarl_pl.older_protocol.prediction import Prediction, distinct_pairs
from speciarl_pl.older_protocol.protocol import OlderProtocol

__all__ = ["OlderProtocol", "Prediction", "distinct_pairs"]
