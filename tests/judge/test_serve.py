import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest
from service_tools import WAIT_S, Echo, Stream, until

from speciarl_pl.errors import JudgeError
from speciarl_pl.judge import Judge
from speciarl_pl.judge.remote.http_judge import HTTPJudge
from speciarl_pl.judge.service.options import ServiceOptions
from speciarl_pl.judge.service.serving import BackgroundService, serve_judge
from speciarl_pl.records import Pair

TESTS = str(Path(__file__).parents[1])
PAIR = {"truth": "lion", "prediction": "Lion"}

SERVE = """
import logging
import sys
from service_tools import FileGate
from speciarl_pl.judge.service.serving import serve_judge
from speciarl_pl.judge.service.options import ServiceOptions
logging.basicConfig(level=logging.INFO)
serve_judge(FileGate(sys.argv[1]), port=0, options=ServiceOptions(shutdown_s={shutdown_s}))
print("returned")
"""


class Command:
    """The service in a process of its own."""

    def __init__(self, folder, shutdown_s=30.0):
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVE.format(shutdown_s=shutdown_s), str(folder)],
            env={**os.environ, "PYTHONPATH": TESTS},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.log = ""
        self.url = ""

    def listen(self):
        """Wait until it listens."""
        for line in self.process.stderr:
            self.log += line
            if found := re.search(r"listens on (\S+)", line):
                self.url = found[1]
                return self
        raise AssertionError(self.log)

    def post(self):
        with httpx.Client(base_url=self.url, timeout=2 * WAIT_S, trust_env=False) as client:
            return client.post("/v1/judge", json={"pairs": [PAIR]})

    def end(self):
        """Wait for its end; status and standard output."""
        output, rest = self.process.communicate(timeout=2 * WAIT_S)
        self.log += rest
        return self.process.returncode, output

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.end()
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.end()
        self.process.stdout.close()
        self.process.stderr.close()


def is_closed(url):
    host, port = url.removeprefix("http://").split(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return True
    return False


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["term", "int"])
def test_a_signal_lets_accepted_requests_finish_and_closes_the_judge(tmp_path, number):
    answers = []
    with Command(tmp_path).listen() as command:
        thread = threading.Thread(target=lambda: answers.append(command.post()))
        thread.start()
        assert until((tmp_path / "asked").exists)
        command.process.send_signal(number)
        assert until(lambda: is_closed(command.url))
        assert not answers
        assert not (tmp_path / "closed").exists()
        (tmp_path / "go").touch()
        thread.join()
        assert command.end() == (0, "returned\n")
    [verdict] = answers[0].json()["verdicts"]
    assert verdict["category"] == "specific"
    assert (tmp_path / "closed").exists()


@pytest.mark.slow
def test_a_request_that_does_not_end_does_not_keep_the_service_alive(tmp_path):
    def ask():
        with contextlib.suppress(httpx.HTTPError):
            command.post()

    with Command(tmp_path, shutdown_s=0.2).listen() as command:
        thread = threading.Thread(target=ask)
        thread.start()
        assert until((tmp_path / "asked").exists)
        command.process.send_signal(signal.SIGTERM)
        assert command.end() == (0, "returned\n")
        thread.join()
    assert (tmp_path / "closed").exists()
    assert not (tmp_path / "go").exists()


def test_the_port_is_in_use():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        message = f"port: {port} of 127.0.0.1 is in use"
        with pytest.raises(JudgeError, match=message):
            serve_judge(Echo(), port=port)
        with pytest.raises(JudgeError, match=message):
            BackgroundService(Echo(), port=port).start()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org", ""])
def test_other_machines_need_a_token(host):
    message = "host: expected a loopback address .* set SPECIARL_JUDGE_TOKEN"
    with pytest.raises(ValueError, match=message):
        serve_judge(Echo(), host)
    with pytest.raises(ValueError, match=message):
        BackgroundService(Echo(), host)


def test_an_address_of_another_machine():
    with pytest.raises(JudgeError, match=r"host: cannot listen on .*, port 0"):
        BackgroundService(Echo(), "192.0.2.1", token="s3cret").start()


@pytest.mark.parametrize("port", [-1, 65536])
def test_no_such_port(port):
    with pytest.raises(ValueError, match=f"port: expected an int from 0 to 65535, got {port}"):
        BackgroundService(Echo(), port=port).start()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("max_pairs", 0, "max_pairs: expected an int >= 1, got 0"),
        ("shutdown_s", 0, "shutdown_s: expected seconds > 0, got 0"),
        ("token", "", "token .SPECIARL_JUDGE_TOKEN.: expected visible"),
        ("token", "s3cr\u00e9t", "token .SPECIARL_JUDGE_TOKEN.: expected visible"),
    ],
)
def test_options_are_checked(name, value, message):
    with pytest.raises(ValueError, match=message) as caught:
        ServiceOptions(**{name: value})
    assert "s3cr" not in str(caught.value)


def test_the_token_is_not_shown():
    assert "s3cret" not in repr(ServiceOptions(token="s3cret"))


def test_in_the_background_accepted_requests_are_finished():
    asked, go = threading.Event(), threading.Event()
    judge = Stream(lambda pair: (asked.set(), go.wait(WAIT_S)))
    service = BackgroundService(judge)
    service.start()
    with HTTPJudge(service.url, retries=0) as client:
        each = client.judge_each([Pair("lion", "specific")])
        found = []
        asking = threading.Thread(target=lambda: found.extend(each))
        asking.start()
        assert asked.wait(WAIT_S)
        stopping = threading.Thread(target=service.stop)
        stopping.start()
        assert until(lambda: is_closed(service.url))
        assert not found
        go.set()
        stopping.join()
        asking.join()
    assert [judgement.source for _, judgement in found] == ["echo:lion"]


def test_the_background_service_leaves_the_judge_open_and_can_start_again():
    class Kept(Echo):
        closed = False

        def close(self):
            self.closed = True

    judge = Kept()
    service = BackgroundService(judge)
    for _ in range(2):
        with service, HTTPJudge(service.url) as client:
            assert client.judge([Pair("lion", "specific")])[0].category.label == "specific"
    assert not judge.closed
    service.stop()


def test_threads_end_with_the_service():
    before = set(threading.enumerate())
    with BackgroundService(Echo()) as service, HTTPJudge(service.url) as client:
        client.judge([Pair("lion", "specific")])
    assert until(lambda: set(threading.enumerate()) <= before)


def test_ipv6():
    if not socket.has_ipv6:
        pytest.skip("no IPv6")
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 loopback")
    with BackgroundService(Echo(), "::1") as service, HTTPJudge(service.url) as client:
        assert service.url.startswith("http://[::1]:")
        assert isinstance(client, Judge)
        assert client.judge([Pair("lion", "specific")])[0].source == "echo:lion"
