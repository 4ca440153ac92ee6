"""SIGTERM, Ctrl-C, a closed terminal and SLURM's requeue signal end a run, on all ranks together.

Lightning's own handlers stop at the end of a batch without a checkpoint, save in the midst of a
step where SLURM asks for it, and leave several processes waiting for each other.
"""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import IntEnum
from types import FrameType
from typing import Any, Final, cast

import lightning as L
import torch
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.pytorch.trainer.connectors.signal_connector import _SignalConnector


class StopKind(IntEnum):
    """What asks for a stop; of several, the largest counts."""

    NONE = 0
    INTERRUPT = 1
    HANG_UP = 2
    TERMINATE = 3
    REQUEUE = 4


TWICE_S: Final = 1.0
"""A second Ctrl-C counts from here on: torchrun passes on what all have from the terminal."""


class LeftWork(BaseException):
    """One of several ranks was told to stop within `alone`; `together` has it wait for the rest."""


class RunStopped(SystemExit):
    """Ends a run that was asked to stop; as a `SystemExit`, a script ends with its code too.

    Args:
        signum: The signal; the exit code is 128 more, as of a shell.
        kind: What it asks for.
        hard: Whether to end at once, without saving.
        begun: Whether there is anything to save.
    """

    def __init__(self, signum: int, kind: StopKind, hard: bool = False, begun: bool = True) -> None:
        super().__init__(128 + signum)
        self.kind = kind
        self.hard = hard
        self.begun = begun
        self.children: list[Any] = []
        """Processes of the other ranks that this one has started, which end by themselves."""

    def wait(self, seconds: float = 60.0) -> None:
        """Wait for the processes of the other ranks; after a hard stop they are ended."""
        for child in self.children:
            if self.hard:
                child.kill()
            with suppress(Exception, KeyboardInterrupt):  # all is saved: a Ctrl-C ends the waiting
                child.wait(seconds)


class StopConnector(_SignalConnector):
    """Notes signals; raises at once only where nothing is half-done.

    Args:
        trainer: The trainer, whose `received_sigterm` stays false.
    """

    def __init__(self, trainer: L.Trainer) -> None:
        super().__init__(trainer)
        self.asked = StopKind.NONE
        self.asked_at = 0.0
        """When, by `time.monotonic`."""
        self.interruptible = False
        """Whether a signal may raise wherever the main thread is. With several ranks only within
        `alone`, since none of them may leave where others wait for it."""
        self.starting = True
        """Whether no batch was begun yet: then there is nothing to save, and any rank may leave."""
        self._signums = {
            StopKind.INTERRUPT: signal.SIGINT,
            StopKind.HANG_UP: signal.SIGHUP,
            StopKind.TERMINATE: signal.SIGTERM,
        }
        self._registered = False

    @property
    def slurm(self) -> SLURMEnvironment | None:
        """SLURM, if it is there and may start the job again."""
        environment = self.trainer._accelerator_connector.cluster_environment
        found = isinstance(environment, SLURMEnvironment) and environment.auto_requeue
        return cast(SLURMEnvironment, environment) if found else None

    def register_signal_handlers(self) -> None:
        """Take the place of the handlers that are there, until `teardown`; once is enough."""
        if self._registered:
            return
        self._registered = True
        self._original_handlers = self._get_current_signal_handlers()
        if self.slurm is not None and self.slurm.requeue_signal is not None:
            self._signums[StopKind.REQUEUE] = self.slurm.requeue_signal
        for kind, signum in self._signums.items():
            # nohup ignores the end of the terminal, and so do we.
            if kind != StopKind.HANG_UP or signal.getsignal(signum) != signal.SIG_IGN:
                self._register_signal(signum, self._on_signal)

    def teardown(self) -> None:
        """Give their places back."""
        super().teardown()
        self._registered = False

    def kind(self, signum: int) -> StopKind:
        """What a signal asks for."""
        return next((k for k, own in self._signums.items() if own == signum), StopKind.NONE)

    def is_hard(self, kind: StopKind) -> bool:
        """Whether one that comes now means to stop at once: another Ctrl-C."""
        again = bool(self.asked) and time.monotonic() - self.asked_at > TWICE_S
        return kind == StopKind.INTERRUPT and again

    def _on_signal(self, signum: int, frame: FrameType | None) -> None:
        kind = self.kind(signum)
        if self.is_hard(kind):
            _say("Stopping at once; nothing more is saved.")
            raise RunStopped(signum, kind, hard=True)
        if not self.asked:
            self.asked_at = time.monotonic()
            if self.trainer.is_global_zero and not self.starting:
                _say(
                    f"{signal.Signals(signum).name}: saving and stopping at the next point where "
                    "nothing is half-done; another Ctrl-C stops at once"
                )
        again, self.asked = bool(self.asked), max(self.asked, kind)
        if self.starting and not again:
            raise self.stopped(kind)
        if self.interruptible:
            self.interruptible = False
            raise self._leaving()

    def _leaving(self) -> BaseException:
        return LeftWork() if self.trainer.world_size > 1 else self.stopped(self.asked)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """See the function of that name."""
        self.interruptible = True
        try:
            if self.asked:  # asked for before; a signal from here on raises by itself
                raise LeftWork
            yield
        finally:
            self.interruptible = False

    def stopped(self, kind: StopKind) -> RunStopped:
        """What to raise."""
        return RunStopped(self.signum(kind), kind, begun=not self.starting)

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
    found = getattr(trainer, "_signal_connector", None)
    return found if isinstance(found, StopConnector) else None


@contextmanager
def alone(trainer: L.Trainer | None) -> Iterator[None]:
    """Context of long work in which a rank waits for no other, and which a stop may so cut short.

    It stands within `together`, and `stop_if_asked` follows that: the ranks meet there, and end.
    A single process can be stopped in any case, from the beginning of a batch.
    """
    connector = connector_of(trainer) if trainer is not None else None
    if trainer is None or connector is None or trainer.world_size == 1:
        yield
        return
    with connector.alone():
        yield


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
