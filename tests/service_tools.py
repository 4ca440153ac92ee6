"""Judges and servers that tests of the judge service share."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from pathlib import Path

from speciarl_pl.category import Category
from speciarl_pl.judge import Judge, JudgeUnavailableError
from speciarl_pl.records import Judgement, Pair, Verdict

WAIT_S = 30
"""Longest wait for something that happens at once unless it never does."""


def until(condition: Callable[[], object]) -> bool:
    """Wait until `condition` holds; False if it never does."""
    end = time.monotonic() + WAIT_S
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def is_ready(judge: Judge) -> bool:
    """Whether the service behind `judge` answers."""
    try:
        judge.check()
    except JudgeUnavailableError:
        return False
    return True


class Echo(Judge):
    """The category is the prediction's; what it was asked is kept."""

    def __init__(self) -> None:
        self.asked: list[Pair] = []

    def judge(self, pairs: Sequence[Pair]) -> list[Judgement]:
        self.asked += pairs
        return [Verdict(Category.parse(pair.prediction), f"echo:{pair.truth}") for pair in pairs]


class Stream(Echo):
    """Gives verdicts one by one, and is told before each."""

    def __init__(self, before: Callable[[Pair], None]) -> None:
        super().__init__()
        self.before = before
        self.ended = threading.Event()

    def judge_each(self, pairs: Sequence[Pair]) -> Iterator[tuple[int, Judgement]]:
        try:
            for place, pair in enumerate(pairs):
                self.before(pair)
                yield place, self.judge([pair])[0]
        finally:
            self.ended.set()


class BackEnd(Echo):
    """A judge whose service can be up, down or hang."""

    def __init__(self) -> None:
        super().__init__()
        self.is_up = True
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.checks = 0
        self.checking = 0
        self.most_checking = 0

    def check(self) -> None:
        self.checks += 1
        self.checking += 1
        self.most_checking = max(self.most_checking, self.checking)
        self.may_answer.wait(WAIT_S)
        self.checking -= 1
        if not self.is_up:
            raise JudgeUnavailableError("connection refused")


class FileGate(Echo):
    """A judge for another process, which waits for a file and leaves files to say what it does.

    Args:
        folder: Where `asked` and `closed` appear, and where it waits for `go`.
    """

    def __init__(self, folder: str) -> None:
        super().__init__()
        self.folder = Path(folder)

    def judge(self, pairs: Sequence[Pair]) -> list[Judgement]:
        (self.folder / "asked").touch()
        until((self.folder / "go").exists)
        return [Verdict(Category.SPECIFIC, f"process:{os.getpid()}") for _ in pairs]

    def close(self) -> None:
        (self.folder / "closed").touch()


Script = Callable[["Reply", bytes], None]
"""Writes an answer to a request with this body."""


class Reply(BaseHTTPRequestHandler):
    """A request to a `scripted` server, and ways to answer it badly."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.bodies.append(body)
        self.server.scripts.pop(0)(self, body)

    def do_GET(self) -> None:
        self.server.scripts.pop(0)(self, b"")

    def whole(self, body: bytes, status: int = 200, **headers: str) -> None:
        """Answer in full."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def cut(self, body: bytes) -> None:
        """Answer in part and drop the connection."""
        self.send_response(200)
        self.send_header("Content-Length", str(len(body) + 1000))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def serving(server: HTTPServer) -> Iterator[str]:
    """Serve in a thread; gives the URL."""
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def scripted(*scripts: Script) -> Iterator[tuple[str, list[bytes]]]:
    """A server that answers its requests by `scripts`, one each; its URL and what it was sent."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Reply)
    server.scripts, server.bodies = list(scripts), []
    with serving(server) as url:
        yield url, server.bodies
    assert not server.scripts, "some answers were not asked for"
