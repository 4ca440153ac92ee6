"""The judge of a run: one owner, whatever the number of ranks."""

import os
import secrets
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final

import lightning as L

from speciarl_pl.contracts import check_call
from speciarl_pl.errors import JudgeError
from speciarl_pl.judge import HTTPJudge, Judge
from speciarl_pl.system.together import together

_LOOPBACK: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class _Served:
    """Where rank 0 serves the judge, or why it can not."""

    url: str
    token: str
    error: str = ""


class JudgeOwner:
    """Opens the judge of a run and closes it.

    A judge that waits for a service is opened once: rank 0 serves it, with a token made for this
    run, and the other ranks are its clients, so that all share one cache and one bound on
    concurrency. A judge that answers at once, and one that is a client already, is opened on every
    rank.

    Args:
        judge: The judge, closed.
    """

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._stack = ExitStack()

    def open(self, trainer: L.Trainer | None) -> Judge:
        """Open the judge.

        Returns:
            What this process asks.

        Raises:
            JudgeError: If it cannot be opened, on this rank or on another.
        """
        with together(trainer, JudgeError):
            check_call(self._judge, "judge", ["pairs"], JudgeError)
            return self._open(trainer)

    def _open(self, trainer: L.Trainer | None) -> Judge:
        shared = (
            trainer is not None
            and trainer.world_size > 1
            and self._judge.waits
            and not isinstance(self._judge, HTTPJudge)
        )
        if not shared:
            return self._enter(self._judge)
        assert trainer is not None
        return self._serve(trainer) if trainer.is_global_zero else self._connect(trainer)

    def close(self) -> None:
        """Close what `open` opened."""
        self._stack.close()

    def _enter(self, judge: Judge) -> Judge:
        return self._stack.enter_context(judge)

    def _serve(self, trainer: L.Trainer) -> Judge:
        """Open the judge, serve it, and tell the others where, or why not."""
        try:
            judge, served = self._start_service(trainer)
        except Exception as error:
            _broadcast(trainer, _Served("", "", str(error)))
            raise
        _broadcast(trainer, served)
        return judge

    def _start_service(self, trainer: L.Trainer) -> tuple[Judge, _Served]:
        # Here, since most runs serve nothing and need no web server.
        from speciarl_pl.judge.service.serving import BackgroundService

        local = trainer.num_nodes == 1
        token = secrets.token_urlsafe(32)
        judge = self._enter(self._judge)
        service = BackgroundService(judge, _LOOPBACK if local else "0.0.0.0", token=token)
        port = self._stack.enter_context(service).url.rpartition(":")[2]
        return judge, _Served(
            f"http://{_LOOPBACK if local else os.environ['MASTER_ADDR']}:{port}", token
        )

    def _connect(self, trainer: L.Trainer) -> Judge:
        served = _broadcast(trainer, None)
        if served.error:
            raise JudgeError(f"rank 0 could not open the judge: {served.error}")
        return self._enter(HTTPJudge(served.url, _token=served.token))


def _broadcast(trainer: L.Trainer, served: _Served | None) -> _Served:
    """What rank 0 gives, on every rank."""
    strategy: Any = trainer.strategy
    found = strategy.broadcast(served)
    assert isinstance(found, _Served)
    return found
