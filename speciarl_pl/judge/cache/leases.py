"""Asking a judge together with other processes: each question once, each answer kept."""

import json
import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Final

from speciarl_pl.category import Category
from speciarl_pl.judge.base import Judge, each_or_unjudged
from speciarl_pl.judge.cache.store import Ask, StoreError, VerdictStore
from speciarl_pl.judge.stats import JudgeStats
from speciarl_pl.records import Judgement, Pair, Unjudged, Verdict

_POLL_S: Final = (0.02, 0.5)
"""Seconds between looks at the store while another process asks: at first, at last."""

_log = logging.getLogger(__name__)


class Asker:
    """Asks `judge` about keys that are not stored, and waits where another process asks already.

    Args:
        judge: Who is asked.
        store: Where verdicts and leases are.
        lease_s: Seconds that the leases of this process last unless renewed.
    """

    def __init__(self, judge: Judge, store: VerdictStore, lease_s: float) -> None:
        self._judge = judge
        self._store = store
        self._lease_s = lease_s
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._numbers = count()
        self._renewer = _Renewer(store, self._owner, lease_s)

    def stored(self, keys: Sequence[str], stats: JudgeStats) -> dict[str, Verdict]:
        """Verdicts that the store has; a value that can not be read is dropped."""
        values = self._store.get(keys)
        read = {key: read_verdict(value) for key, value in values.items()}
        unreadable = {key: values[key] for key, verdict in read.items() if verdict is None}
        if unreadable:
            stats.count_cache("unreadable", len(unreadable))
            _log.warning(
                "%d stored verdicts could not be read and are asked again", len(unreadable)
            )
            self._store.drop(unreadable)
        return {key: verdict for key, verdict in read.items() if verdict is not None}

    def ask(
        self, questions: Mapping[str, Pair], stats: JudgeStats
    ) -> Iterator[tuple[str, Judgement]]:
        """Get a judgement for every question.

        Yields:
            Each key once, with its judgement, as they come.
        """
        ask = Ask(self._owner, str(next(self._numbers)))
        waiting = dict(questions)
        try:
            for key, judgement in self._ask(waiting, ask, stats):
                del waiting[key]
                yield key, judgement
        except StoreError as error:
            for key in waiting:
                yield key, Unjudged(f"cache: {error}", transient=True)

    def check(self) -> None:
        """Make sure that the store can be written.

        Raises:
            StoreError: If it cannot.
        """
        self._store.renew(self._owner, self._lease_s)

    def close(self) -> None:
        """Void the leases of this process and close the store."""
        self._renewer.close()
        self._store.close()

    def _ask(
        self, waiting: Mapping[str, Pair], ask: Ask, stats: JudgeStats
    ) -> Iterator[tuple[str, Judgement]]:
        """Take what is free, and wait for the rest; the caller takes keys out of `waiting`."""
        merged: set[str] = set()
        while waiting:
            self._renewer.ensure()
            holders = self._store.claim(list(waiting), ask)
            yield from self.stored([key for key in waiting if key not in holders], stats).items()
            won = {key: pair for key, pair in waiting.items() if holders.get(key) == ask}
            stats.count_cache("miss", len(won))
            yield from self._ask_judge(won, ask, stats)
            others = {key: holders[key] for key in waiting if key in holders}
            stats.count_cache("merged", len(others.keys() - merged))
            merged |= others.keys()
            yield from self._await(others, stats)

    def _ask_judge(
        self, questions: Mapping[str, Pair], ask: Ask, stats: JudgeStats
    ) -> Iterator[tuple[str, Judgement]]:
        """Ask about keys whose leases are held, and end each lease with its answer."""
        keys = list(questions)
        left = dict.fromkeys(keys)
        try:
            for place, judgement in each_or_unjudged(self._judge, list(questions.values())):
                del left[keys[place]]
                self._keep(keys[place], questions[keys[place]], judgement, ask, stats)
                yield keys[place], judgement
        finally:
            if left:
                unfinished = Unjudged("the judge did not finish", transient=True)
                self._store.release(dict.fromkeys(left, _failure_text(unfinished)), ask)

    def _keep(
        self, key: str, pair: Pair, judgement: Judgement, ask: Ask, stats: JudgeStats
    ) -> None:
        """Store a verdict; one that can not be stored is still a verdict."""
        try:
            if isinstance(judgement, Verdict):
                self._store.put({key: verdict_text(judgement, pair)}, ask)
            else:
                self._store.release({key: _failure_text(judgement)}, ask)
        except StoreError as error:
            stats.count_error("store")
            _log.warning("a verdict could not be stored: %s", error)

    def _await(
        self, holders: Mapping[str, Ask], stats: JudgeStats
    ) -> Iterator[tuple[str, Judgement]]:
        """Wait for the answers of others, until all are there or it is time to look for the dead.

        A failure counts only if it is that of the question that was waited for.
        """
        waiting = dict(holders)
        pause, limit = _POLL_S
        end = time.monotonic() + self._lease_s / 2
        while waiting and time.monotonic() < end:
            time.sleep(pause)
            pause = min(2 * pause, limit)
            for key, verdict in self.stored(list(waiting), stats).items():
                del waiting[key]
                yield key, verdict
            for key, failure in self._store.failures(list(waiting)).items():
                if failure.ask == waiting.pop(key):
                    yield key, _read_failure(failure.reason)


class _Renewer:
    """Keeps the leases of this process alive, from the first question on."""

    def __init__(self, store: VerdictStore, owner: str, lease_s: float) -> None:
        self._store, self._owner, self._lease_s = store, owner, lease_s
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()
        self._lock = threading.Lock()

    def ensure(self) -> None:
        """Make sure that leases taken now are valid."""
        with self._lock:
            if self._thread is None:
                self._closed.clear()
                self._store.renew(self._owner, self._lease_s)
                self._thread = threading.Thread(target=self._run, name="judge-lease", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Stop, and void the leases."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._closed.set()
            thread.join()
            try:
                self._store.renew(self._owner, 0)
            except StoreError as error:
                _log.warning("leases end by themselves: %s", error)

    def _run(self) -> None:
        while not self._closed.wait(self._lease_s / 3):
            try:
                self._store.renew(self._owner, self._lease_s)
            except StoreError as error:
                _log.warning("leases could not be renewed: %s", error)


def verdict_text(verdict: Verdict, pair: Pair) -> str:
    """What is stored of a verdict; the pair is there for people who look into the store."""
    fields = {
        "category": verdict.category.label,
        "source": verdict.source,
        "truth": pair.truth,
        "prediction": pair.prediction,
    }
    return json.dumps(fields | ({"dataset": pair.dataset} if pair.dataset else {}))


def read_verdict(text: str) -> Verdict | None:
    """A stored verdict, marked as cached; None if it can not be read."""
    try:
        fields = json.loads(text)
        category, source = Category.parse(fields["category"]), fields["source"]
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return Verdict(category, source, cached=True) if isinstance(source, str) else None


def _failure_text(unjudged: Unjudged) -> str:
    return json.dumps([unjudged.reason, unjudged.transient])


def _read_failure(text: str) -> Unjudged:
    reason, transient = json.loads(text)
    return Unjudged(reason, transient)
