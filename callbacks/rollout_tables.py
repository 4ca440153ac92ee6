"""Hands a table of rollouts to the loggers that take one."""

from collections.abc import Iterable, Iterator
from typing import Any

import lightning as L

from speciarl_pl.records import Batch, JudgedGroup, ScoredGroup
from speciarl_pl.run.logged_tables import TableRow, log_table, small, table_row
from speciarl_pl.run.rollouts import judged_rows, scored_rows
from speciarl_pl.system.terminal import say


class RolloutTables(L.Callback):
    """Shows some rollouts in TensorBoard, W&B or MLflow: image, truth, answer, verdict, reward.

    rollouts.parquet has all of them. Shown are those of the first process.

    Args:
        rows: Rows of a table: in training whole groups of the batch, in validation the first
            images of each data set with one rollout each, the same ones at every validation; 0 for
            no tables.
        every_n_steps: Training batches between two tables of training.

    Raises:
        ValueError: If an argument is out of range.
    """

    def __init__(self, rows: int = 16, every_n_steps: int = 50) -> None:
        if rows < 0:
            raise ValueError(f"rows: expected an int >= 0, got {rows}")
        if every_n_steps < 1:
            raise ValueError(f"every_n_steps: expected an int >= 1, got {every_n_steps}")
        self.rows = rows
        self.every_n_steps = every_n_steps
        self._seen: dict[str, list[TableRow]] = {}
        self._failed = False

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: Any, outputs: Any, batch: Batch, batch_idx: int
    ) -> None:
        """Log the first groups of the batch, if it is time to."""
        step = pl_module.batches_trained - 1
        if self._wanted(trainer) and step % self.every_n_steps == 0:
            rows = list(_of_training(outputs["scored"], step))[: self.rows]
            self._log(trainer, "train/rollouts", rows, step)

    def on_validation_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Begin anew."""
        self._seen = {}

    def on_validation_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: Any,
        outputs: Any,
        batch: Batch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keep the first images of each data set."""
        if not self._wanted(trainer):
            return
        for judged in outputs["judged"]:
            kept = self._seen.setdefault(judged.group.sample.dataset, [])
            if len(kept) < self.rows:
                kept.append(_first_row(judged, pl_module.batches_trained))

    def on_validation_end(self, trainer: L.Trainer, pl_module: Any) -> None:
        """Log a table for each data set."""
        if trainer.sanity_checking and trainer.num_sanity_val_steps != float("inf"):
            return
        for name, rows in self._seen.items():
            self._log(trainer, f"val/{name}/rollouts", rows, pl_module.batches_trained)
        self._seen = {}

    def _wanted(self, trainer: L.Trainer) -> bool:
        return bool(self.rows and not self._failed and trainer.is_global_zero and trainer.loggers)

    def _log(self, trainer: L.Trainer, key: str, rows: list[TableRow], step: int) -> None:
        if not rows:
            return
        for logger in trainer.loggers:
            try:
                log_table(logger, key, rows, step)
            except Exception as error:  # whatever a library of tables raises costs the table alone
                self._failed = True
                say(
                    f"warning: tables: {type(logger).__name__} took no table of rollouts "
                    f"({type(error).__name__}: {error}); no more are made, and rollouts.parquet "
                    "has all of them",
                    stderr=True,
                )


def _of_training(groups: Iterable[ScoredGroup], step: int) -> Iterator[TableRow]:
    for scored in groups:
        picture = small(scored.group.sample.image)
        for row in scored_rows(scored, step):
            yield table_row(picture, row)


def _first_row(judged: JudgedGroup, step: int) -> TableRow:
    row = next(judged_rows(judged, "val", step))
    return table_row(small(judged.group.sample.image), row)
