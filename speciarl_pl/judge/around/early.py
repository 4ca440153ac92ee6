"""Judging rollouts while others are still being drawn."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from typing import Final

from speciarl_pl.answer import answer_key, extract_answer
from speciarl_pl.judge.base import Judge, StreamingJudge, each_or_unjudged
from speciarl_pl.judge.grouping import pair_key
from speciarl_pl.records import Answer, Judgement, Pair, Unjudged

_THREADS: Final = 8
"""Questions under way at once; each takes along all that has come in since the last."""


class EarlyJudge(StreamingJudge):
    """Asks another judge about each rollout as soon as it is finished.

    `add` returns at once; `judge` then gives the judgements of what was added, waiting where they
    are not there yet, and asks about the rest. A pair that could not be judged for an outage is
    asked about again when it is next wanted.

    Args:
        judge: An opened judge that may be asked from several threads.
        max_chars: See `extract_answer`.
        thinking_opened: See `extract_answer`.

    Example:
        >>> from speciarl_pl.judge import ExactJudge
        >>> with EarlyJudge(ExactJudge(), max_chars=200) as judge:
        ...     judge.add("dog", "<answer>a dog</answer>")
        ...     judge.judge([Pair("dog", "a dog")])[0].category.label
        'specific'
    """

    def __init__(self, judge: Judge, max_chars: int, thinking_opened: bool = False) -> None:
        self._judge = judge
        self._max_chars = max_chars
        self._thinking_opened = thinking_opened
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="judge-early")
        self._futures: dict[tuple[str, str, str], Future[Judgement]] = {}
        self._queue: list[tuple[Pair, Future[Judgement]]] = []
        self._lock = threading.Lock()

    @property
    def waits(self) -> bool:
        """Whether the judge behind waits."""
        return self._judge.waits

    def check(self) -> None:
        """Make sure that the judge behind answers."""
        self._judge.check()

    def close(self) -> None:
        """Finish what was begun; the judge behind stays open."""
        self._threads.shutdown()

    def add(self, truth: str, text: str, dataset: str = "") -> None:
        """Ask about a finished completion; from any thread.

        Args:
            truth: The label of its image; nothing is asked if it is blank.
            text: The completion; nothing is asked if it holds no answer.
            dataset: As in `Pair`.
        """
        answer = extract_answer(text, self._max_chars, self._thinking_opened)
        if isinstance(answer, Answer) and answer_key(truth):
            self._ask([Pair(truth, answer.text, dataset)])

    def judge_each(self, pairs: Sequence[Pair]) -> Iterator[tuple[int, Judgement]]:
        """Judge `pairs`, as judgements come."""
        places: dict[Future[Judgement], list[int]] = {}
        for place, future in enumerate(self._ask(pairs)):
            places.setdefault(future, []).append(place)
        for future in as_completed(places):
            for place in places[future]:
                yield place, future.result()

    def _ask(self, pairs: Sequence[Pair]) -> list[Future[Judgement]]:
        """The future of each pair; begins what was not begun."""
        with self._lock:
            before = len(self._queue)
            futures = [self._future(pair) for pair in pairs]
            is_new = len(self._queue) > before
        if is_new:
            self._threads.submit(self._drain)
        return futures

    def _future(self, pair: Pair) -> Future[Judgement]:
        key = pair_key(pair)
        future = self._futures.get(key)
        if future is None or _failed(future):
            future = self._futures[key] = Future()
            self._queue.append((pair, future))
        return future

    def _drain(self) -> None:
        """Ask about all that is queued, at once."""
        with self._lock:
            queue, self._queue = self._queue, []
        try:
            for place, judgement in each_or_unjudged(self._judge, [pair for pair, _ in queue]):
                queue[place][1].set_result(judgement)
        except BaseException as error:  # raised again where the judgement is wanted
            for _, future in queue:
                if not future.done():
                    future.set_exception(error)


def _failed(future: Future[Judgement]) -> bool:
    """Whether an outage left it without a verdict."""
    if not future.done():
        return False
    result = None if future.exception() else future.result()
    return isinstance(result, Unjudged) and result.transient
