import asyncio
import threading

import pytest
from service_tools import BackEnd, Echo

from speciarl_pl.judge.service.readiness import BackendCheck


def test_a_judge_without_a_service_is_ready():
    async def look():
        state = await BackendCheck(Echo(), 60, 60).state()
        assert (state.ready, state.reason) == (True, "ok")
        assert 0 <= state.since < 60

    asyncio.run(look())


def test_an_answer_is_kept_for_a_while():
    async def look():
        judge = BackEnd()
        kept, fresh = BackendCheck(judge, 60, 60), BackendCheck(judge, 1e-9, 60)
        assert (await kept.state()).ready
        assert (await fresh.state()).ready
        judge.is_up = False
        assert (await kept.state()).ready
        assert (await fresh.state()).reason == "connection refused"
        judge.is_up = True
        assert (await fresh.state()).ready
        assert judge.checks == 4

    asyncio.run(look())


def test_how_long_it_has_been_so():
    async def look():
        judge = BackEnd()
        check = BackendCheck(judge, 1e-9, 60)
        await check.state()
        await asyncio.sleep(0.05)
        assert (await check.state()).since >= 0.05
        judge.is_up = False
        assert (await check.state()).since < 0.05

    asyncio.run(look())


def test_a_back_end_that_hangs_and_wakes_and_one_check_at_a_time():
    async def look():
        judge = BackEnd()
        judge.may_answer.clear()
        check = BackendCheck(judge, 1e-9, 0.02)
        states = await asyncio.gather(*(check.state() for _ in range(5)))
        assert {state.reason for state in states} == {"no answer within 0.02 s"}
        assert judge.checks == judge.most_checking == 1
        judge.may_answer.set()
        while not (await check.state()).ready:
            pass
        assert judge.most_checking == 1

    asyncio.run(look())


def test_a_busy_back_end_is_not_gone():
    async def look():
        judge = BackEnd()
        judge.may_answer.clear()
        check = BackendCheck(judge, 1e-9, 0.1)
        answer = threading.Timer(0.02, judge.stats.count_request, (0.01, 1, 1))
        answer.start()
        assert (await check.state()).ready
        assert (await check.state()).reason == "no answer within 0.1 s"
        judge.may_answer.set()

    asyncio.run(look())


@pytest.mark.parametrize(
    ("error", "reason"), [(ZeroDivisionError(), "ZeroDivisionError"), (OSError("no"), "no")]
)
def test_whatever_a_check_raises_is_no_answer(error, reason):
    class Broken(Echo):
        def check(self):
            raise error

    async def look():
        assert (await BackendCheck(Broken(), 60, 60).state()).reason == reason

    asyncio.run(look())
