"""report.html at the end of a run."""

from pathlib import Path

import lightning as L

from speciarl_pl.callbacks.rollout_log import RolloutLog
from speciarl_pl.callbacks.run_recorder import RunRecorder
from speciarl_pl.errors import SpeciaRLError
from speciarl_pl.report import write_report
from speciarl_pl.run.results import NAME
from speciarl_pl.system.terminal import say


class ReportWriter(L.Callback):
    """Writes the page of a run once its other files are there; a failure costs only the page.

    Args:
        log: Keeps the rollouts that the gallery shows.
        recorder: Notes what ran, for how long.
    """

    def __init__(self, log: RolloutLog, recorder: RunRecorder) -> None:
        self._log, self._recorder = log, recorder

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Make sure that the log sees the rollouts.

        Raises:
            RunError: If it is none of the trainer's callbacks.
        """
        self._log.check_among(trainer)

    def teardown(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Write report.html."""
        self._log.complete(trainer)
        self._recorder.finish(trainer)
        folder = Path(trainer.default_root_dir)
        if not trainer.is_global_zero or not (folder / NAME).exists():
            return
        for logger in trainer.loggers:
            logger.save()
        try:
            write_report([folder], folder / "report.html")
        except SpeciaRLError as error:
            say(f"no report.html: {error}", stderr=True)
        else:
            say(f"Report: {folder / 'report.html'}")
