"""Documented commands beside runs: `judge`, `data`, `doctor`, `curl`; options of `vllm serve`."""

import json
import os
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest
from counting import free_port
from service_tools import serving
from vllm_tools import needs_vllm

from .commands import REPOSITORY, documented, label, to_run, unique
from .place import TRAINING, run_ours
from .test_runs import NEEDS_SERVICE

TOOLS = [one for one in to_run("judge", "data") if one.ours[1] != "serve"]
SERVES = [one for one in to_run("judge") if one.ours[1] == "serve"]
TESTS = str(Path(__file__).parents[1])


class Lists(BaseHTTPRequestHandler):
    """Serves a file of the current directory."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(Path(self.path[1:]).read_bytes())

    def log_message(self, *_):
        pass


@pytest.fixture
def host():
    with serving(HTTPServer(("127.0.0.1", 0), Lists)) as url:
        yield url


@pytest.mark.parametrize("command", TOOLS, ids=label)
def test_a_tool_runs(command, place, host, monkeypatch, capsys):
    words = [word.replace("https://HOST", host) for word in command.ours]
    assert run_ours(words, monkeypatch) == 0, capsys.readouterr()
    assert "problem" not in capsys.readouterr().out


@pytest.mark.parametrize("command", to_run("doctor"), ids=label)
def test_doctor_takes_its_options(command, monkeypatch, capsys):
    """What it does takes long, and `--repair` writes to this Python: tests/test_doctor.py."""
    assert run_ours([*command.ours, "--help"], monkeypatch) == 0
    assert all(word in capsys.readouterr().out for word in command.ours[1:])


class Service:
    """A documented `judge serve`, on a port of its own."""

    def __init__(self, command, log):
        self.port = free_port()
        words = _with_port(command.ours, self.port)
        words += [] if "--port" in words else ["--port", str(self.port)]
        environment = {**os.environ, **command.variables, "OMP_NUM_THREADS": "1"}
        self.log = log
        with log.open("w") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "speciarl_pl", *words],
                env=environment,
                stdout=file,
                stderr=file,
            )

    def __enter__(self):
        end = time.monotonic() + 120
        while not self._ready():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < end, self.log.read_text()
            time.sleep(0.1)
        return self

    def _ready(self):
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/readyz", timeout=5).is_success
        except httpx.TransportError:
            return False

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(60)


def _with_port(words, port):
    return [
        word.replace("judge-node:8765", f"127.0.0.1:{port}").replace("8765", str(port))
        for word in words
    ]


@pytest.mark.slow
@pytest.mark.parametrize("command", SERVES, ids=label)
def test_a_service_answers_what_is_documented(command, place, monkeypatch, capsys):
    """With a token the documented `fit` asks it, without one the documented `curl`."""
    with Service(command, place / "service.log") as service:
        if command.variables:
            for name, value in command.variables.items():
                monkeypatch.setenv(name, value)
            (fit,) = [one for one in to_run("fit") if NEEDS_SERVICE in one.words]
            assert fit.variables == command.variables
            small = [*TRAINING, "--model.max_unjudged_share=1", "--watch.must_learn=false"]
            words = [*_with_port(fit.ours, service.port), *small]
            assert run_ours(words, monkeypatch) == 0, capsys.readouterr().err
            return
        curls = to_run("curl")
        assert curls
        for curl in curls:
            words = _with_port(curl.words, service.port)
            done = subprocess.run(words, capture_output=True, text=True, check=True)
            assert done.stdout.strip() in _shown(), done.stdout


def _shown():
    """What the page shows as the answer."""
    return (REPOSITORY / "docs" / "judge.md").read_text()


@pytest.mark.slow
@needs_vllm
def test_vllm_takes_the_options_of_its_servers():
    """By vLLM's own parser; `tests/callbacks` starts such servers, on a CPU."""
    commands = [one.words[2:] for one in unique(documented()) if one.words[:2] == ["vllm", "serve"]]
    assert len(commands) >= 3
    script = (
        "import json, sys\n"
        "from vllm.entrypoints.launchers.cli_args import make_arg_parser\n"
        "from vllm.utils.argparse_utils import FlexibleArgumentParser\n"
        "parser = make_arg_parser(FlexibleArgumentParser())\n"
        "for words in json.loads(sys.argv[1]):\n"
        "    print(parser.parse_args(words).model_tag)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, json.dumps(commands)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) >= len(commands)
