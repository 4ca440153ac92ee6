"""Rollout engines with weights of their own, and the proof that they serve the policy's adapter."""

from speciarl_pl.engine.adapter_store import AdapterStore, AdapterVersion
from speciarl_pl.engine.engine import Drawn, Engine, EngineReport, MemoryGuard
from speciarl_pl.engine.proof import (
    Gap,
    check_reports,
    excerpt,
    gap_limit,
    likely_cause,
    measure_gap,
    module_names,
)
from speciarl_pl.engine.served import (
    check_servable,
    served_config,
    served_state,
    unscaled,
)

__all__ = [
    "AdapterStore",
    "AdapterVersion",
    "Drawn",
    "Engine",
    "EngineReport",
    "Gap",
    "MemoryGuard",
    "check_reports",
    "check_servable",
    "excerpt",
    "gap_limit",
    "likely_cause",
    "measure_gap",
    "module_names",
    "served_config",
    "served_state",
    "unscaled",
]
