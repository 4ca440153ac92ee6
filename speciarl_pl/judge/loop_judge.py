"""A judge that asks on an event loop of its own, from any number of threads."""

import threading
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from queue import SimpleQueue
from typing import Generic, Protocol, TypeVar

from speciarl_pl.judge.base import JudgeUnavailableError, StreamingJudge
from speciarl_pl.judge.event_loop import ClosedError, LoopThread
from speciarl_pl.records import Judgement, Pair, Unjudged

Q = TypeVar("Q")
Q_contra = TypeVar("Q_contra", contravariant=True)


class Service(Protocol[Q_contra]):
    """What is asked; lives on the loop."""

    async def ask(
        self, questions: Sequence[Q_contra], give: Callable[[int, Judgement], None]
    ) -> None:
        """Call `give` once for the place of each question, as soon as its judgement is there."""

    async def check(self) -> None:
        """Make sure that it answers; a `LoopJudge.failures` says why not."""


class LoopJudge(StreamingJudge, Generic[Q]):
    """The threads of a judge that waits for a service; opens itself when first asked.

    A subclass says how a pair is put and how to connect.
    """

    failures: tuple[type[Exception], ...] = ()
    """What `Service.check` raises if the service does not answer."""

    def __init__(self) -> None:
        self._loop: LoopThread[Service[Q]] | None = None
        self._lock = threading.Lock()

    @property
    @abstractmethod
    def name(self) -> str:
        """What reasons call the service."""

    @abstractmethod
    def _question(self, pair: Pair) -> Q:
        """What the service is asked about a pair."""

    @abstractmethod
    def _connect(self) -> AbstractAsyncContextManager[Service[Q]]:
        """Connect; called on the loop."""

    @property
    def waits(self) -> bool:
        """True: verdicts come from a service."""
        return True

    def open(self) -> None:
        """Start the thread that talks to the service, which need not answer yet.

        Raises:
            JudgeError: If a secret in the environment cannot be sent.
        """
        self._opened()

    def close(self) -> None:
        """End the thread and its connections; what is still asked is left unjudged."""
        with self._lock:
            loop, self._loop = self._loop, None
        if loop is not None:
            loop.close()

    def check(self) -> None:
        """Ask the service, once and quickly, whether it answers.

        Raises:
            JudgeUnavailableError: If it does not.
        """
        loop = self._opened()
        failures: tuple[type[Exception], ...] = (*self.failures, ClosedError)
        try:
            loop.call(loop.resource.check)
        except failures as error:
            raise JudgeUnavailableError(str(error) or f"{self.name}: closed") from error

    def judge_each(self, pairs: Sequence[Pair]) -> Iterator[tuple[int, Judgement]]:
        """Judge `pairs`, each as soon as its answer is there.

        A caller that stops listening ends its requests.
        """
        left = set(range(len(pairs)))
        for place, judgement in self._stream([self._question(pair) for pair in pairs]):
            left.discard(place)
            yield place, judgement
        for place in left:
            yield place, Unjudged(f"{self.name}: closed while it was asked", transient=True)

    def _stream(self, questions: list[Q]) -> Iterator[tuple[int, Judgement]]:
        """Judgements as they come; not of all if the judge is closed meanwhile."""
        if not questions:
            return
        queue: SimpleQueue[tuple[int, Judgement] | Exception | None] = SimpleQueue()
        loop = self._opened()

        async def ask() -> None:
            try:
                await loop.resource.ask(questions, lambda *one: queue.put(one))
            except Exception as error:  # a bug; it belongs to the caller, not to the loop
                queue.put(error)

        try:
            cancel = loop.start(ask, lambda: queue.put(None))
        except ClosedError:
            return
        try:
            while (one := queue.get()) is not None:
                if isinstance(one, Exception):
                    raise one
                yield one
        finally:
            cancel()

    def _opened(self) -> LoopThread[Service[Q]]:
        with self._lock:
            if self._loop is None:
                self.stats  # noqa: B018  (made here, before several threads ask for it)
                self._loop = LoopThread(self._connect, type(self).__name__)
            return self._loop
