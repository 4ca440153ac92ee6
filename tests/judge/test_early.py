import threading

import pytest
from counting import FAILED, CountingJudge, expected, pairs

from speciarl_pl.errors import JudgeError
from speciarl_pl.judge import EarlyJudge, JudgeUnavailableError
from speciarl_pl.records import Pair, Unjudged


@pytest.fixture
def behind():
    return CountingJudge()


@pytest.fixture
def early(behind):
    with EarlyJudge(behind, max_chars=50) as judge:
        yield judge


def add(early, pair):
    early.add(pair.truth, f"<think>hm</think><answer>{pair.prediction}</answer>")


def until(condition):
    event = threading.Event()
    for _ in range(1000):
        if condition():
            return
        event.wait(0.01)
    raise AssertionError("did not happen")


ASKED = [Pair(f"truth {number}", f"answer {number}") for number in range(6)]


def test_what_was_added_is_asked_before_it_is_wanted_and_once(early, behind):
    for pair in ASKED[:4]:
        add(early, pair)
    until(lambda: len(behind.asked) == 4)
    assert early.judge(ASKED) == expected(ASKED, cached=False)
    assert sorted(behind.asked, key=str) == ASKED


def test_spellings_of_one_answer_are_asked_once(early, behind):
    add(early, Pair("dog", "Samoyed"))
    add(early, Pair("DOG", "samoyed "))
    judged = early.judge([Pair("Dog", "SAMOYED")])
    assert len(judged) == len(behind.asked) == 1


def test_one_answer_in_two_data_sets_is_two_questions(early, behind):
    for dataset in ("dogs", "sports"):
        early.add("boxer", "<answer>dog</answer>", dataset)
    asked = [Pair("boxer", "dog", "sports"), Pair("boxer", "dog", "dogs")]
    assert early.judge(asked) == expected(asked, cached=False)
    assert sorted(behind.asked, key=str) == sorted(asked, key=str)


@pytest.mark.parametrize(
    ("truth", "text"),
    [("dog", "no tags"), ("dog", "<answer></answer>"), (" ", "<answer>dog</answer>")],
    ids=["no answer", "empty", "no truth"],
)
def test_what_cannot_be_judged_is_not_asked(early, behind, truth, text):
    if text == "no tags":
        text = "<think>for ever"
    early.add(truth, text)
    early.close()
    assert behind.asked == []


def test_what_comes_in_meanwhile_is_asked_together(behind):
    behind.gate = threading.Event()
    calls = []
    original = behind.judge_each

    def judge_each(asked):
        calls.append(len(asked))
        return original(asked)

    behind.judge_each = judge_each
    with EarlyJudge(behind, 50) as early:
        for number in range(100):
            add(early, Pair("truth", f"answer {number}"))
        until(lambda: len(calls) == 8)
        behind.gate.set()
        early.judge([Pair("truth", f"answer {number}") for number in range(100)])
    assert sum(calls) == 100
    assert len(calls) <= 16, "eight at once, the rest in few"


def test_judgements_come_as_they_are_there(early, behind):
    add(early, ASKED[1])
    until(lambda: behind.asked)
    early.judge([ASKED[1]])
    behind.gate = threading.Event()
    coming = early.judge_each(ASKED[:2])
    assert next(coming) == (1, expected(ASKED, cached=False)[1])
    behind.gate.set()
    assert [place for place, _ in coming] == [0]


def test_an_outage_is_asked_again_when_it_is_wanted(early, behind):
    behind.failing = FAILED
    add(early, ASKED[0])
    assert early.judge(ASKED[:1]) == [FAILED]
    behind.failing = None
    assert early.judge(ASKED[:1]) == expected(ASKED[:1], cached=False)


def test_what_is_lastingly_unjudged_is_not_asked_again(early, behind):
    behind.failing = Unjudged("unreadable")
    for _ in range(2):
        assert early.judge(ASKED[:1]) == [Unjudged("unreadable")]
    assert len(behind.asked) == 1


def test_an_outage_raised_is_unjudged_and_a_bug_is_raised_where_it_is_wanted(early, behind):
    behind.failing = JudgeUnavailableError("gone")
    assert early.judge(ASKED[:1])[0].transient
    behind.failing = ZeroDivisionError()
    add(early, ASKED[1])
    with pytest.raises(JudgeError, match=r"expected no error, got ZeroDivisionError"):
        early.judge(ASKED[1:2])


def test_it_waits_and_checks_as_the_judge_behind(early, behind):
    assert early.waits
    early.check()
    assert early.judge(pairs(0)) == []
