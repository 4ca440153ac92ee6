import hashlib
import json
import sqlite3
import threading
import unicodedata
from concurrent.futures import ThreadPoolExecutor

import pytest
from counting import FAILED, CountingJudge, expected, pairs
from hypothesis import given
from hypothesis import strategies as st

from speciarl_pl.answer import answer_key
from speciarl_pl.category import Category
from speciarl_pl.errors import JudgeError
from speciarl_pl.judge import CachedJudge, ExactJudge, JudgeUnavailableError
from speciarl_pl.judge.cache.cached_judge import verdict_key
from speciarl_pl.judge.cache.store import StoreError, read_verdict, verdict_text
from speciarl_pl.records import Pair, Unjudged, Verdict


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "verdicts.sqlite")


@pytest.fixture
def cached(path):
    judge = CachedJudge(CountingJudge(), path)
    with judge:
        yield judge


def values(path):
    connection = sqlite3.connect(path)
    try:
        return dict(connection.execute("SELECT key, value FROM verdicts"))
    finally:
        connection.close()


def change(path, value):
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("UPDATE verdicts SET value = ?", (value,))
    connection.close()


def failing(why):
    def fail(*_):
        raise StoreError(f"store: {why}")

    return fail


def test_each_pair_is_asked_once(cached):
    asked = pairs(30)
    assert cached.judge([*asked, *asked[:5]]) == expected([*asked, *asked[:5]], cached=False)
    assert cached.judge(asked) == expected(asked, cached=True)
    assert cached.judge_behind.asked == asked
    assert cached.stats.value("cache", result="miss") == 30
    assert cached.stats.value("cache", result="hit") == 30


def test_verdicts_outlive_the_process(path):
    asked = pairs(10)
    with CachedJudge(CountingJudge(), path) as first:
        first.judge(asked)
    with CachedJudge(CountingJudge(), path) as second:
        assert second.judge(asked) == expected(asked, cached=True)
    assert second.judge_behind.asked == []


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (Pair("Lion", "Panthera leo"), Pair("lion ", "PANTHERA  LEO"), True),
        (Pair("Citro\u00ebn", "x"), Pair("Citroe\u0308n", "x"), True),
        (Pair("F/A-18", "x"), Pair("F A-18", "x"), False),
        (Pair("16.4", "x"), Pair("16 4", "x"), False),
        (Pair("a b", "c"), Pair("a", "b c"), False),
        (Pair("a", "b"), Pair("b", "a"), False),
        (Pair("a", "b", "cub"), Pair("A", "b ", "cub"), True),
        (Pair("a", "b", "cub"), Pair("a", "b"), False),
        (Pair("a", "b", "cub"), Pair("a", "b", "world"), False),
        (Pair("a", "b c", "d"), Pair("a", "b", "c d"), False),
    ],
)
def test_pairs_that_are_one(one, other, same):
    assert (verdict_key(b"", one) == verdict_key(b"", other)) == same


@given(st.text(), st.text(), st.text(), st.text())
def test_keys_are_equal_exactly_if_the_folded_pairs_are(truth, prediction, truth2, prediction2):
    one, other = Pair(truth, prediction), Pair(truth2, prediction2)
    folded = [(answer_key(pair.truth), answer_key(pair.prediction)) for pair in (one, other)]
    assert (verdict_key(b"", one) == verdict_key(b"", other)) == (folded[0] == folded[1])
    spelt = Pair(unicodedata.normalize("NFD", truth), f"  {prediction.replace(' ', '  ')} ")
    assert verdict_key(b"", spelt) == verdict_key(b"", one)


def test_without_a_data_set_the_key_is_the_one_of_older_stores():
    content = b"fingerprint" + b"4 lion a cat"
    expected = hashlib.blake2b(content, digest_size=16).hexdigest()
    assert verdict_key(b"fingerprint", Pair("Lion", "A cat")) == expected


@pytest.mark.parametrize("reads", [True, False])
def test_a_judge_of_words_alone_is_asked_once_for_all_data_sets(path, monkeypatch, reads):
    monkeypatch.setattr(CountingJudge, "reads_dataset", reads, raising=False)
    asked = [Pair("lion", "cat"), Pair("lion", "cat", "cub"), Pair("lion", "cat", "pets")]
    with CachedJudge(CountingJudge(), path) as judge:
        judge.judge(asked)
        assert judge.judge_behind.asked == (asked if reads else asked[:1])
        assert judge.reads_dataset is reads
    kept = [json.loads(value).get("dataset") for value in values(path).values()]
    assert set(kept) == ({None, "cub", "pets"} if reads else {None})


def test_a_lone_surrogate_has_a_key():
    assert verdict_key(b"", Pair("\ud800", "x")) != verdict_key(b"", Pair("\ud801", "x"))


def test_another_fingerprint_asks_anew(path):
    asked = pairs(3)
    for name in ("prompt 1", "prompt 2", "prompt 1"):
        with CachedJudge(CountingJudge(name=name), path) as judge:
            judge.judge(asked)
    assert len(values(path)) == 6
    assert judge.judge_behind.asked == []


@pytest.mark.parametrize("failure", [FAILED, Unjudged("llm: unreadable")], ids=["down", "odd"])
def test_a_failure_is_not_kept(cached, path, failure):
    cached.judge_behind.failing = failure
    assert cached.judge(pairs(3)) == [failure] * 3
    assert values(path) == {}
    cached.judge_behind.failing = None
    assert cached.judge(pairs(3)) == expected(pairs(3), cached=False)


