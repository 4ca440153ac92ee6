import threading
from contextlib import asynccontextmanager

import anyio
import pytest

from speciarl_pl.judge.loop import ClosedError, LoopThread


class Resource:
    def __init__(self):
        self.thread, self.is_open = threading.get_ident(), True


@asynccontextmanager
async def resource():
    made = Resource()
    yield made
    await anyio.sleep(0)
    made.is_open = False


async def broken():
    raise OSError("boom")


@pytest.fixture
def loop():
    loop = LoopThread(resource, "test-loop")
    yield loop
    loop.close()


def test_the_resource_lives_on_the_loop(loop):
    made = loop.resource
    assert made.is_open
    assert made.thread != threading.get_ident()
    loop.close()
    assert not made.is_open
    assert "test-loop" not in [thread.name for thread in threading.enumerate()]


def test_what_a_call_raises_is_raised_and_harms_nobody(loop):
    with pytest.raises(OSError, match="boom"):
        loop.call(broken)
    loop.call(anyio.lowlevel.checkpoint)


def test_cancelled_work_ends_and_says_so(loop):
    ended = threading.Event()
    cancel = loop.start(anyio.sleep_forever, ended.set)
    assert not ended.wait(0.02)
    cancel()
    assert ended.wait(20)
    cancel()


def test_work_cancelled_before_it_begins_says_so_too(loop):
    for _ in range(200):
        ended = threading.Event()
        loop.start(anyio.sleep_forever, ended.set)()
        assert ended.wait(20)


def test_closing_ends_all_work_before_the_resource_goes(loop):
    open_at_the_end = []
    for _ in range(50):
        loop.start(anyio.sleep_forever, lambda: open_at_the_end.append(loop.resource.is_open))
    loop.close()
    assert open_at_the_end == [True] * 50


def test_a_call_that_closing_cuts_short_says_so(loop):
    begun = threading.Event()

    async def wait():
        begun.set()
        await anyio.sleep_forever()

    closing = threading.Thread(target=lambda: (begun.wait(20), loop.close()))
    closing.start()
    with pytest.raises(ClosedError):
        loop.call(wait)
    closing.join()


def test_a_closed_loop_starts_nothing(loop):
    loop.close()
    loop.close()
    with pytest.raises(ClosedError):
        loop.start(anyio.sleep_forever, lambda: None)


def test_a_resource_that_cannot_be_made_leaves_no_thread():
    @asynccontextmanager
    async def none():
        raise OSError("boom")
        yield

    with pytest.raises(OSError, match="boom"):
        LoopThread(none, "test-loop")
    assert "test-loop" not in [thread.name for thread in threading.enumerate()]
