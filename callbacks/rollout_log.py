"""rollouts.parquet: one row a rollout, to look at what the policy said and what it got for it."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import lightning as L

from speciarl_pl.errors import RunError
from speciarl_pl.records import Batch
from speciarl_pl.run.rollouts import RolloutFiles, judged_rows, scored_rows
from speciarl_pl.system.together import together


class RolloutLog(L.Callback):
    """Keeps every rollout of training, validation and prediction in rollouts.parquet.

    Rows are written as parts under `rollouts.parts/` while the run goes on, so that a killed run
    loses `flush_every` training batches at most, or the one batch of `validate` and `predict` that
    it was at; they are joined into the one file when the run ends. A checkpoint is written after
    the rows of all its steps, and a resumed run first drops those of later steps.

    Other callbacks that need the rows are given this one and ask it (`files`, `complete`), so that
    their order does not matter.

    Args:
        flush_every: Training batches between two parts.
    """

    def __init__(self, flush_every: int = 20) -> None:
        if flush_every < 1:
            raise ValueError(f"flush_every: expected an int >= 1, got {flush_every}")
        self.flush_every = flush_every
        self.settings: Mapping[str, Any] | None = None
        """What the rows depend on, written beside them; None in a fit."""
        self._rows: list[dict[str, Any]] = []
        self._files: RolloutFiles | None = None

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: Any, outputs: Any, batch: Batch, batch_idx: int
    ) -> None:
        """Keep the scored rollouts of the batch."""
        step = pl_module.batches_trained - 1
        for scored in outputs["scored"]:
            self._rows.extend(scored_rows(scored, step))
        if (step + 1) % self.flush_every == 0:
            self._flush_together(trainer)

    def on_validation_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: Any,
        outputs: Any,
        batch: Batch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keep the judged rollouts of the batch."""
        stage = "predict" if trainer.predicting else "base" if trainer.sanity_checking else "val"
        for judged in outputs["judged"]:
            self._rows.extend(judged_rows(judged, stage, pl_module.batches_trained))
        if self.settings is not None:
            self._flush_together(trainer)

    on_predict_batch_end = on_validation_batch_end

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Write what there is; in `validate`, the one file."""
        self._flush_together(trainer)
        if trainer.state.fn == "validate":
            self.complete(trainer)

    def on_predict_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Write the one file."""
        self.complete(trainer)

    def on_save_checkpoint(
        self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Write what there is, so that no row of a step that the checkpoint has can be lost."""
        self._flush_together(trainer)

    def on_load_checkpoint(
        self, trainer: L.Trainer, pl_module: Any, checkpoint: dict[str, Any]
    ) -> None:
        """Drop the rows of what the checkpoint does not have, which a `fit` does anew."""
        if trainer.state.fn != "fit":
            return
        data: Any = trainer.datamodule  # type: ignore[attr-defined]
        position = checkpoint.get(type(data).__qualname__, {}).get("position", {})
        step = pl_module.batches_trained
        ends = {
            "train": step,
            "val": step + position.get("validated", True),
            "base": 1 if step or position.get("base_validated", True) else 0,
        }
        on_rank_zero(trainer, lambda: self.files(trainer).keep_before(ends))

    def on_exception(
        self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException
    ) -> None:
        """Write what there is; a second failure must not hide the first."""
        with suppress(RunError):
            self._flush(trainer)
            if trainer.is_global_zero:
                self.files(trainer).join()

    def teardown(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Write the one file."""
        self.complete(trainer)

    def check_among(self, trainer: L.Trainer) -> None:
        """Make sure that it gets to see the rollouts, for callbacks that were given it.

        Raises:
            RunError: If it is none of the trainer's callbacks.
        """
        if self not in trainer.callbacks:  # type: ignore[attr-defined]
            raise RunError(
                "callbacks: expected the RolloutLog that others were given among them; add it to "
                "the trainer's callbacks"
            )

    def files(self, trainer: L.Trainer) -> RolloutFiles:
        """The rollouts on disk: those of this run so far, and of one that it goes on with."""
        if self._files is None:
            self._files = RolloutFiles(Path(trainer.default_root_dir), trainer.global_rank)
        return self._files

    def complete(self, trainer: L.Trainer) -> RolloutFiles:
        """Write what there is into the one file; all ranks come here together.

        Returns:
            The file, which then has the rows of all ranks.
        """
        self._flush_together(trainer)
        on_rank_zero(trainer, self.files(trainer).join)
        return self.files(trainer)

    def _flush(self, trainer: L.Trainer) -> None:
        self.files(trainer).write_part(self._rows, self.settings)
        self._rows = []

    def _flush_together(self, trainer: L.Trainer) -> None:
        with together(trainer, RunError):
            self._flush(trainer)


def on_rank_zero(trainer: L.Trainer, action: Callable[[], object]) -> None:
    """Do something on rank 0 once all ranks have come here, and let none go on before it is done.

    Raises:
        RunError: On the other ranks, if rank 0 fails, which raises its own error.
    """
    trainer.strategy.barrier("before what rank 0 does alone")
    with together(trainer, RunError):
        if trainer.is_global_zero:
            action()
