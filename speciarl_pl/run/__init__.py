"""The run directory: one file for each thing that a run leaves in it."""

from typing import TYPE_CHECKING

from speciarl_pl.system.lazy import handed_out

if TYPE_CHECKING:
    from speciarl_pl.run.checkpoint import WholeCheckpointIO
    from speciarl_pl.run.loggers import run_loggers
    from speciarl_pl.run.metrics_csv import MetricsCSV
    from speciarl_pl.run.read import Run, read_run

__all__ = ["MetricsCSV", "Run", "WholeCheckpointIO", "read_run", "run_loggers"]

__getattr__ = handed_out(__name__)
