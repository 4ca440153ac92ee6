"""Names at the end what could not be read on the way."""

from typing import Any

import lightning as L
from rich.console import Console

from speciarl_pl.records import Batch


class SkippedReport(L.Callback):
    """Hands what a batch had to leave out to the data module, and names it at the end."""

    def on_validation_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: Any,
        outputs: Any,
        batch: Batch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Note what this batch left out."""
        data: Any = trainer.datamodule  # type: ignore[attr-defined]
        data.note_skipped(batch.skipped)

    on_train_batch_end = on_validation_batch_end
    on_predict_batch_end = on_validation_batch_end

    def teardown(self, trainer: L.Trainer, pl_module: Any, stage: str) -> None:
        """Name all that was left out."""
        data: Any = getattr(trainer, "datamodule", None)
        if data is not None and data.skipped:
            Console(stderr=True).out(data.skipped_summary(), highlight=False)
