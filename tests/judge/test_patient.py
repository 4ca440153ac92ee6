import pytest
from counting import FAILED, CountingJudge, expected, pairs

from speciarl_pl.judge import JudgeUnavailableError, PatientJudge
from speciarl_pl.records import Unjudged


class Time:
    """A clock that moves when someone sleeps on it."""

    def __init__(self):
        self.now, self.slept = 1000.0, []

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


class Flaky(CountingJudge):
    """Is down, and says so, until some time; then answers."""

    def __init__(self, time, until, error=None):
        super().__init__()
        self.time, self.until, self.error = time, until, error
        self.checks = 0

    def check(self):
        self.checks += 1
        if self.time.now < self.until:
            raise JudgeUnavailableError("down")

    def judge_each(self, asked):
        self.failing = (self.error or FAILED) if self.time.now < self.until else None
        return super().judge_each(asked)


def patient(until, patience_s=100.0, **options):
    time = Time()
    behind = Flaky(time, 1000 + until, **options)
    judge = PatientJudge(behind, patience_s, (1.0, 8.0), time.sleep, lambda: time.now)
    return judge, behind, time


def test_a_judge_that_answers_is_asked_once():
    judge, behind, time = patient(until=0)
    assert judge.judge(pairs(5)) == expected(pairs(5), cached=False)
    assert len(behind.asked) == 5
    assert time.slept == []


@pytest.mark.parametrize("error", [None, JudgeUnavailableError("down")], ids=["told", "raised"])
def test_it_waits_longer_and_longer_until_the_judge_answers(error, caplog):
    judge, behind, time = patient(until=20, error=error)
    assert judge.judge(pairs(3)) == expected(pairs(3), cached=False)
    assert time.slept == [1, 2, 4, 8, 8]
    assert behind.checks == 5
    (record,) = caplog.records
    assert record.getMessage().startswith("3 pairs wait for the judge, at most 100 s: ")


def test_patience_ends_and_the_rest_is_unjudged():
    judge, behind, time = patient(until=1000, patience_s=30)
    assert judge.judge(pairs(3)) == [FAILED] * 3
    assert sum(time.slept) <= 30
    assert len(behind.asked) == 3, "not asked while it says that it is down"


def test_without_patience_it_asks_once():
    judge, _, time = patient(until=1000, patience_s=0)
    assert judge.judge(pairs(2)) == [FAILED] * 2
    assert time.slept == []


def test_verdicts_do_not_wait_for_the_others():
    judge, behind, time = patient(until=1000, patience_s=10)
    known = expected(pairs(4), cached=False)

    def judge_each(asked):
        for place, pair in enumerate(asked):
            yield place, FAILED if pair == pairs(4)[2] else known[pairs(4).index(pair)]

    behind.judge_each = judge_each
    coming = judge.judge_each(pairs(4))
    assert [next(coming)[0] for _ in range(3)] == [0, 1, 3]
    assert time.slept == []
    assert list(coming) == [(2, FAILED)]


def test_what_is_lastingly_unjudged_is_not_waited_for():
    judge, behind, time = patient(until=0)
    behind.judge_each = lambda asked: enumerate([Unjudged("unreadable")] * len(asked))
    assert judge.judge(pairs(2)) == [Unjudged("unreadable")] * 2
    assert time.slept == []


def test_a_judge_that_says_it_answers_and_does_not_is_left_more_and_more_time():
    judge, behind, time = patient(until=1000, patience_s=60)
    behind.check = lambda: None
    assert judge.judge(pairs(1)) == [FAILED]
    assert time.slept == [1, 2, 4, 8, 8, 8, 8, 8, 8]


def test_negative_patience():
    with pytest.raises(ValueError, match="patience_s: expected a number >= 0, got -1"):
        PatientJudge(CountingJudge(), -1)
