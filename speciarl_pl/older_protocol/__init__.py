"""The metrics of the older protocol, with what they ask: an encoder, a parser, an LLM."""

from speciarl_pl.older_protocol.protocol import OlderProtocol
from speciarl_pl.older_protocol.text_pairs import distinct_pairs
from speciarl_pl.run.rollouts import Prediction

__all__ = ["OlderProtocol", "Prediction", "distinct_pairs"]
