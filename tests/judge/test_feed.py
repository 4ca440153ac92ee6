import asyncio
import threading

import pytest
from service_tools import WAIT_S, until

from speciarl_pl.judge.service.streaming import Feed


def collect(items, slots=None):
    async def run():
        feed = Feed(items, slots or asyncio.Semaphore())
        return [item async for chunk in feed.chunks() for item in chunk]

    return asyncio.run(run())


@pytest.mark.parametrize("number", [0, 1, 100_000])
def test_all_items_in_order(number):
    assert collect(iter_of(range(number))) == list(range(number))


def iter_of(items):
    yield from items


def test_a_quick_iterator_makes_few_chunks():
    async def run():
        return [
            len(chunk) async for chunk in Feed(iter_of(range(1000)), asyncio.Semaphore()).chunks()
        ]

    sizes = asyncio.run(run())
    assert sum(sizes) == 1000
    assert len(sizes) < 100


def test_an_error_comes_after_the_items():
    def items():
        yield 1
        raise ZeroDivisionError

    async def run():
        chunks = Feed(items(), asyncio.Semaphore()).chunks()
        assert await anext(chunks) == [1]
        with pytest.raises(ZeroDivisionError):
            await anext(chunks)

    asyncio.run(run())


def test_a_reader_that_leaves_ends_the_generator_and_frees_its_slot():
    go, ended = threading.Event(), threading.Event()

    def items():
        try:
            yield 1
            go.wait(WAIT_S)
            while True:
                yield 2
        finally:
            ended.set()

    async def run():
        slots = asyncio.Semaphore()
        chunks = Feed(items(), slots).chunks()
        assert await anext(chunks) == [1]
        await chunks.aclose()
        assert slots.locked()  # its thread is still busy
        go.set()
        async with slots:
            return ended.is_set()

    assert asyncio.run(run())


def test_a_loop_that_ends_leaves_no_thread():
    go = threading.Event()

    def items():
        yield 1
        go.wait(WAIT_S)
        yield 2

    async def run():
        chunks = Feed(items(), asyncio.Semaphore()).chunks()
        await anext(chunks)

    asyncio.run(run())
    go.set()
    assert until(lambda: all(thread.name != "judge-feed" for thread in threading.enumerate()))
