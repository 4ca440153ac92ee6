"""A judge that is asked about a pair once, whoever asks."""

import hashlib
import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, as_completed
from typing import Final

from speciarl_pl.answer import answer_key
from speciarl_pl.judge.base import Judge, StreamingJudge, each_or_unjudged
from speciarl_pl.judge.cache.redis_store import RedisStore
from speciarl_pl.judge.cache.sqlite_store import SQLiteStore
from speciarl_pl.judge.cache.store import (
    StoreError,
    VerdictStore,
    read_verdict,
    verdict_text,
)
from speciarl_pl.judge.stats import JudgeStats
from speciarl_pl.records import Judgement, Pair, Verdict

DEFAULT_STORE: Final = "~/.cache/speciarl_pl/verdicts.sqlite"
"""Shared by all runs of a user on this machine."""


def open_store(store: str) -> VerdictStore:
    """Open the store that `store` names.

    Args:
        store: A Redis URL (`redis://`, `rediss://`, `unix://`), or the path of an SQLite file.

    Raises:
        ValueError: If it is another kind of URL, or empty.
        JudgeError: If the file cannot be used.
        MissingExtraError: If the client for Redis is not installed.
    """
    if store.startswith(("redis://", "rediss://", "unix://")):
        return RedisStore(store)
    if not store or "://" in store:
        raise ValueError(
            f"store: expected the path of an SQLite file or redis://..., got {store!r}"
        )
    return SQLiteStore(store)


_MEMORY: Final = 100_000
"""Verdicts kept in this process, about 40 MB."""
_PROBE: Final = {"is it written?": "yes"}
"""Like no verdict: keys of those are hexadecimal."""

_log = logging.getLogger(__name__)


