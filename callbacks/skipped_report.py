"""Names at the end what could not be read on the way."""

from collections.abc import Mapping
from typing import Any

import lightning as L

from speciarl_pl.callbacks.report_writer import ReportWriter
from speciarl_pl.errors import DataError, RunError
from speciarl_pl.metrics.functional import Summary
from speciarl_pl.records import Batch
from speciarl_pl.report.remarks import skipped
from speciarl_pl.system.terminal import say


class SkippedReport(L.Callback):
    """Hands what a batch had to leave out to the data module, and names it at the end.

    A `validate` that left out too much ends with an error once all its files are written.

    Args:
        max_skipped_share: Largest share of the images of a `validate` that may be left out; null:
            all.
    """

    def __init__(self, max_skipped_share: float | None = None) -> None:
        self.max_skipped_share = max_skipped_share

    def setup(self, trainer: L.Trainer, pl_module: Any, stage: str) -> None:
        """Make sure that the error comes after what others write at the end.

        Raises:
            RunError: If `ReportWriter` is behind this callback, and would not get to write.
        """
        others: list[Any] = trainer.callbacks  # type: ignore[attr-defined]
        behind = others[others.index(self) + 1 :]
        if self.max_skipped_share is not None and any(isinstance(o, ReportWriter) for o in behind):
            raise RunError(
                "callbacks: expected SkippedReport behind ReportWriter, which writes nothing once "
                "this one has ended the run; put SkippedReport last"
            )

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
        """Name all that was left out.

        Raises:
            DataError: After `validate`, if more was left out than `max_skipped_share`.
        """
        data: Any = getattr(trainer, "datamodule", None)
        if data is not None and data.skipped:
            say(data.skipped_summary(), stderr=True)
        if stage == "validate" and self.max_skipped_share is not None:
            _check_share(pl_module.results, self.max_skipped_share)


def _check_share(results: Mapping[str, Summary], limit: float) -> None:
    left_out = sum(map(skipped, results.values()))
    total = left_out + sum(summary["images"] for summary in results.values())
    if left_out > limit * total:
        raise DataError(
            f"{left_out} of {total} images could not be read, more than watch.max_skipped_share = "
            f"{limit:g}; the results are over the others, and results.json names the files"
        )
