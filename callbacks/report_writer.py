"""report.html at the end of a run."""

from pathlib import Path

import lightning as L

from speciarl_pl.errors import SpeciaRLError
from speciarl_pl.report import write_report
from speciarl_pl.system.terminal import say


class ReportWriter(L.Callback):
    """Writes the page of a run once its other files are there; a failure costs only the page."""

    def teardown(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Write report.html."""
        folder = Path(trainer.default_root_dir)
        if not trainer.is_global_zero or not (folder / "results.json").exists():
            return
        for logger in trainer.loggers:
            logger.save()
        try:
            write_report([folder], folder / "report.html")
        except SpeciaRLError as error:
            say(f"no report.html: {error}", stderr=True)
        else:
            say(f"Report: {folder / 'report.html'}")