def test_an_outage_in_the_middle_keeps_what_was_judged(cached):
    asked = pairs(5)
    cached.judge(asked[:2])
    cached.judge_behind.failing = JudgeUnavailableError("gone")
    judged = cached.judge(asked)
    assert judged[:2] == expected(asked[:2], cached=True)
    reason = "CountingJudge: JudgeUnavailableError: gone"
    assert judged[2:] == [Unjudged(reason, transient=True)] * 3


def test_a_bug_in_the_judge_is_raised_and_forgotten(cached):
    cached.judge_behind.failing = ZeroDivisionError()
    with pytest.raises(JudgeError, match=r"expected no error, got ZeroDivisionError"):
        cached.judge(pairs(2))
    cached.judge_behind.failing = None
    assert cached.judge(pairs(2)) == expected(pairs(2), cached=False)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "specific",
        "[]",
        "7",
        '{"category": "right", "source": "x"}',
        '{"category": 4, "source": "x"}',
        '{"category": "specific"}',
        '{"category": "specific", "source": null}',
        b"\xff\xfe",
    ],
)
def test_a_stored_value_that_cannot_be_read_is_dropped_and_asked_again(path, value):
    with CachedJudge(CountingJudge(), path) as judge:
        judge.judge(pairs(1))
    change(path, value)
    with CachedJudge(CountingJudge(), path) as judge:
        assert judge.judge(pairs(1)) == expected(pairs(1), cached=False)
        assert judge.stats.value("cache", result="unreadable") >= 1
    (text,) = values(path).values()
    assert read_verdict(text) == expected(pairs(1), cached=True)[0]


@given(st.sampled_from(Category), st.text(), st.text(), st.text())
def test_what_is_stored_is_read_again(category, source, truth, prediction):
    text = verdict_text(Verdict(category, source), Pair(truth, prediction))
    assert text.isascii()
    assert read_verdict(text) == Verdict(category, source, cached=True)


def test_threads_that_ask_at_once_share_one_question(path):
    judge = CachedJudge(CountingJudge(), path)
    judge.judge_behind.gate = gate = threading.Event()
    asked = pairs(20)
    with judge, ThreadPoolExecutor(8) as threads:
        answers = [threads.submit(judge.judge, asked[number:]) for number in range(8)]
        while judge.stats.value("cache", result="merged") < sum(range(13, 20)):
            pass
        gate.set()
        assert [answer.result() for answer in answers] == [
            expected(asked[number:], cached=False) for number in range(8)
        ]
    assert sorted(judge.judge_behind.asked, key=str) == sorted(asked, key=str)


def test_what_lands_between_two_looks_is_not_asked_again(cached, monkeypatch):
    """Who looked just before a verdict was there, and asks just after."""
    cached.judge(pairs(2))
    monkeypatch.setattr(cached, "_known", lambda keys: {})
    assert cached.judge(pairs(3)) == [
        *expected(pairs(2), cached=True),
        *expected(pairs(3)[2:], cached=False),
    ]
    assert cached.judge_behind.asked == pairs(3)


def test_a_failure_is_told_to_those_who_waited_for_it(path):
    judge = CachedJudge(CountingJudge(), path)
    judge.judge_behind.gate = gate = threading.Event()
    judge.judge_behind.failing = FAILED
    with judge, ThreadPoolExecutor(4) as threads:
        answers = [threads.submit(judge.judge, pairs(1)) for _ in range(4)]
        while judge.stats.value("cache", result="merged") < 3:
            pass
        gate.set()
        assert [answer.result() for answer in answers] == [[FAILED]] * 4
    assert len(judge.judge_behind.asked) == 1


def test_known_pairs_come_before_the_others_and_the_rest_is_finished_anyway(path):
    asked = pairs(4)
    judge = CachedJudge(CountingJudge(), path)
    with judge:
        judge.judge(asked[2:3])
        judge.judge_behind.gate = gate = threading.Event()
        coming = judge.judge_each(asked)
        assert next(coming) == (2, expected(asked, cached=True)[2])
        started = threading.Event()
        waiter = threading.Thread(target=lambda: (started.set(), list(judge.judge_each(asked))))
        waiter.start()
        coming.close()
        gate.set()
        waiter.join()
    assert len(values(path)) == 4


def test_a_judge_that_cannot_be_stored_is_refused(path):
    with pytest.raises(ValueError, match="judge: expected one whose verdicts can be stored"):
        CachedJudge(ExactJudge(), path)


def test_it_passes_on_what_it_is_asked_about_the_judge_behind(cached):
    assert cached.waits
    assert cached.fingerprint == "counting"
    assert cached.judge_behind.stats is cached.stats


def test_the_check_needs_a_store_that_can_be_written(cached, path, monkeypatch):
    cached.check()
    assert values(path) == {}
    monkeypatch.setattr(cached._store, "put", failing("disk full"))
    with pytest.raises(JudgeUnavailableError, match="disk full"):
        cached.check()


def test_a_store_that_fails_while_reading_is_an_outage(cached, monkeypatch):
    monkeypatch.setattr(cached._store, "get", failing("disk gone"))
    with pytest.raises(JudgeUnavailableError, match="disk gone"):
        cached.judge(pairs(1))


def test_a_verdict_that_cannot_be_stored_is_still_given(cached, monkeypatch):
    monkeypatch.setattr(cached._store, "put", failing("disk full"))
    assert cached.judge(pairs(2)) == expected(pairs(2), cached=False)
    assert cached.stats.value("backend_errors", kind="store") == 2
