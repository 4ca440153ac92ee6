"""What one client sends must not stop the service for the others."""

import json
import socket
import sqlite3
import threading
import time

import httpx
import psutil
import pytest
from counting import CountingJudge, expected, pairs
from service_tools import WAIT_S, Echo, until

from speciarl_pl.judge import CachedJudge
from speciarl_pl.judge.service.options import ServiceOptions
from speciarl_pl.judge.service.serving import BackgroundService
from speciarl_pl.records import Pair

MIB = 2**20
LONGEST_S = 1.0
"""Within this /healthz answers, whatever else is sent."""


@pytest.fixture(scope="module")
def service():
    with BackgroundService(Echo(), options=ServiceOptions(receive_s=0.5)) as service:
        yield service


@pytest.fixture
def client(service):
    with httpx.Client(base_url=service.url, timeout=WAIT_S, trust_env=False) as client:
        yield client


BODIES = {
    "numbers": (b'{"pairs": [' + b"0," * (2 * MIB - 10) + b"0]}", 422),
    "empty-objects": (b'{"pairs": [' + b"{}," * (MIB + MIB // 4) + b"{}]}", 422),
    "unknown-members": (
        b'{"pairs": [], ' + b",".join(b'"%d":0' % n for n in range(300_000)) + b"}",
        422,
    ),
    "good-but-many": (
        b'{"pairs": [' + b",".join([b'{"truth":"a","prediction":"b"}'] * 120_000) + b"]}",
        422,
    ),
    "deep": (b'{"pairs": ' + b"[" * MIB, 400),
    "escapes": (b'{"pairs": [{"truth": "' + b"\\ud800" * 600_000 + b'"}]}', 422),
    "one-long-text": (
        json.dumps({"pairs": [{"truth": "a", "prediction": "b" * 4_000_000}]}).encode(),
        200,
    ),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_large_body_holds_nobody_up_and_takes_little_memory(service, client, name):
    body, status = BODIES[name]
    assert len(body) <= 4 * MIB
    before, slowest, ended = psutil.Process().memory_info().rss, 0.0, threading.Event()
    answers = []

    def attack():
        kind = {"Content-Type": "application/json"}
        url = f"{service.url}/v1/judge"
        answers.append(httpx.post(url, content=body, headers=kind, timeout=WAIT_S, trust_env=False))
        ended.set()

    threading.Thread(target=attack).start()
    while not ended.is_set():
        start = time.monotonic()
        assert client.get("/healthz").status_code == 200
        slowest = max(slowest, time.monotonic() - start)
    assert slowest < LONGEST_S
    assert answers[0].status_code == status
    assert len(answers[0].content) < 1000
    assert psutil.Process().memory_info().rss - before < 400 * MIB


def test_a_body_that_is_not_declared_as_json_is_refused(client):
    # So a page of a browser has to ask first, and is not let in.
    answer = client.post("/v1/judge", content=b'{"pairs": []}')
    assert answer.status_code == 415
    assert answer.json()["detail"] == "Content-Type: expected application/json, got ''"


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8765", "10.0.0.1", "", "a@b", "[::2]"]
)
@pytest.mark.parametrize("path", ["/v1/judge", "/metrics"])
def test_without_a_token_only_this_machine_is_called(client, path, host):
    ask = client.post if path == "/v1/judge" else client.get
    answer = ask(path, headers={"Host": host})
    assert answer.status_code == 421
    assert answer.json()["detail"].startswith("Host: expected localhost or a loopback address, got")


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:1", "127.0.0.1:9", "[::1]:8765", "LOCALHOST"]
)
def test_names_of_this_machine(client, host):
    assert client.post("/v1/judge", json={"pairs": []}, headers={"Host": host}).status_code == 200


def test_with_a_token_any_host_may_be_called():
    with BackgroundService(Echo(), token="t") as service:
        headers = {"Host": "node1", "Authorization": "Bearer t"}
        answer = httpx.get(f"{service.url}/metrics", headers=headers, trust_env=False)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "sent",
    [b"", b"POST /v1/judge HTTP/1.1\r\nHost: localhost\r\n"],
    ids=["nothing", "half a head"],
)
def test_a_connection_that_sends_no_request_is_closed(service, sent):
    host, port = service.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=WAIT_S) as connection:
        connection.sendall(sent)
        assert connection.recv(1000) == b""


def test_a_body_that_does_not_come_is_not_waited_for(service):
    host, port = service.url.removeprefix("http://").split(":")
    head = b"POST /v1/judge HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    with socket.create_connection((host, int(port)), timeout=WAIT_S) as connection:
        connection.sendall(head + b"Content-Length: 100\r\n\r\n{")
        assert b" 408 " in connection.recv(1000)


def test_a_connection_that_is_used_stays_open(client):
    for _ in range(3):
        assert client.post("/v1/judge", json={"pairs": []}).status_code == 200
        time.sleep(0.3)


def test_a_store_that_is_locked_turns_readiness_red_until_it_is_free(tmp_path):
    path = tmp_path / "verdicts.sqlite"
    options = ServiceOptions(check_interval_s=0.05, check_timeout_s=0.1)
    with (
        CachedJudge(CountingJudge(), str(path)) as judge,
        BackgroundService(judge, options=options) as service,
        httpx.Client(base_url=service.url, timeout=WAIT_S, trust_env=False) as client,
    ):
        assert until(lambda: client.get("/readyz").status_code == 200)
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        assert until(lambda: client.get("/readyz").status_code == 503)
        assert client.get("/healthz").status_code == 200
        other.execute("ROLLBACK")
        other.close()
        assert until(lambda: client.get("/readyz").status_code == 200)


def test_a_store_that_is_full_loses_no_verdict_and_is_counted(tmp_path):
    with CachedJudge(CountingJudge(), str(tmp_path / "verdicts.sqlite")) as judge:
        judge.judge(pairs(1))
        with judge._store._connection() as connection:
            used = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count = {used}")
        long = [Pair(pair.truth + "x" * 9000, pair.prediction) for pair in pairs(3)]
        assert judge.judge(long) == expected(long, cached=False)
        assert judge.stats.value("backend_errors", kind="store") == 3
