"""An event loop in a thread of its own, on which any thread can start work."""

import threading
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Generic, TypeVar

import anyio
from anyio.abc import TaskGroup, TaskStatus
from anyio.from_thread import start_blocking_portal

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
