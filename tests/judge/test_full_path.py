"""Everything between a run and an LLM, on loopback: client, service, cascade, store, LLM judge."""

import os
import subprocess
import sys
import time
from contextlib import contextmanager

import httpx
import pytest
from counting import free_port
from judge.service_process import TESTS, ServiceProcess
from judge.vllm_judge import MODEL
from vllm_tools import needs_vllm

from speciarl_pl.category import Category
from speciarl_pl.judge import HTTPJudge
from speciarl_pl.records import Pair, Unjudged, Verdict

pytestmark = pytest.mark.slow

CERTAIN = [Pair("Samoyed", "Sammy"), Pair("Samoyed", "None"), Pair("Samoyed", "dog")]
ASKED = [Pair(f"thing {number}", f"another {number}") for number in range(40)]


def config(folder, url, **options):
    """A cascade that ends with an LLM."""
    llm = {"base_url": url, "model": MODEL, "retries": 0, "timeout_s": 20, **options}
    stages = [
        ("ExactJudge", {"unknown": "unjudged"}),
        ("TaxonomyJudge", {"taxonomy": "oxford_pets", "unknown": "unjudged"}),
        (
            "CachedJudge",
            {
                "judge": {"class_path": "LLMJudge", "init_args": llm},
                "store": str(folder / "verdicts.sqlite"),
            },
        ),
    ]
    named = [{"class_path": name, "init_args": arguments} for name, arguments in stages]
    return {"class_path": "CascadeJudge", "init_args": {"stages": named}}


def metric(service, name):
    """Value of a metric of the service."""
    lines = httpx.get(f"{service.url}/metrics").text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


@needs_vllm
def test_a_real_vllm_server_behind_store_service_and_client(tmp_path, vllm_judge_url):
    with (
        ServiceProcess(tmp_path, config(tmp_path, vllm_judge_url)).wait() as service,
        HTTPJudge(service.url) as judge,
    ):
        first = judge.judge([*CERTAIN, *ASKED])
        requests = metric(service, "speciarl_judge_backend_seconds_count")
        second = judge.judge([*ASKED, *CERTAIN])
        assert metric(service, "speciarl_judge_backend_seconds_count") == requests
        assert metric(service, "speciarl_judge_backend_tokens_total") > 100 * len(ASKED)
    assert [verdict.category for verdict in first[:3]] == [
        Category.SPECIFIC,
        Category.ABSTAIN,
        Category.GENERIC,
    ]
    assert all(isinstance(verdict, Verdict) for verdict in first)
    assert {verdict.source for verdict in first[3:]} == {f"llm:single@1:{MODEL}"}
    assert not any(verdict.cached for verdict in first)
    assert [verdict.category for verdict in second[:40]] == [v.category for v in first[3:]]
    assert all(verdict.cached for verdict in second[:40])


BACK_END = """
import sys
from judge.fake_llm import FakeLLM, obeys
FakeLLM(obeys("choice"), int(sys.argv[1]))
"""


@contextmanager
def back_end(port):
    """A server of its own process, which ends as a killed one does."""
    environment = {**os.environ, "PYTHONPATH": TESTS}
    process = subprocess.Popen([sys.executable, "-c", BACK_END, str(port)], env=environment)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def test_readiness_follows_the_back_end_and_one_that_was_down_is_used_again(tmp_path):
    """With the service's own intervals."""
    port = free_port()
    with (
        ServiceProcess(tmp_path, config(tmp_path, f"http://127.0.0.1:{port}/v1")) as service,
        HTTPJudge(service.url) as judge,
    ):
        with back_end(port):
            service.wait()
        assert turns(service, False) < 10
        (judged,) = judge.judge(ASKED[:1])
        assert isinstance(judged, Unjudged)
        assert judged.transient
        assert isinstance(judge.judge(CERTAIN[:1])[0], Verdict), "certain verdicts need no LLM"
        with back_end(port):
            turns(service, True)
            assert isinstance(judge.judge(ASKED[:1])[0], Verdict)


def turns(service, ready):
    """Seconds until `/readyz` says so."""
    start = time.monotonic()
    while service.ready() is not ready:
        assert time.monotonic() < start + 30
        time.sleep(0.1)
    return time.monotonic() - start
