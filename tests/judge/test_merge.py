"""Several processes with one store: each question once, whoever dies."""

import json
import multiprocessing
import os
import signal
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from counting import FAILED, CountingJudge, expected, pairs, redis_server

from speciarl_pl.judge import CachedJudge

CONTEXT = multiprocessing.get_context("spawn")


def ask(store, log, asked, pause_s, results, failing=None, gate=None, merged=None):
    """A process that asks about pairs and tells what it got."""
    judge = CachedJudge(CountingJudge(log, pause_s), store, lease_s=2.0)
    judge.judge_behind.failing, judge.judge_behind.gate = failing, gate
    with judge:
        coming = judge.judge_each(asked)
        if merged:
            threading.Thread(target=tell_when_merged, args=(judge, merged)).start()
        results.put([judgement for _, judgement in sorted(coming, key=lambda one: one[0])])


def tell_when_merged(judge, merged):
    while not judge.stats.value("cache", result="merged"):
        time.sleep(0.01)
    merged.set()


def start(*arguments, **options):
    process = CONTEXT.Process(target=ask, args=arguments, kwargs=options)
    process.start()
    return process


def asked_of(log):
    return Counter(tuple(json.loads(line)[:2]) for line in Path(log).read_text().splitlines())


@pytest.fixture(params=["sqlite", "redis"])
def store(request, tmp_path):
    if request.param == "sqlite":
        yield str(tmp_path / "verdicts.sqlite")
    else:
        with redis_server() as url:
            yield url


@pytest.mark.slow
def test_processes_with_overlapping_pairs_ask_each_once_and_agree(store, tmp_path):
    log, results = str(tmp_path / "log"), CONTEXT.Queue()
    all_pairs = pairs(300)
    shares = [all_pairs[number * 50 : number * 50 + 150] for number in range(4)]
    processes = [start(store, log, share, 0.001, results) for share in shares]
    got = [results.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()
    assert set(asked_of(log).values()) == {1}
    assert len(asked_of(log)) == 300
    for verdicts in got:
        categories = [verdict.category for verdict in verdicts]
        assert categories in [[v.category for v in expected(s, False)] for s in shares]


@pytest.mark.slow
def test_what_a_killed_process_was_asking_is_asked_by_those_who_wait(store, tmp_path):
    log, results = str(tmp_path / "log"), CONTEXT.Queue()
    victim = start(store, log, pairs(50), 0.2, results)
    while not Path(log).exists() or len(asked_of(log)) < 5:
        time.sleep(0.02)
    other = start(store, log, pairs(50), 0.0, results)
    os.kill(victim.pid, signal.SIGKILL)
    verdicts = results.get(timeout=60)
    other.join()
    victim.join()
    assert [v.category for v in verdicts] == [v.category for v in expected(pairs(50), False)]
    repeated = [pair for pair, times in asked_of(log).items() if times > 1]
    assert len(repeated) <= 1, "only the question that was open when it was killed"
    assert sum(verdict.cached for verdict in verdicts) >= 4, "what it had answered was kept"


@pytest.mark.slow
def test_a_failure_reaches_the_process_that_waited_and_is_not_kept(store, tmp_path):
    log, results = str(tmp_path / "log"), CONTEXT.Queue()
    merged = CONTEXT.Event()
    first = start(store, log, pairs(1), 0.0, results, failing=FAILED, gate=merged)
    while not Path(log).exists():
        time.sleep(0.02)
    second = start(store, log, pairs(1), 0.0, results, merged=merged)
    assert [results.get(timeout=60) for _ in range(2)] == [[FAILED]] * 2
    first.join()
    second.join()
    assert list(asked_of(log).values()) == [1]
    third = start(store, log, pairs(1), 0.0, results)
    assert results.get(timeout=60) == expected(pairs(1), cached=False)
    third.join()
