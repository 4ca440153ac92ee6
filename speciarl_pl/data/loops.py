"""Lightning's training loops, which begin where a checkpoint says, and say where they are.

Lightning restores its loops from counters whose meaning depends on the hook in which they were
saved, and differently under `max_steps` and `max_epochs`: a run that ended within an epoch has an
epoch too many, a validation after the last batch is lost, another one is done twice. Here the loops
begin afresh, behind the batches that were done.
"""

from dataclasses import replace
from typing import Any, cast

import lightning as L
from lightning.pytorch.loops.evaluation_loop import _EvaluationLoop
from lightning.pytorch.loops.fetchers import _DataFetcher
from lightning.pytorch.loops.fit_loop import _FitLoop
from lightning.pytorch.loops.progress import _Progress
from lightning.pytorch.loops.training_epoch_loop import _TrainingEpochLoop
from lightning.pytorch.trainer.states import RunningStage, TrainerFn

from speciarl_pl.data.loader import ResumableLoader
from speciarl_pl.data.of_trainer import data_of
from speciarl_pl.data.position import Position, older_position
from speciarl_pl.errors import RunError
from speciarl_pl.system.stop_signals import stop_if_asked


def install_loops(trainer: L.Trainer) -> "PositionedFitLoop":
    """Give a trainer these loops in place of its own; nothing to do if it has them."""
    old: Any = trainer.fit_loop
    if isinstance(old, PositionedFitLoop):
        return old
    new = PositionedFitLoop(trainer, old.min_epochs, old.max_epochs)
    new.epoch_loop = PositionedEpochLoop(trainer, old.min_steps, old.max_steps)
    new._data_source = old._data_source
    new.epoch_loop.val_loop._data_source = old.epoch_loop.val_loop._data_source
    trainer.fit_loop = new
    return new


class _NotedEvaluationLoop(_EvaluationLoop):
    """Notes that a validation is done before the hook in which checkpoints are saved."""

    def _on_evaluation_end(self, *args: Any, **kwargs: Any) -> None:
        loop = self.trainer.fit_loop
        assert isinstance(loop, PositionedFitLoop)
        if self.trainer.sanity_checking:
            loop.base_validated = True
        else:
            loop.epoch_loop.finished = loop.epoch_loop.batches
        super()._on_evaluation_end(*args, **kwargs)


class PositionedEpochLoop(_TrainingEpochLoop):
    """Runs the rest of an epoch.

    Args:
        trainer: The trainer.
        min_steps: As Lightning's.
        max_steps: As Lightning's.
    """

    def __init__(
        self, trainer: L.Trainer, min_steps: int | None = None, max_steps: int = -1
    ) -> None:
        super().__init__(trainer, min_steps, max_steps)
        self.val_loop = _NotedEvaluationLoop(
            trainer,
            TrainerFn.FITTING,
            RunningStage.VALIDATING,
            verbose=False,
            inference_mode=False,
        )
        self.behind = 0
        """Batches of the epoch that an earlier run has done."""
        self.left = False
        """Whether what comes after the last batch, such as a validation, is left to do."""
        self.finished = 0
        """Batches, of all epochs, at the last of which that was done."""

    @property
    def batches(self) -> int:
        """Batches done, of all epochs."""
        return int(cast(Any, self.batch_progress.total).processed)

    @property
    def done(self) -> bool:
        """Whether the epoch is over for this run."""
        return not self.left and super().done

    def on_run_start(self, data_fetcher: _DataFetcher) -> None:
        """Begin behind the batches that were done."""
        super().on_run_start(data_fetcher)
        if self.behind:
            _set(self.batch_progress.current, self.behind)
            data_fetcher.fetched += self.behind

    def advance(self, data_fetcher: _DataFetcher) -> None:
        """Take one batch; none if something is left to do after the last one."""
        if self.left:
            self.left = False
            self.val_loop.restarting = False
            return
        super().advance(data_fetcher)

    def on_advance_end(self, data_fetcher: _DataFetcher) -> None:
        """Validate if that is due, and note that it is done; stop here if asked to."""
        super().on_advance_end(data_fetcher)
        self.finished = self.batches
        stop_if_asked(self.trainer)  # before workers are asked for the next batch


