"""What an endpoint can do is found out once in a process, whoever asks first."""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import Any, Final

from speciarl_pl.judge.llm.constraint import MODES, Mode, one_field
from speciarl_pl.judge.llm.endpoint import CallError
from speciarl_pl.judge.llm.stated_label import read_one

_UNUSUAL: Final = "speciarl-7f3a"
_QUESTION: Final = [
    {"role": "user", "content": "What is the capital of France? Answer with one word."}
]
_REFUSED: Final = (400, 422)

_known: dict[str, Future[Mode]] = {}
_lock = threading.Lock()

_log = logging.getLogger(__name__)

Complete = Callable[[list[dict[str, str]], dict[str, Any]], Awaitable[str | None]]
"""Asks for a completion with further fields; None for an unreadable one."""


class _AbandonedError(Exception):
    """Whoever was finding out was stopped."""


async def working_mode(target: str, complete: Complete) -> Mode:
    """The first mode that works for `target`, from memory or by asking.

    Callers of any thread share one inquiry. If it fails, all who wait for it are told, and the next
    caller begins anew.

    Args:
        target: Whom the answer is about: endpoint, model and how it is asked.
        complete: Asks there.

    Raises:
        CallError: If the endpoint gave no reply.
    """
    while True:
        with _lock:
            future = _known.get(target)
            if future is None:
                mine = _known[target] = Future()
                mine.set_running_or_notify_cancel()  # one who waits cannot cancel it for others
        if future is None:
            return await _inquire(target, complete, mine)
        try:
            return await asyncio.wrap_future(future)
        except _AbandonedError:
            continue


async def _inquire(target: str, complete: Complete, future: Future[Mode]) -> Mode:
    try:
        mode = await _find_mode(complete)
    except BaseException as error:
        with _lock:
            del _known[target]
        future.set_exception(error if isinstance(error, Exception) else _AbandonedError())
        raise
    future.set_result(mode)
    level = logging.WARNING if mode == "text" else logging.INFO
    _log.log(level, "constraint of replies that works for %s: %s", target, mode)
    return mode


async def _find_mode(complete: Complete) -> Mode:
    """Try the modes in order; servers ignore fields they do not know, so an answer has to prove it.

    The only choice allowed is one that no LLM would make by itself.
    """
    for mode in MODES[:-1]:
        try:
            reply = await complete(_QUESTION, one_field(mode, [_UNUSUAL]))
        except CallError as error:
            if error.status not in _REFUSED:
                raise
            continue
        if reply is not None and read_one(reply, [_UNUSUAL]):
            return mode
    return "text"
