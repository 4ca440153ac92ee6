"""A bridge from an iterator that blocks to a coroutine."""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Final, Generic, TypeVar

T = TypeVar("T")

_GATHER_S: Final = 0.001
"""How long items are gathered, so that a quick iterator makes few large chunks."""


class Feed(Generic[T]):
    """Runs a generator in a thread of its own and hands on what it yields.

    The thread is a daemon: one that hangs does not keep the process from ending.

    Args:
        items: The generator. It is closed, in its thread, when nobody reads on; as soon as it has
            yielded once more, since code that blocks cannot be interrupted.
        slots: Held from the first item that is read to the end of the thread, so that its value
            bounds the number of threads, those that nobody reads any more included.

    Example:
        >>> async def collect():
        ...     feed = Feed((number * number for number in range(4)), asyncio.Semaphore())
        ...     return [number async for chunk in feed.chunks() for number in chunk]
        >>> asyncio.run(collect())
        [0, 1, 4, 9]
    """

    def __init__(self, items: Generator[T, None, None], slots: asyncio.Semaphore) -> None:
        self._items = items
        self._slots = slots
        self._queue: deque[T] = deque()
        self._event = asyncio.Event()
        self._is_signalled = False
        self._is_wanted = True
        self._has_ended = False
        self._error: BaseException | None = None

    async def chunks(self) -> AsyncGenerator[list[T], None]:
        """What has come since the last chunk, as soon as there is something.

        Raises:
            Exception: What the generator raised, after all that it had yielded.
        """
        loop = asyncio.get_running_loop()
        await self._slots.acquire()
        threading.Thread(target=self._run, args=(loop,), name="judge-feed", daemon=True).start()
        try:
            while not self._has_ended or self._queue:
                await self._event.wait()
                if not self._has_ended:
                    await asyncio.sleep(_GATHER_S)
                # In this order: what is queued from here on signals again.
                self._event.clear()
                self._is_signalled = False
                chunk = [self._queue.popleft() for _ in range(len(self._queue))]
                if chunk:
                    yield chunk
        finally:
            self._is_wanted = False
        if self._error is not None:
            raise self._error

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            for item in self._items:
                if not self._is_wanted:
                    break
                self._queue.append(item)
                self._signal(loop)
            self._items.close()
        except BaseException as error:
            self._error = error
        finally:
            self._has_ended = True
            self._signal(loop)
            _call(loop, self._slots.release)

    def _signal(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._is_signalled:
            self._is_signalled = True
            _call(loop, self._event.set)


def _call(loop: asyncio.AbstractEventLoop, function: Callable[[], object]) -> None:
    with contextlib.suppress(RuntimeError):  # the loop has ended; nobody waits
        loop.call_soon_threadsafe(function)