class PositionedFitLoop(_FitLoop):
    """Begins where `begin_at` says, whatever of Lightning's own state is in the checkpoint."""

    epoch_loop: PositionedEpochLoop

    def __init__(
        self, trainer: L.Trainer, min_epochs: int | None = 0, max_epochs: int | None = None
    ) -> None:
        super().__init__(trainer, min_epochs, max_epochs)
        self.base_validated = False
        """Whether the validation before training was done."""
        self._begin: Position | None = None
        self._epoch = 0

    @property
    def done(self) -> bool:
        """Whether nothing is left, neither batches nor a validation after the last one."""
        return not self.epoch_loop.left and super().done

    def begin_at(self, position: Position) -> None:
        """Set where the run begins, before Lightning loads its own state."""
        self._begin = position

    def load_state_dict(self, state_dict: dict[str, Any], prefix: str = "") -> None:
        """Set all counters to the position of the checkpoint.

        Raises:
            RunError: If training was to end before that epoch.
        """
        if self._begin is None and (older := older_position(state_dict)):
            data_of(self.trainer).load_state_dict({"skipped": [], "position": older})
        if self._begin is None:
            super().load_state_dict(state_dict, prefix)
            return
        begin = self._begin
        if self.max_epochs is not None and -1 < self.max_epochs < begin.epoch:
            raise RunError(
                f"trainer.max_epochs: expected at least {begin.epoch}, where the checkpoint is,"
                f" got {self.max_epochs}; take an earlier checkpoint or train for longer"
            )
        loop = self.epoch_loop
        epoch = begin.epoch + (begin.over and begin.validated)
        loop.left = not begin.validated
        loop.finished = begin.batches if begin.validated else -1
        _set(self.epoch_progress, epoch)
        _set(loop.batch_progress.total, begin.batches)
        _set(loop.manual_optimization.optim_step_progress.total, begin.batches)
        loop._batches_that_stepped = begin.batches - loop.left
        self.base_validated = begin.base_validated or begin.batches > 0
        # Lightning validates the base unless this loop says that it is restarting.
        loop.val_loop.restarting = self.base_validated
        self._epoch = epoch

    def run(self) -> None:
        """Train."""
        self.setup_data()
        if self._begin is not None and self._combined_loader is not None:
            self._find_batch(self._begin)
        super().run()

    def _find_batch(self, begin: Position) -> None:
        """The batch to begin with, which depends on the batch size and on limits of today."""
        loop, length = self.epoch_loop, int(self.max_batches)
        if self._epoch > begin.epoch:
            return
        loop.behind = length if begin.over else min(begin.seen // self._loader.step_size, length)
        if loop.behind == length and not loop.left:  # epochs are shorter now than they were
            self._epoch, loop.behind = self._epoch + 1, 0
            _set(self.epoch_progress, self._epoch)

    def on_advance_start(self) -> None:
        """Begin an epoch: say which, to the loader too."""
        first = self._begin is not None
        self._begin = None
        self.epoch_loop.batch_progress.reset_on_run()
        if not first:
            self.epoch_loop.behind = 0
        self._epoch = cast(Any, self.epoch_progress.current).processed
        if self._combined_loader is not None:
            self._loader.go_to(self._epoch, self.epoch_loop.behind)
        super().on_advance_start()

    def position(self) -> Position:
        """Where training is: behind the last batch that was finished."""
        if self._begin is not None:  # no batch was asked for yet
            base = self.base_validated or self._begin.base_validated
            return replace(self._begin, base_validated=base)
        loop = self.epoch_loop
        current: Any = loop.batch_progress.current
        done = max(current.processed, loop.behind)
        cut = loop.batch_progress.is_last_batch and current.processed == current.ready
        return Position(
            epoch=self._epoch,
            seen=done * self._loader.step_size if self._combined_loader is not None else 0,
            over=done > 0 and (done >= self.max_batches or cut),
            batches=loop.batches,
            validated=loop.finished == loop.batches,
            base_validated=self.base_validated or loop.batches > 0,
        )

    @property
    def _loader(self) -> ResumableLoader:
        assert self._combined_loader is not None
        (loader,) = self._combined_loader.flattened
        return cast(ResumableLoader, loader)


def _set(progress: Any, count: int) -> None:
    """Set all counts of an event, current and total."""
    whole = isinstance(progress, _Progress)
    for tracker in (progress.total, progress.current) if whole else (progress,):
        for name in vars(tracker):
            setattr(tracker, name, count)