class CachedJudge(StreamingJudge):
    """Keeps the verdicts of another judge, and merges questions that are on their way.

    The key of a verdict is made of all that it depends on: truth and prediction, folded as in
    `answer_key`, the data set if the judge behind reads it, and the `fingerprint` of the judge (for
    an LLM: category set, text of the prompt, model, revision, decoding settings). A failure is told
    to all who waited for that very question and is not kept. A stored value that cannot be read is
    dropped and asked for again.

    A thread that asks about a pair which another one is asking about waits for that answer; two
    processes may both ask. A question that was begun is finished and its verdict stored even if
    nobody waits for it any more.

    Args:
        judge: The judge behind; it has to have a fingerprint.
        store: Path of an SQLite file on a local disk, or `redis://...` for many nodes.

    Raises:
        ValueError: If `judge` has no fingerprint, or `store` names none.
        JudgeError: If the store cannot be used at all.
    """

    def __init__(self, judge: Judge, store: str = DEFAULT_STORE) -> None:
        if judge.fingerprint is None:
            raise ValueError(
                f"judge: expected one whose verdicts can be stored, such as LLMJudge; "
                f"{type(judge).__name__} has no fingerprint"
            )
        self.judge_behind = judge
        self._prefix = hashlib.sha256(judge.fingerprint.encode()).digest()
        self._store = open_store(store)
        self._memory: dict[str, Verdict] = {}
        self._flying: dict[str, Future[Judgement]] = {}
        self._lock = threading.Lock()

    @property
    def waits(self) -> bool:
        """Whether the judge behind waits."""
        return self.judge_behind.waits

    @property
    def reads_dataset(self) -> bool:
        """Whether the judge behind does."""
        return self.judge_behind.reads_dataset

    @property
    def fingerprint(self) -> str | None:
        """That of the judge behind."""
        return self.judge_behind.fingerprint

    def use(self, stats: JudgeStats) -> None:
        """Count into `stats`, as does the judge behind."""
        super().use(stats)
        self.judge_behind.use(stats)

    def check(self) -> None:
        """Make sure that the judge behind answers and that the store takes what it is given."""
        self.judge_behind.check()
        self._store.put(_PROBE)
        self._store.drop(_PROBE)

    def open(self) -> None:
        """Open the judge behind."""
        self.use(self.stats)
        self.judge_behind.open()

    def close(self) -> None:
        """Close the judge behind, which ends the questions that are on their way, and the store."""
        with self._lock:
            flying = list(self._flying.values())
        self.judge_behind.close()
        for future in flying:
            future.exception()
        self._store.close()

    def judge_each(self, pairs: Sequence[Pair]) -> Iterator[tuple[int, Judgement]]:
        """Judge `pairs`: first those that are known, then the others as they come."""
        if not self.judge_behind.reads_dataset:  # one verdict serves all, also those stored before
            pairs = [Pair(pair.truth, pair.prediction) for pair in pairs]
        keys = [verdict_key(self._prefix, pair) for pair in pairs]
        known = self._known(keys)
        missing: dict[str, list[int]] = {}
        for place, key in enumerate(keys):
            verdict = known.get(key)
            if verdict is not None:
                yield place, verdict
            else:
                missing.setdefault(key, []).append(place)
        if missing:
            yield from self._asked(pairs, missing)

    def _known(self, keys: Sequence[str]) -> dict[str, Verdict]:
        """Verdicts of this process's memory and of the store."""
        memory = self._memory
        known = {key: memory[key] for key in keys if key in memory}
        unknown = list(dict.fromkeys(key for key in keys if key not in known))
        if unknown:
            stored = self._stored(unknown)
            self._remember(stored)
            known |= stored
        self.stats.count_cache("hit", sum(key in known for key in keys))
        return known

    def _stored(self, keys: Sequence[str]) -> dict[str, Verdict]:
        """Verdicts of the store; a value that can not be read is dropped."""
        values = self._store.get(keys)
        read = {key: read_verdict(value) for key, value in values.items()}
        unreadable = {key: values[key] for key, verdict in read.items() if verdict is None}
        if unreadable:
            self.stats.count_cache("unreadable", len(unreadable))
            message = "%d stored verdicts could not be read and are asked again"
            _log.warning(message, len(unreadable))
            self._store.drop(unreadable)
        return {key: verdict for key, verdict in read.items() if verdict is not None}

    def _asked(
        self, pairs: Sequence[Pair], missing: Mapping[str, Sequence[int]]
    ) -> Iterator[tuple[int, Judgement]]:
        """Judgements of pairs that have to be asked about."""
        futures, new = self._join(missing)
        if new:
            self._begin({key: pairs[missing[key][0]] for key in new})
        places = {future: missing[key] for key, future in futures.items()}
        for future in as_completed(places):
            for place in places[future]:
                yield place, future.result()

    def _join(
        self, keys: Mapping[str, Sequence[int]]
    ) -> tuple[dict[str, Future[Judgement]], list[str]]:
        """The future of each key, and the keys that nobody asks about."""
        with self._lock:
            # What was on its way when it was looked for may have landed since.
            futures = {key: _done(self._memory[key]) for key in keys if key in self._memory}
            new = [key for key in keys if key not in futures and key not in self._flying]
            self._flying.update((key, Future()) for key in new)
            futures |= {key: self._flying[key] for key in keys if key not in futures}
        self.stats.count_cache("merged", len(keys) - len(new))
        self.stats.count_cache("miss", len(new))
        return futures, new

    def _begin(self, questions: dict[str, Pair]) -> None:
        """Ask in a thread of its own, which goes on if the caller does not."""
        threading.Thread(
            target=self._finish, args=(questions,), name="judge-ask", daemon=True
        ).start()

    def _finish(self, questions: dict[str, Pair]) -> None:
        """Give every question its judgement, whatever happens."""
        keys, pairs = list(questions), list(questions.values())
        try:
            for place, judgement in each_or_unjudged(self.judge_behind, pairs):
                self._land(keys[place], pairs[place], judgement)
        except BaseException as error:
            for key in questions:
                with self._lock:
                    future = self._flying.pop(key, None)
                if future is not None:
                    future.set_exception(error)

    def _land(self, key: str, pair: Pair, judgement: Judgement) -> None:
        if isinstance(judgement, Verdict):
            self._keep(key, pair, judgement)
        with self._lock:
            future = self._flying.pop(key)
        future.set_result(judgement)

    def _keep(self, key: str, pair: Pair, verdict: Verdict) -> None:
        """Store and remember a verdict; one that can not be stored is still a verdict."""
        try:
            self._store.put({key: verdict_text(verdict, pair)})
        except StoreError as error:
            self.stats.count_error("store")
            _log.warning("a verdict could not be stored: %s", error)
        self._remember({key: Verdict(verdict.category, verdict.source, cached=True)})

    def _remember(self, verdicts: Mapping[str, Verdict]) -> None:
        with self._lock:
            self._memory.update(verdicts)
            while len(self._memory) > _MEMORY:
                del self._memory[next(iter(self._memory))]


def _done(verdict: Verdict) -> Future[Judgement]:
    future: Future[Judgement] = Future()
    future.set_result(verdict)
    return future


def verdict_key(prefix: bytes, pair: Pair) -> str:
    """Key of a pair: 128 bits in hexadecimal.

    Args:
        prefix: Digest of the judge's fingerprint.
        pair: Two spellings that `answer_key` folds to one are one. Without a data set the key is
            the one that was made before pairs had any.
    """
    truth, prediction = answer_key(pair.truth), answer_key(pair.prediction)
    # The length keeps ("a b", "c") and ("a", "b c") apart; lone surrogates are no UTF-8.
    text = f"{len(truth)} {truth} {prediction}"
    if pair.dataset:
        text = f"{len(prediction)} {text} {pair.dataset}"
    person = b"dataset" if pair.dataset else b""
    content = prefix + text.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(content, digest_size=16, person=person).hexdigest()
