"""A judge that asks on an event loop of its own, from any number of threads."""

import threading
from abc import abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from queue import SimpleQueue
from typing import Generic, Protocol, TypeVar

from anyio.from_thread import BlockingPortal, start_blocking_portal

from speciarl_pl.judge.base import JudgeUnavailableError, StreamingJudge
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
        self._lock = threading.Lock()
        self._open_stack = ExitStack()
        self._opened: tuple[BlockingPortal, Service[Q]] | None = None

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
        with self._lock:
            self._working()

    def close(self) -> None:
        """End the thread and its connections; what is still asked is left unjudged."""
        with self._lock:
            stack, self._open_stack, self._opened = self._open_stack, ExitStack(), None
        stack.close()

    def check(self) -> None:
        """Ask the service, once and quickly, whether it answers.

        Raises:
            JudgeUnavailableError: If it does not.
        """
        failures: tuple[type[Exception], ...] = (*self.failures, CancelledError)
        try:
            self._start(lambda service: service.check()).result()
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
        queue: SimpleQueue[tuple[int, Judgement] | None] = SimpleQueue()
        asking = self._start(lambda service: service.ask(questions, lambda *one: queue.put(one)))
        asking.add_done_callback(lambda _: queue.put(None))
        try:
            while (one := queue.get()) is not None:
                yield one
            if not asking.cancelled():
                asking.result()  # raises what is a bug here
        finally:
            asking.cancel()

    def _start(self, work: Callable[[Service[Q]], Awaitable[None]]) -> Future[None]:
        """Start `work` on the loop; closing the judge cancels it."""
        with self._lock:  # held, so that the loop is not closed before it knows of this
            portal, service = self._working()
            return portal.start_task_soon(work, service)

    def _working(self) -> tuple[BlockingPortal, Service[Q]]:
        """The service, and what starts work on its loop; the lock is held."""
        if self._opened is None:
            self.stats  # noqa: B018  (made here, before several threads ask for it)
            with ExitStack() as stack:
                loop = stack.enter_context(start_blocking_portal(name=type(self).__name__))
                self._opened = stack.enter_context(
                    loop.wrap_async_context_manager(self._connected())
                )
                self._open_stack = stack.pop_all()
        return self._opened

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[tuple[BlockingPortal, Service[Q]]]:
        """The service, and a portal whose work has ended when the service is left."""
        async with self._connect() as service, BlockingPortal() as portal:
            yield portal, service
            await portal.stop(cancel_remaining=True)
