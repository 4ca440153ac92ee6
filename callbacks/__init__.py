"""Lightning callbacks: rollout engines, adapter export, rollout log, results, report."""

from speciarl_pl.callbacks.adapter_export import AdapterExport
from speciarl_pl.callbacks.continuation import Continuation
from speciarl_pl.callbacks.policy_summary import PolicySummary
from speciarl_pl.callbacks.prediction_writer import PredictionWriter
from speciarl_pl.callbacks.progress_lines import ProgressLines
from speciarl_pl.callbacks.report_writer import ReportWriter
from speciarl_pl.callbacks.results_writer import ResultsWriter
from speciarl_pl.callbacks.rollout import (
    HFRolloutCallback,
    RolloutCallback,
    VLLMRolloutCallback,
    VLLMServerRolloutCallback,
)
from speciarl_pl.callbacks.rollout_log import RolloutLog
from speciarl_pl.callbacks.rollout_tables import RolloutTables
from speciarl_pl.callbacks.run_recorder import RunConfig, RunRecorder
from speciarl_pl.callbacks.run_watch import RunWatch
from speciarl_pl.callbacks.skipped_report import SkippedReport
from speciarl_pl.callbacks.stop_checkpoint import StopCheckpoint
from speciarl_pl.callbacks.thumbnail_writer import Thumbnails
from speciarl_pl.sampling import RolloutRequest, Sampling
from speciarl_pl.system.stop_signals import RunStopped

__all__ = [
    "AdapterExport",
    "Continuation",
    "HFRolloutCallback",
    "PolicySummary",
    "PredictionWriter",
    "ProgressLines",
    "ReportWriter",
    "ResultsWriter",
    "RolloutCallback",
    "RolloutLog",
    "RolloutRequest",
    "RolloutTables",
    "RunConfig",
    "RunRecorder",
    "RunStopped",
    "RunWatch",
    "Sampling",
    "SkippedReport",
    "StopCheckpoint",
    "Thumbnails",
    "VLLMRolloutCallback",
    "VLLMServerRolloutCallback",
]
