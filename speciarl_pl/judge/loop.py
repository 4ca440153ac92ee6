"""A judge that asks on an event loop of its own, from any number of threads."""

import threading
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from queue import SimpleQueue
from typing import Generic, Protocol, TypeVar

import anyio
from anyio.abc import TaskGroup, TaskStatus
from anyio.from_thread import start_blocking_portal

from speciarl_pl.judge.base import JudgeUnavailableError, StreamingJudge
from speciarl_pl.records import Judgement, Pair, Unjudged

# An event loop in a thread of its own, on which any thread can start work.


T = TypeVar("T")


class ClosedError(Exception):
    """The loop was closed before the work was done."""


class LoopThread(Generic[T]):
    """Runs work of many threads on one event loop, which holds one resource.

    Args:
        make: Makes the resource, on the loop; it is entered there, and left when all work has
            ended.
        name: Name of the thread.
    """

    def __init__(self, make: Callable[[], AbstractAsyncContextManager[T]], name: str) -> None:
        self._lock = threading.Lock()
        self._is_closed = False
        self._starting = start_blocking_portal(name=name)
        self._portal = self._starting.__enter__()
        try:
            self._ended, self.resource = self._portal.start_task(self._hold, make)
        except BaseException:
            self._starting.__exit__(None, None, None)
            raise

    def call(self, function: Callable[[], Awaitable[None]]) -> None:
        """Run `function` on the loop and wait for it; what it raises is raised here.

        Raises:
            ClosedError: If the loop is closed before `function` is through.
        """
        outcome: list[Exception | None] = [ClosedError()]
        ended = threading.Event()

        async def run() -> None:
            try:
                await function()
                outcome.append(None)
            except Exception as error:
                outcome.append(error)

        self.start(run, ended.set)
        ended.wait()
        if outcome[-1] is not None:
            raise outcome[-1]

    def start(
        self, function: Callable[[], Awaitable[None]], done: Callable[[], None]
    ) -> Callable[[], object]:
        """Start `function`, which must not raise, and call `done` when it has ended in any way.

        Returns:
            What ends it early, from any thread.

        Raises:
            ClosedError: If the loop is closed.
        """
        work = _Work(function, done)
        if not self._call_soon(work.begin, self._group):
            raise ClosedError
        return partial(self._call_soon, work.cancel)

    def close(self) -> None:
        """Cancel all work, leave the resource and end the thread."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
            self._portal.start_task_soon(self._stop.set)
        self._ended.result()
        self._starting.__exit__(None, None, None)

    def _call_soon(self, function: Callable[..., object], *args: object) -> bool:
        """Call `function` on the loop, in the order of the calls; False if it is closed."""
        with self._lock:
            if not self._is_closed:
                self._portal.start_task_soon(function, *args)
            return not self._is_closed

    async def _hold(
        self,
        make: Callable[[], AbstractAsyncContextManager[T]],
        *,
        task_status: TaskStatus[T],
    ) -> None:
        self._stop = anyio.Event()
        async with make() as resource, anyio.create_task_group() as self._group:
            task_status.started(resource)
            await self._stop.wait()
            self._group.cancel_scope.cancel()


class _Work:
    """One piece of work; its methods are called on the loop."""

    def __init__(self, function: Callable[[], Awaitable[None]], done: Callable[[], None]) -> None:
        self._function, self._done = function, done
        self._scope: anyio.CancelScope | None = None

    def begin(self, group: TaskGroup) -> None:
        self._scope = anyio.CancelScope()  # it can be made on a loop only
        group.start_soon(self._run, self._scope)

    async def _run(self, scope: anyio.CancelScope) -> None:
        try:
            with scope:
                await self._function()
        finally:
            self._done()

    def cancel(self) -> None:
        assert self._scope is not None
        self._scope.cancel()


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
