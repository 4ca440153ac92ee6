"""A run that has to stop is saved as of its last finished batch, and says how to go on."""

import re
import shlex
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

import lightning as L
from lightning.fabric.utilities.rank_zero import rank_zero_only

from speciarl_pl.errors import RunError, TrainingError, UnjudgedError
from speciarl_pl.module import SpeciaRLModule
from speciarl_pl.records import Batch
from speciarl_pl.run.checkpoint import NEWEST, newest_checkpoint
from speciarl_pl.run.metrics_csv import MetricsCSV
from speciarl_pl.system.random_states import get_rng_state, set_rng_state
from speciarl_pl.system.rank_watch import RankWatch
from speciarl_pl.system.stop_signals import (
    RunStopped,
    StopConnector,
    StopKind,
    connector_of,
    stop_if_asked,
)
from speciarl_pl.system.terminal import say

STOPPED: Final = "stopped.ckpt"
"""Name of the file among the run's checkpoints."""


_CLOSED: Final = re.compile("connection (closed|reset)|broken pipe", re.IGNORECASE)
"""What torch says when the process at the other end is gone."""


class StopCheckpoint(L.Callback):
    """Saves a run that is told to stop, or that stops by itself since it cannot go on.

    A signal (SIGTERM, Ctrl-C, the end of the terminal, SLURM's requeue signal) ends the run at once
    while rollouts are drawn or judged, whichever rank it comes to; with one process, up to the
    first optimiser step of a batch. From there to the end of the batch, and while a file is
    written, it ends at the next batch. What is saved is the state after the last finished batch:
    the batch that was under way comes first when the run goes on. By itself a run stops when too
    much is left unjudged, or when it has learned and no longer does. In both cases all ranks stop
    together, so all of them can save; after any other failure a checkpoint might wait for a rank
    for ever. A rank that is gone ends the others within seconds.

    It comes before all other callbacks.

    Args:
        command: The command line of the run, without `--ckpt_path` and `--run_dir`; null where the
            run is no command.
    """

    def __init__(self, command: Sequence[str] | None = None) -> None:
        self._command = command
        self._random_state: dict[str, Any] | None = None
        self._watch: RankWatch | None = None
        self._children: list[Any] = []

    # --------------------------------------------------------------- signals

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Put our signal handlers in the place of Lightning's, and our watch of the other ranks."""
        connector = trainer._signal_connector = StopConnector(trainer)
        # Lightning kills this process where one that it started has ended with an exit code.
        processes = getattr(trainer.strategy.launcher, "procs", [])
        self._children = list(processes)
        processes.clear()
        said = partial(self._say_end, trainer)
        self._watch = RankWatch(trainer, connector, self._children, said)
        self._watch.begin()
        connector.register_signal_handlers()

    def on_fit_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Say so if there was nothing left to do."""
        assert isinstance(pl_module, SpeciaRLModule)
        connector = connector_of(trainer)
        if connector is not None and connector.starting and pl_module.batches_trained:
            _print(
                f"This run was finished before, after {pl_module.batches_trained} batches; for "
                "more of them raise --trainer.max_steps or --trainer.max_epochs"
            )

    def teardown(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Look no longer at signals and ranks."""
        if self._watch is not None:
            self._watch.close()

    def on_train_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Batch, batch_idx: int
    ) -> None:
        """Stop here if asked to; from here on a signal may stop at once."""
        self._random_state = get_rng_state()
        self._begin(trainer)

    def on_validation_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Keep the random state to which a validation that is stopped goes back."""
        self._random_state = get_rng_state()

    def on_validation_batch_start(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        batch: Batch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Stop here if asked to; from here on a signal may stop at once."""
        self._begin(trainer)

    on_predict_batch_start = on_validation_batch_start

    def on_before_optimizer_step(self, trainer: L.Trainer, *args: Any) -> None:
        """From here on a batch is half-done."""
        self._close(trainer)

    def on_train_batch_end(self, trainer: L.Trainer, *args: Any) -> None:
        """Files may be written from here on, and what is saved has this batch."""
        self._close(trainer)
        self._random_state = None

    def on_validation_batch_end(self, trainer: L.Trainer, *args: Any, **kwargs: Any) -> None:
        """Files may be written from here on."""
        self._close(trainer)

    on_predict_batch_end = on_validation_batch_end

    def _begin(self, trainer: L.Trainer) -> None:
        connector = connector_of(trainer)
        if connector is not None:
            connector.starting = False
            connector.interruptible = trainer.world_size == 1
        stop_if_asked(trainer)

    def _close(self, trainer: L.Trainer) -> None:
        connector = connector_of(trainer)
        if connector is not None:
            connector.interruptible = False

    # ---------------------------------------------------------------- saving

    def on_save_checkpoint(
        self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Write the metrics of all steps that the checkpoint has."""
        assert isinstance(pl_module, SpeciaRLModule)
        pl_module.hand_over_row()
        for logger in trainer.loggers:
            if isinstance(logger, MetricsCSV):
                logger.save()

    def on_load_checkpoint(
        self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Forget the metrics of steps that the checkpoint does not have."""
        assert isinstance(pl_module, SpeciaRLModule)
        for logger in trainer.loggers:
            if isinstance(logger, MetricsCSV) and trainer.state.fn == "fit":
                logger.drop_from(pl_module.batches_trained)

    def on_exception(
        self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException
    ) -> None:
        """Save, and say how to go on."""
        self._close(trainer)
        try:
            self._end(trainer, exception)
        finally:
            if self._watch is not None:
                self._watch.close(failed=True)

    def _end(self, trainer: L.Trainer, exception: BaseException) -> None:
        if isinstance(exception, RunStopped):
            exception.children = self._children
        if self._is_lost(trainer, exception):
            return
        stopped = isinstance(exception, RunStopped) and not exception.hard
        if not stopped and not _worth_saving(exception):
            return
        if not getattr(exception, "begun", True):
            said = f"Stopped before the first batch. {self._go_on(trainer)}"
        elif trainer.state.fn != "fit":
            said = f"What was drawn and judged so far is kept. {self._go_on(trainer)}"
        else:
            said = self._save(trainer, getattr(exception, "kind", StopKind.NONE))
        if stopped:
            _print(said)
        elif trainer.state.fn == "fit":
            exception.args = (f"{exception}. Once that is mended: {said}",)

    def _is_lost(self, trainer: L.Trainer, exception: BaseException) -> bool:
        """Whether this is what a rank that is gone has brought about; if so, says so."""
        if trainer.world_size == 1 or self._watch is None:
            return False
        if not isinstance(exception, RuntimeError):  # as torch raises, in all its kinds
            return False
        broken = "another rank has ended" if _CLOSED.search(str(exception)) else ""
        if what := self._watch.wait_for_loss() or broken:
            exception.lost = RunError(self._without(trainer, what))  # type: ignore[attr-defined]
        return bool(what)

    def _without(self, trainer: L.Trainer, what: str) -> str:
        return f"{what}, and the run cannot go on without it. {self._go_on(trainer)}"

    def _say_end(self, trainer: L.Trainer, lost: str) -> None:
        """Say why the watch ends this process, on the first rank that is left."""
        gone = lost.startswith("rank 0")
        if trainer.global_rank != gone:
            return
        if lost:
            say(f"error: {self._without(trainer, lost)}", stderr=True)
        elif (connector := connector_of(trainer)) is not None and connector.starting:
            say(f"Stopped before the first batch. {self._go_on(trainer)}", stderr=True)

    def _save(self, trainer: L.Trainer, kind: StopKind) -> str:
        """Save on all ranks; says where, and how to go on."""
        if self._random_state is not None:
            set_rng_state(self._random_state)
        connector = connector_of(trainer)
        run = Path(trainer.default_root_dir)
        path = run / "checkpoints" / STOPPED
        requeued = kind >= StopKind.TERMINATE and connector is not None and connector.slurm
        try:
            if requeued and connector is not None:
                _save_for_slurm(connector, kind)
                return "The run was saved; started again by SLURM, the same command goes on."
            trainer.save_checkpoint(path)
        except RunError as error:
            newest = newest_checkpoint(run)
            if newest is None:
                return f"The run could not be saved: {error}."
            return f"The run could not be saved: {error}. {self._go_on(trainer, newest)}"
        return f"The run was saved. {self._go_on(trainer, path)}"

    def _go_on(self, trainer: L.Trainer, path: Path | None = None) -> str:
        """How to go on."""
        if self._command is None:
            where = f" with ckpt_path={str(path)!r}" if path else ""
            return f"It goes on by trainer.{str.__str__(trainer.state.fn)}{where}"
        words = [*self._command, "--run_dir", str(trainer.default_root_dir)]
        if trainer.state.fn == "fit":
            words += ["--ckpt_path", NEWEST]
        return f"It goes on with: {shlex.join(words)}"


def _worth_saving(error: BaseException) -> bool:
    """Whether all ranks end by this error together, with something that was learned."""
    return isinstance(error, UnjudgedError) or (
        isinstance(error, TrainingError) and not error.untrained
    )


def _save_for_slurm(connector: StopConnector, kind: StopKind) -> None:
    """Save where Lightning looks when SLURM starts the job again, and ask SLURM to do so.

    A job that is terminated and not asked to be started again may be pre-empted: then SLURM does
    that by itself.
    """
    trainer = connector.trainer
    if kind == StopKind.REQUEUE:
        connector._slurm_sigusr_handler_fn(connector.signum(kind), None)  # type: ignore[arg-type]
    else:
        directory = trainer.default_root_dir
        trainer.save_checkpoint(trainer._checkpoint_connector.hpc_save_path(directory))


@rank_zero_only
def _print(text: str) -> None:
    with suppress(OSError):  # the terminal may be gone
        say(text, stderr=True)
