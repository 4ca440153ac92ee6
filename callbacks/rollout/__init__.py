"""Callbacks that attach rollouts: over any engine, and with each engine of this package."""

from speciarl_pl.callbacks.rollout.hf_rollout_callback import HFRolloutCallback
from speciarl_pl.callbacks.rollout.rollout_callback import RolloutCallback
from speciarl_pl.callbacks.rollout.vllm_rollout_callback import VLLMRolloutCallback
from speciarl_pl.callbacks.rollout.vllm_server_rollout_callback import VLLMServerRolloutCallback

__all__ = [
    "HFRolloutCallback",
    "RolloutCallback",
    "VLLMRolloutCallback",
    "VLLMServerRolloutCallback",
]
