"""Rollout engines, and the proof that those with weights of their own serve the policy's adapter.

An engine of one's own is a subclass of `Engine` with `draw`; `rollout` makes what it returns.
"""

from speciarl_pl.engine.adapter_store import AdapterVersion
from speciarl_pl.engine.adapter_sync import AdapterSync
from speciarl_pl.engine.engine import Engine, EngineReport, rollout
from speciarl_pl.engine.generate import TransformersEngine
from speciarl_pl.engine.vllm_engine import VLLMEngine
from speciarl_pl.engine.vllm_servers import ServerOptions, VLLMServers

__all__ = [
    "AdapterSync",
    "AdapterVersion",
    "Engine",
    "EngineReport",
    "ServerOptions",
    "TransformersEngine",
    "VLLMEngine",
    "VLLMServers",
    "rollout",
]
