"""Many clients of one service: each pair is asked once, also if the service is killed."""

import json
import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from counting import category_of, pairs
from judge.service_process import ServiceProcess

from speciarl_pl.judge import HTTPJudge
from speciarl_pl.records import Verdict

pytestmark = pytest.mark.slow


def config(folder, pause_s=0.0, lease_s=10.0):
    """A counting judge behind a store."""
    counting = {"log": str(folder / "asked"), "pause_s": pause_s}
    judge = {"class_path": "counting.CountingJudge", "init_args": counting}
    options = {"judge": judge, "store": str(folder / "verdicts.sqlite"), "lease_s": lease_s}
    return {"class_path": "CachedJudge", "init_args": options}


def asked(folder):
    """How often each pair was asked of the back-end."""
    lines = Path(folder / "asked").read_text().splitlines()
    return Counter(tuple(json.loads(line)[:2]) for line in lines)


def overlapping(clients, size, universe):
    """A set of `size` pairs for each client, drawn from the same ones."""
    every, draw = pairs(universe), random.Random(0)
    return [draw.sample(every, size) for _ in range(clients)]


def test_64_clients_with_overlapping_sets_of_2000_pairs(tmp_path):
    sets = overlapping(64, 2000, 2400)
    with ServiceProcess(tmp_path, config(tmp_path)).wait() as service, ExitStack() as stack:
        judges = [stack.enter_context(HTTPJudge(service.url, concurrency=2)) for _ in sets]
        with ThreadPoolExecutor(64) as threads:
            answers = list(threads.map(lambda judge, own: judge.judge(own), judges, sets))
        metrics = httpx.get(f"{service.url}/metrics").text
    counts = asked(tmp_path)
    distinct = {pair for own in sets for pair in own}
    assert set(counts.values()) == {1}
    assert len(counts) == len(distinct) == 2400
    for own, judged in zip(sets, answers, strict=True):
        assert [verdict.category for verdict in judged] == [category_of(pair) for pair in own]
    assert f'speciarl_judge_cache_total{{result="miss"}} {len(distinct)}.0' in metrics


def test_kill_9_loses_no_verdict_that_was_received_and_asks_none_again(tmp_path):
    sets = overlapping(16, 1500, 2000)
    received, enough = [{} for _ in sets], threading.Event()

    def ask(url, own, into):
        with HTTPJudge(url, retries=0) as judge:
            for place, judgement in judge.judge_each(own):
                if isinstance(judgement, Verdict):
                    into[own[place]] = judgement
                if sum(map(len, received)) > 2000:
                    enough.set()

    service = ServiceProcess(tmp_path, config(tmp_path, pause_s=0.001, lease_s=2.0)).wait()
    with ThreadPoolExecutor(len(sets)) as threads:
        done = [
            threads.submit(ask, service.url, *each) for each in zip(sets, received, strict=True)
        ]
        assert enough.wait(60)
        service.kill()
        for each in done:
            each.result()
    known = {pair for each in received for pair in each}
    before = asked(tmp_path)
    assert 0 < len(known) < 2000, "it was killed in the middle"

    with (
        ServiceProcess(tmp_path, config(tmp_path), port=service.port).wait() as again,
        HTTPJudge(again.url) as judge,
    ):
        answers = dict(zip(pairs(2000), judge.judge(pairs(2000)), strict=True))
    after = asked(tmp_path)
    for each in received:
        for pair, verdict in each.items():
            assert answers[pair].category == verdict.category
            assert answers[pair].cached
            assert after[(pair.truth, pair.prediction)] == 1
    repeated = [pair for pair, times in after.items() if times > 1]
    requests = len(sets) * -(-1500 // 256)
    assert len(repeated) <= requests, "only what each request was asking when it was killed"
    assert set(repeated) <= set(before)
