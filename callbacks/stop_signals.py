"""SIGTERM, Ctrl-C and SLURM's requeue signal end a run between two batches, on all ranks together.

Lightning's own handlers stop at the end of a batch without a checkpoint, save in the midst of a
step where SLURM asks for it, and leave several processes waiting for each other.
"""

import os
import signal
from contextlib import suppress
from enum import IntEnum
from types import FrameType
from typing import Any, cast

import lightning as L
import torch
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.pytorch.trainer.connectors.signal_connector import _SignalConnector


class StopKind(IntEnum):
    """What asks for a stop; of several, the largest counts."""

    NONE = 0
    INTERRUPT = 1
    TERMINATE = 2
    REQUEUE = 3


class RunStopped(SystemExit):
    """Ends a run that was asked to stop; as a `SystemExit`, a script ends with its code too.

    Args:
        signum: The signal; the exit code is 128 more, as of a shell.
        kind: What it asks for.
        hard: Whether to end at once, without saving.
    """

    def __init__(self, signum: int, kind: StopKind, hard: bool = False) -> None:
        super().__init__(128 + signum)
        self.kind = kind
        self.hard = hard
        self.children: list[Any] = []
        """Processes of the other ranks that this one has started, which end by themselves."""

    def wait(self, seconds: float = 60.0) -> None:
        """Wait for the processes of the other ranks."""
        for child in self.children:
            with suppress(Exception):
                child.wait(seconds)


class StopConnector(_SignalConnector):
    """Notes signals; raises at once only where nothing is half-done.

    Args:
        trainer: The trainer, whose `received_sigterm` stays false.
    """

    def __init__(self, trainer: L.Trainer) -> None:
        super().__init__(trainer)
        self.asked = StopKind.NONE
        self.interruptible = False
        """Whether a signal may raise wherever the main thread is. Never with several ranks, none
        of which may leave alone."""
        self._signums = {StopKind.INTERRUPT: signal.SIGINT, StopKind.TERMINATE: signal.SIGTERM}

    @property
    def slurm(self) -> SLURMEnvironment | None:
        """SLURM, if it is there and may start the job again."""
        environment = self.trainer._accelerator_connector.cluster_environment
        found = isinstance(environment, SLURMEnvironment) and environment.auto_requeue
        return cast(SLURMEnvironment, environment) if found else None

    def register_signal_handlers(self) -> None:
        """Take the place of the handlers that are there, until `teardown`."""
        self.asked = StopKind.NONE
        self._original_handlers = self._get_current_signal_handlers()
        if self.slurm is not None and self.slurm.requeue_signal is not None:
            self._signums[StopKind.REQUEUE] = self.slurm.requeue_signal
        for signum in self._signums.values():
            self._register_signal(signum, self._on_signal)

    def _on_signal(self, signum: int, frame: FrameType | None) -> None:
        kind = next(kind for kind, own in self._signums.items() if own == signum)
        if kind == StopKind.INTERRUPT and self.asked:
            _say("Stopping at once; nothing more is saved.")
            raise RunStopped(signum, kind, hard=True)
        if not self.asked and self.trainer.is_global_zero:
            _say(
                f"{signal.Signals(signum).name}: saving and stopping at the next point where "
                "nothing is half-done; another Ctrl-C stops at once"
            )
        self.asked = max(self.asked, kind)
        if self.interruptible:
            self.interruptible = False
            raise self.stopped(self.asked)

    def stopped(self, kind: StopKind) -> RunStopped:
        """What to raise."""
        return RunStopped(self.signum(kind), kind)

    def signum(self, kind: StopKind) -> int:
        """The signal that asks for it."""
        return self._signums.get(kind, signal.SIGTERM)

    def agreed(self) -> StopKind:
        """What any of the ranks was asked for; all ranks come here together."""
        if self.trainer.world_size == 1:
            return self.asked
        strategy = self.trainer.strategy
        mine = torch.tensor(float(self.asked), device=strategy.root_device)
        return StopKind(int(strategy.reduce(mine, reduce_op="max").item()))


def connector_of(trainer: L.Trainer) -> StopConnector | None:
    """The one that was installed."""
    found = trainer._signal_connector
    return found if isinstance(found, StopConnector) else None


def stop_if_asked(trainer: L.Trainer) -> None:
    """End the run on all ranks if any was asked to; all ranks come here together.

    Raises:
        RunStopped: On all ranks.
    """
    connector = connector_of(trainer)
    if connector is not None and (kind := connector.agreed()):
        raise connector.stopped(kind)


def _say(text: str) -> None:
    """Print from within a signal handler, where `print` may be at work already."""
    with suppress(OSError):
        os.write(2, f"\n{text}\n".encode())
