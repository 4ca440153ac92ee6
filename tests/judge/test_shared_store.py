"""Several processes with one store: what one knows the others know."""

import multiprocessing

import pytest
from counting import CountingJudge, expected, pairs

from speciarl_pl.judge import CachedJudge

CONTEXT = multiprocessing.get_context("spawn")


def ask(store, asked, results):
    """A process that asks about pairs and tells what it got."""
    with CachedJudge(CountingJudge(pause_s=0.001), store) as judge:
        results.put(judge.judge(asked))


@pytest.mark.slow
def test_processes_that_ask_at_once_agree_and_keep_all_verdicts(tmp_path):
    store, results = str(tmp_path / "verdicts.sqlite"), CONTEXT.Queue()
    everything = pairs(300)
    processes = [CONTEXT.Process(target=ask, args=(store, everything, results)) for _ in range(3)]
    for process in processes:
        process.start()
    got = [results.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()
    categories = [verdict.category for verdict in expected(everything, cached=False)]
    assert [[verdict.category for verdict in one] for one in got] == [categories] * 3
    with CachedJudge(CountingJudge(), store) as judge:
        assert judge.judge(everything) == expected(everything, cached=True)
    assert judge.judge_behind.asked == []
