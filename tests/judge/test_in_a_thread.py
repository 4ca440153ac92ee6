import asyncio
import threading

import anyio
import pytest
from service_tools import WAIT_S, until

from speciarl_pl.judge.service.answers import in_a_thread


def chunks_of(items):
    return in_a_thread(items, anyio.CapacityLimiter(1))


async def collect(items):
    return [item async for chunk in chunks_of(items) for item in chunk]


@pytest.mark.parametrize("number", [0, 1, 100_000])
def test_all_items_in_order(number):
    assert asyncio.run(collect(iter_of(range(number)))) == list(range(number))


def iter_of(items):
    yield from items


def test_a_quick_iterator_makes_few_chunks():
    async def run():
        return [len(chunk) async for chunk in chunks_of(iter_of(range(1000)))]

    sizes = asyncio.run(run())
    assert sum(sizes) == 1000
    assert len(sizes) < 100


def test_an_error_comes_after_the_items():
    def items():
        yield 1
        raise ZeroDivisionError

    async def run():
        chunks = chunks_of(items())
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
        threads = anyio.CapacityLimiter(1)
        chunks = in_a_thread(items(), threads)
        assert await anext(chunks) == [1]
        await chunks.aclose()
        assert threads.borrowed_tokens == 1  # its thread is still busy
        go.set()
        async with threads:
            return ended.is_set()

    assert asyncio.run(run())


def test_a_loop_that_ends_leaves_no_thread():
    go, before = threading.Event(), set(threading.enumerate())

    def items():
        yield 1
        go.wait(WAIT_S)
        yield 2

    async def run():
        chunks = chunks_of(items())
        await anext(chunks)

    asyncio.run(run())
    go.set()
    assert until(lambda: set(threading.enumerate()) <= before)
