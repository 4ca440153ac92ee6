"""Runs the judge service until it is told to end, in one process or several."""

import copy
import json
import logging
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI
from uvicorn.config import LOGGING_CONFIG, STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import SIGNALS as UVICORN_SIGNALS

from speciarl_pl.errors import JudgeError
from speciarl_pl.judge.base import Judge
from speciarl_pl.judge.config import load_judge
from speciarl_pl.judge.service.app import build_app
from speciarl_pl.judge.service.background import (
    BackgroundService,
    Server,
    bind,
    url_of,
    uvicorn_config,
)
from speciarl_pl.judge.service.options import TOKEN_VARIABLE, ServiceOptions, check_open_to
from speciarl_pl.judge.service.service_metrics import SHARED_FOLDER

__all__ = ["BackgroundService", "ServiceOptions", "app_from_environment", "serve", "serve_judge"]

_SETTINGS_VARIABLE: Final = "SPECIARL_JUDGE_SERVICE"
"""Tells worker processes, as JSON, the judge's file and all options but the token."""

_FACTORY: Final = "speciarl_pl.judge.service.serving:app_from_environment"
"""What uvicorn calls in a worker process."""

_logger = logging.getLogger(__name__)


def serve(
    config: str | Path,
    host: str = "127.0.0.1",
    port: int = 8765,
    options: ServiceOptions | None = None,
    workers: int = 1,
) -> None:
    """Serve the judge of a configuration file until SIGTERM or SIGINT.

    Then no more connections are taken, what was accepted is finished, and the judge is closed. To
    be called from the main thread.

    Args:
        config: YAML file of the judge; see `load_judge`.
        host: Address to listen on; other than a loopback address only with a token.
        port: Port to listen on; 0 for a free one, which is logged.
        options: Limits and token.
        workers: Processes that answer; each builds its own judge, so that only a cache with a
            store on disk or in Redis is shared.

    Raises:
        JudgeError: If the file names no judge, the port is in use, or a worker cannot start.
        ValueError: If there is no token for a `host` that other machines can reach, or `workers`
            is below 1.
    """
    options = options or ServiceOptions()
    if workers < 1:
        raise ValueError(f"workers: expected an int >= 1, got {workers}")
    check_open_to(host, options.token)
    judge = load_judge(config)
    if workers == 1:
        serve_judge(judge, host, port, options)
        return
    judge.close()  # it only showed that the file is sound
    with bind(host, port) as sock, _settings(config, options), _own_signals():
        settings = uvicorn_config(_FACTORY, options, workers, _command_logging())
        supervisor = Multiprocess(settings, [sock])
        _announce(sock)
        supervisor.run()
    if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        raise JudgeError(f"{config}: a worker could not start; its log says why")


def serve_judge(
    judge: Judge, host: str = "127.0.0.1", port: int = 8765, options: ServiceOptions | None = None
) -> None:
    """Serve a judge in this process until SIGTERM or SIGINT; opens and closes it.

    Args:
        judge: The judge, not opened yet.
        host: See `serve`.
        port: See `serve`.
        options: See `serve`.

    Raises:
        JudgeError: If the port is in use.
        ValueError: If there is no token for a `host` that other machines can reach.
    """
    options = options or ServiceOptions()
    check_open_to(host, options.token)
    with bind(host, port) as sock:
        judge.open()
        app = build_app(judge, options, closes_judge=True)
        settings = uvicorn_config(app, options, log_config=_command_logging())
        server = Server(settings)
        with _own_signals(server.end):
            _announce(sock)
            server.run([sock])


def app_from_environment() -> FastAPI:
    """The application of a worker process; uvicorn calls it there."""
    settings = json.loads(os.environ[_SETTINGS_VARIABLE])
    options = ServiceOptions(token=os.environ.get(TOKEN_VARIABLE), **settings["options"])
    try:
        judge = load_judge(settings["config"])
        judge.open()
    except Exception:
        _logger.exception("%s: the judge cannot be opened", settings["config"])
        sys.exit(STARTUP_FAILURE)  # with any other status, a new worker would try again
    threading.Thread(target=_end_with_parent, name="judge-parent", daemon=True).start()
    return build_app(judge, options, closes_judge=True)


def _announce(sock: socket.socket) -> None:
    _logger.info("The judge service listens on %s", url_of(sock))


def _command_logging() -> dict[str, Any]:
    """Uvicorn's settings, and the same for this package: lines on the standard error."""
    settings = copy.deepcopy(LOGGING_CONFIG)
    settings["loggers"]["speciarl_pl"] = {"handlers": ["default"], "level": "INFO"}
    return settings


@contextmanager
def _settings(config: str | Path, options: ServiceOptions) -> Iterator[None]:
    """Environment variables that worker processes start with."""
    given = asdict(options)
    token = given.pop("token")
    with tempfile.TemporaryDirectory(prefix="judge-metrics-") as folder:
        variables = {
            _SETTINGS_VARIABLE: json.dumps({"config": str(config), "options": given}),
            SHARED_FOLDER: folder,
            TOKEN_VARIABLE: token,
        }
        before = {name: os.environ.get(name) for name in variables}
        _set_environment(variables)
        try:
            yield
        finally:
            _set_environment(before)


def _set_environment(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


@contextmanager
def _own_signals(on_end: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Keep the process alive through SIGINT and SIGTERM, and leave handlers as they were.

    Uvicorn obeys these signals and then raises them again, for whoever handled them before.

    Args:
        on_end: Called for a signal that comes before uvicorn listens or that it raises again.
    """
    numbers = {*UVICORN_SIGNALS, signal.SIGINT, signal.SIGTERM}
    before = {number: signal.getsignal(number) for number in numbers}
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: on_end())
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end_with_parent() -> None:
    """End this worker, as on SIGTERM, if the process that started it is gone."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
