"""report.html at the end of a run."""

from pathlib import Path

import lightning as L
from rich.console import Console

from speciarl_pl.errors import SpeciaRLError
from speciarl_pl.report import write_report


class ReportWriter(L.Callback):
    """Writes the page of a run once its other files are there; a failure costs only the page."""

    def teardown(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Write report.html."""
        folder = Path(trainer.default_root_dir)
        if not trainer.is_global_zero or not (folder / "results.json").exists():
            return
        for logger in trainer.loggers:
            logger.save()
        console = Console(stderr=True)
        try:
            write_report([folder], folder / "report.html")
        except SpeciaRLError as error:
            console.out(f"no report.html: {error}", highlight=False)
        else:
            Console().out(f"Report: {folder / 'report.html'}", highlight=False)
