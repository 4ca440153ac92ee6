"""A thread that notices what the main thread cannot while it waits for other ranks.

Python runs a signal's handler in the main thread, between two steps of its own: one that waits for
another rank within torch never comes to it, and a rank that is told to stop alone, or is killed,
leaves the others waiting until their time-out, which may be half an hour.
"""

import os
import select
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import lightning as L
import torch.distributed

from speciarl_pl.system.stop_signals import TWICE_S, StopConnector, StopKind

_KEY: Final = "speciarl_pl/stop"
"""Where in the store of the process group the ranks tell each other what they were asked for."""

_POLL_S: Final = 0.25
_GRACE_S: Final = 5.0
"""What a rank has to end by itself before it is ended."""

LEADER_VARIABLE: Final = "SPECIARL_LEADER"
"""Tells the processes that Lightning starts which one has started them."""


class RankWatch(threading.Thread):
    """Passes on what a rank is asked for, and ends this one if another is gone.

    Args:
        trainer: The trainer, whose process group is up.
        connector: Told what the other ranks were asked for.
        children: The processes of the other ranks, where this one has started them.
        say_end: Says on the first rank why the process is ended from here.
    """

    def __init__(
        self,
        trainer: L.Trainer,
        connector: StopConnector,
        children: Sequence[subprocess.Popen[bytes]],
        say_end: Callable[[str], None],
    ) -> None:
        super().__init__(daemon=True, name="rank-watch")
        self.lost = ""
        """Which rank is gone; empty if none is."""
        self._connector = connector
        self._children = children
        self._say_end = say_end
        self._several = trainer.world_size > 1
        self._store = _store() if self._several else None
        self._leader = os.getppid() if _started_by_leader() else None
        self._first: float | None = None
        self._end: tuple[float, int, str] | None = None
        self._over = threading.Event()
        self._harmless = False
        """Whether this process is left alone from here on, whatever it was sent before."""
        self._from, self._to = socket.socketpair()
        self._fd_before = -1

    def begin(self) -> None:
        """Begin; in the main thread, which alone can say where signals are noted."""
        self._from.setblocking(False)
        self._to.setblocking(False)
        if threading.current_thread() is threading.main_thread():
            self._fd_before = signal.set_wakeup_fd(self._to.fileno(), warn_on_full_buffer=False)
        self.start()

    def close(self, failed: bool = False) -> None:
        """Look no longer.

        Args:
            failed: Whether an end that is due still has to come: with several ranks the end of a
                process may wait for one that is gone.
        """
        self._harmless = not (failed and self._several)
        if self._harmless:
            self._end = None
        if self._over.is_set():
            return
        if threading.current_thread() is threading.main_thread():
            signal.set_wakeup_fd(self._fd_before)
        self._over.set()
        with suppress(OSError):  # the thread may have seen it by itself, and closed both ends
            self._to.send(b"\0")
        if self._end is None:
            self.join(_GRACE_S)

    def wait_for_loss(self, seconds: float = 2 * _POLL_S + 0.5) -> str:
        """Which rank is gone, of which this one may have heard by a broken connection first."""
        end = time.monotonic() + seconds
        while not self.lost and time.monotonic() < end:
            time.sleep(0.05)
        return self.lost

    def end_in(self, seconds: float, code: int, why: str) -> None:
        """End the process then, unless it has ended by itself; only the first such call counts."""
        if self._end is None and not self._harmless:
            self._end = (time.monotonic() + seconds, code, why)

    # ------------------------------------------------------------ the thread

    def run(self) -> None:
        """Look at signals, the other ranks and the clock."""
        while not (self._over.is_set() and (self._harmless or self._end is None)):
            ready, _, _ = select.select([self._from], [], [], _POLL_S)
            if ready:
                for signum in self._from.recv(64):
                    self._note(self._connector.kind(signum))
            if not self._over.is_set():
                self._hear()
                self._look_at_children()
            self._end_if_due()
        self._from.close()
        self._to.close()

    def _note(self, kind: StopKind) -> None:
        """What this process was sent, also while its main thread cannot see it."""
        if not kind:
            return
        now = time.monotonic()
        if self._first is None:
            self._first = now
            self._tell(kind)
            if self._connector.starting:
                self.end_in(_GRACE_S, 128 + self._connector.signum(kind), "")
        elif kind == StopKind.INTERRUPT and now - self._first > TWICE_S:
            self._end = None
            self.end_in(_GRACE_S, 128 + self._connector.signum(kind), "")

    def _tell(self, kind: StopKind) -> None:
        if self._store is not None:
            with suppress(RuntimeError):
                self._store.set(_KEY, str(int(kind)))

    def _hear(self) -> None:
        """What another rank was sent; this one then sends itself the same."""
        if self._store is None or self._first is not None:
            return
        if self._leader is not None and os.getppid() != self._leader:
            self._lose("rank 0 has ended")
            return  # it keeps the store
        try:
            if self._store.check([_KEY]):
                self._first = time.monotonic()
                kind = StopKind(int(self._store.get(_KEY)))
                if self._connector.starting:
                    self.end_in(_GRACE_S, 128 + self._connector.signum(kind), "")
                os.kill(os.getpid(), self._connector.signum(kind))
        except RuntimeError:
            self._store = None
            self._lose("rank 0 has ended")

    def _look_at_children(self) -> None:
        expected = {0, *(128 + self._connector.signum(kind) for kind in StopKind)}
        for rank, child in enumerate(self._children, start=1):
            code = child.poll()
            if code is not None and code not in expected:
                how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
                self._lose(f"rank {rank} has ended {how}")

    def _lose(self, what: str) -> None:
        if not self.lost:
            self.lost = what
            self.end_in(_GRACE_S, 1, what)

    def _end_if_due(self) -> None:
        due = self._end
        if due is None or self._harmless or time.monotonic() < due[0]:
            return
        _, code, why = due
        with suppress(Exception):
            self._say_end(why)
        for child in self._children:
            child.kill()
        os._exit(code)


def watch_leader() -> None:
    """End this process when the one that started it is gone; for a rank that Lightning started."""
    leader = int(os.environ.get(LEADER_VARIABLE, "0"))
    if not leader:
        return
    if os.getppid() != leader:
        if not Path("/proc", str(leader)).exists() and Path("/proc/self").exists():
            os._exit(1)  # it was gone before this process had come so far
        return

    def watch() -> None:
        while os.getppid() == leader:
            time.sleep(_POLL_S)
        time.sleep(2 * _GRACE_S)  # what it still has to do in peace, as after a run that is over
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="leader-watch").start()


def _started_by_leader() -> bool:
    return os.environ.get(LEADER_VARIABLE) == str(os.getppid())


def _store() -> Any:
    """A connection of our own to the store of the process group; None where there is none."""
    with suppress(Exception):
        store: Any = torch.distributed.distributed_c10d._get_default_store()
        return store.clone()
    return None
