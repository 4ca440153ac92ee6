import pytest
from counting import FAILED, CountingJudge, expected, pairs

from speciarl_pl.category import Category
from speciarl_pl.judge import CascadeJudge, ExactJudge, Judge, JudgeUnavailableError
from speciarl_pl.records import Pair, Unjudged, Verdict

SAME = [Pair(f"dog {number}", f"dog {number}") for number in range(200)]


class Closing(Judge):
    """Notes when it is opened and closed, and fails when told to."""

    def __init__(self, events, name, fails=()):
        self.events, self.name, self.fails = events, name, fails

    def judge(self, pairs):
        return [Unjudged("closing")] * len(pairs)

    def note(self, what):
        self.events.append(f"{what} {self.name}")
        if what in self.fails:
            raise ConnectionError(self.name)

    def open(self):
        self.note("open")

    def close(self):
        self.note("close")

    def check(self):
        self.note("check")


def cascade():
    last = CountingJudge()
    return CascadeJudge([ExactJudge(unknown="unjudged"), last]), last


def test_only_what_is_left_reaches_the_next_stage():
    judge, last = cascade()
    asked = [pairs(2)[1], SAME[0], pairs(1)[0]]
    judged = judge.judge(asked)
    assert judged[1] == Verdict(Category.SPECIFIC, "exact:same")
    assert [judged[0], judged[2]] == expected([asked[0], asked[2]], cached=False)
    assert last.asked == [asked[0], asked[2]]
    assert judge.stats.value("stage", stage="1:ExactJudge", result="decided") == 1
    assert judge.stats.value("stage", stage="1:ExactJudge", result="passed") == 2
    assert judge.stats.value("stage", stage="2:CountingJudge", result="decided") == 2


def test_early_verdicts_do_not_wait_for_the_last_stage():
    judge, last = cascade()
    coming = judge.judge_each([pairs(1)[0], SAME[0]])
    assert next(coming)[0] == 1
    assert last.asked == []
    assert [place for place, _ in coming] == [0]


def test_a_last_stage_with_nothing_to_do_is_not_asked():
    judge, last = cascade()
    last.failing = ZeroDivisionError()
    assert [v.category for v in judge.judge(SAME[:3])] == [Category.SPECIFIC] * 3
    assert judge.judge([]) == []


@pytest.mark.parametrize("stage", [0, 1])
def test_an_outage_of_a_stage_spoils_no_other_verdict(stage):
    flaky = CountingJudge()
    flaky.failing = JudgeUnavailableError("gone")
    stages = [ExactJudge(unknown="unjudged"), CountingJudge()]
    stages.insert(stage + 1, flaky)
    judged = CascadeJudge(stages[: stage + 2]).judge([SAME[0], pairs(1)[0]])
    assert judged[0].category is Category.SPECIFIC
    if stage == 0:
        assert judged[1].transient
        assert "JudgeUnavailableError: gone" in judged[1].reason
    else:
        assert [judged[1]] == expected(pairs(1), cached=False)


def test_what_no_stage_decides_is_unjudged_for_the_last_reason():
    judge, last = cascade()
    last.failing = FAILED
    assert judge.judge(pairs(2)) == [FAILED] * 2


def test_stages_are_opened_and_closed_together():
    events = []
    with CascadeJudge([Closing(events, "a"), Closing(events, "b")]) as judge:
        judge.check()
    assert events == ["open a", "open b", "check a", "check b", "close a", "close b"]


def test_a_stage_that_cannot_be_opened_closes_those_before_it():
    events = []
    judge = CascadeJudge([Closing(events, "a"), Closing(events, "b", ["open"])])
    with pytest.raises(ConnectionError):
        judge.open()
    assert events == ["open a", "open b", "close a"]


def test_a_stage_that_cannot_be_closed_keeps_no_other_open():
    events = []
    judge = CascadeJudge([Closing(events, "a", ["close"]), Closing(events, "b")])
    with pytest.raises(ConnectionError):
        judge.close()
    assert events == ["close a", "close b"]


def test_it_waits_if_a_stage_does():
    assert cascade()[0].waits
    assert not CascadeJudge([ExactJudge()]).waits


def test_all_stages_count_into_one():
    judge, last = cascade()
    assert judge.stats is last.stats


def test_a_cascade_has_a_stage():
    with pytest.raises(ValueError, match="stages: expected at least one judge, got none"):
        CascadeJudge([])
