"""Lightning callbacks: rollout engines, adapter export, rollout log, results."""

from speciarl_pl.callbacks.adapter_export import AdapterExport
from speciarl_pl.callbacks.hf_rollout import HFRolloutCallback
from speciarl_pl.callbacks.results import ResultsWriter
from speciarl_pl.callbacks.rollout import RolloutCallback, RolloutRequest, Sampling
from speciarl_pl.callbacks.rollout_log import RolloutLog
from speciarl_pl.callbacks.skipped import SkippedReport

__all__ = [
    "AdapterExport",
    "HFRolloutCallback",
    "ResultsWriter",
    "RolloutCallback",
    "RolloutLog",
    "RolloutRequest",
    "Sampling",
    "SkippedReport",
]
