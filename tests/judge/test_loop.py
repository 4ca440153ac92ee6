import threading
from contextlib import asynccontextmanager

import anyio
import pytest
from service_tools import WAIT_S

from speciarl_pl.category import Category
from speciarl_pl.judge import JudgeUnavailableError
from speciarl_pl.judge.loop import LoopJudge
from speciarl_pl.records import Pair, Unjudged, Verdict

SAME = Verdict(Category.SPECIFIC, "fake")
CLOSED = Unjudged("fake: closed while it was asked", transient=True)


class FakeService:
    """Answers `now`, never answers `never`, fails on `bug`; runs on the loop."""

    def __init__(self, judge):
        self.judge = judge
        self.thread, self.is_open = threading.get_ident(), True

    async def ask(self, questions, give):
        try:
            for place, question in enumerate(questions):
                if question == "never":
                    await anyio.sleep_forever()
                if question == "bug":
                    raise ZeroDivisionError
                give(place, SAME)
        finally:
            self.judge.ended.append(self.is_open)

    async def check(self):
        self.judge.checking.set()
        if self.judge.hangs:
            await anyio.sleep_forever()
        raise OSError("refused")


class FakeJudge(LoopJudge):
    """Asks a `FakeService`."""

    failures = (OSError,)
    name = "fake"

    def __init__(self, hangs=False):
        super().__init__()
        self.ended, self.services, self.hangs = [], [], hangs
        self.checking = threading.Event()

    def _question(self, pair):
        return pair.prediction

    @asynccontextmanager
    async def _connect(self):
        service = FakeService(self)
        self.services.append(service)
        yield service
        await anyio.sleep(0)
        service.is_open = False


@pytest.fixture
def judge():
    with FakeJudge() as judge:
        yield judge


def pairs(*predictions):
    return [Pair("x", prediction) for prediction in predictions]


def own_threads():
    return [thread for thread in threading.enumerate() if thread.name == "FakeJudge"]


def test_the_service_lives_on_a_loop_of_its_own(judge):
    assert judge.judge(pairs("now", "now")) == [SAME, SAME]
    (service,) = judge.services
    assert service.thread != threading.get_ident()
    assert len(own_threads()) == 1
    judge.close()
    judge.close()
    assert not service.is_open
    assert not own_threads()


def test_it_opens_again_when_it_is_asked_again(judge):
    judge.close()
    assert judge.judge(pairs("now")) == [SAME]
    assert [service.is_open for service in judge.services] == [False, True]


def test_a_bug_is_the_callers_and_harms_nobody_else(judge):
    each = judge.judge_each(pairs("now", "bug"))
    assert next(each) == (0, SAME)
    with pytest.raises(ZeroDivisionError):
        next(each)
    assert judge.judge(pairs("now")) == [SAME]


def test_a_caller_that_stops_listening_ends_its_work(judge):
    for _ in range(100):
        each = judge.judge_each(pairs("now", "never"))
        assert next(each) == (0, SAME)
        each.close()
    judge.close()
    assert judge.ended == [True] * 100


def test_closing_ends_all_work_before_the_service_goes(judge):
    streams = [judge.judge_each(pairs("now", "never")) for _ in range(50)]
    assert [next(each) for each in streams] == [(0, SAME)] * 50
    judge.close()
    assert judge.ended == [True] * 50
    assert [list(each) for each in streams] == [[(1, CLOSED)]] * 50


def test_threads_that_ask_while_it_closes_get_an_answer():
    judge, found = FakeJudge(), []

    def ask():
        for _ in range(50):
            found.extend(judge.judge(pairs("now")))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        judge.close()
    judge.close()
    assert len(found) == 200
    assert set(found) <= {SAME, CLOSED}
    assert not own_threads()


def test_a_check_says_why_it_fails(judge):
    with pytest.raises(JudgeUnavailableError, match="refused"):
        judge.check()


def test_a_check_that_closing_cuts_short_says_so():
    judge = FakeJudge(hangs=True)
    closing = threading.Thread(target=lambda: (judge.checking.wait(WAIT_S), judge.close()))
    closing.start()
    with pytest.raises(JudgeUnavailableError, match="fake: closed"):
        judge.check()
    closing.join()


def test_a_service_that_cannot_be_reached_leaves_no_thread(judge, monkeypatch):
    @asynccontextmanager
    async def none():
        raise OSError("boom")
        yield

    judge.close()
    monkeypatch.setattr(judge, "_connect", none)
    with pytest.raises(OSError, match="boom"):
        judge.open()
    assert not own_threads()
