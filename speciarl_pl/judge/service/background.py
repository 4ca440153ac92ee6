"""The judge service in a thread of a process that does something else."""

import asyncio
import errno
import logging
import socket
import threading
from dataclasses import replace
from typing import Any, Final, Self

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from speciarl_pl.errors import JudgeError
from speciarl_pl.judge.base import Judge
from speciarl_pl.judge.service.app import build_app
from speciarl_pl.judge.service.options import ServiceOptions, check_open_to

_logger = logging.getLogger(__name__)


class BackgroundService:
    """Serves a judge from a thread of this process, as rank 0 of a training run does.

    Args:
        judge: An opened judge; whoever opened it closes it, after the service has stopped.
        host: Address to listen on; other than a loopback address only with a token.
        port: Port to listen on; 0 for a free one.
        token: Bearer token that clients have to send.
        options: Limits; their token is not used.

    Raises:
        ValueError: If there is no token for a `host` that other machines can reach.

    Example:
        >>> from speciarl_pl.judge import ExactJudge
        >>> from speciarl_pl.judge.remote.http_judge import HTTPJudge
        >>> from speciarl_pl.records import Pair
        >>> with BackgroundService(ExactJudge()) as service, HTTPJudge(service.url) as judge:
        ...     [verdict] = judge.judge([Pair("lion", "Lion")])
        >>> verdict.source
        'exact:same'
    """

    def __init__(
        self,
        judge: Judge,
        host: str = "127.0.0.1",
        port: int = 0,
        token: str | None = None,
        options: ServiceOptions | None = None,
    ) -> None:
        self._options = replace(options or ServiceOptions(), token=token)
        check_open_to(host, token)
        self._judge = judge
        self._host = host
        self._port = port
        self._server: Server | None = None
        self._thread: threading.Thread | None = None
        self.url = ""
        """Where it listens, e.g. `http://127.0.0.1:8765`, once it has started."""

    def start(self) -> None:
        """Begin to serve; when this returns, requests are answered.

        Raises:
            JudgeError: If the port is in use or the service cannot start.
        """
        sock = bind(self._host, self._port)
        self.url = url_of(sock)
        settings = uvicorn_config(build_app(self._judge, self._options), self._options)
        self._server = Server(settings)
        self._thread = threading.Thread(
            target=self._run, args=(self._server, sock), name="judge-service", daemon=True
        )
        self._thread.start()
        self._server.settled.wait()
        if not self._server.started:
            raise JudgeError(f"{self.url}: the judge service could not start; the log says why")

    def stop(self) -> None:
        """Take no more requests, finish those accepted, and end."""
        if self._server is not None and self._thread is not None:
            self._server.end()
            self._thread.join()
            self._server = self._thread = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    @staticmethod
    def _run(server: "Server", sock: socket.socket) -> None:
        with sock:
            try:
                server.run([sock])
            except Exception:
                _logger.exception("the judge service failed")
            finally:
                server.settled.set()


# How the judge service listens: its socket and its uvicorn server.


_KEEP_ALIVE_S: Final = 75
"""Seconds that an idle connection stays open; longer than clients keep theirs."""
_WORKER_S: Final = 10
"""Seconds that a worker process may be too busy to tell that it lives."""


class Server(uvicorn.Server):
    """Tells others when it starts to listen and when it begins to shut down.

    Args:
        config: Settings with an application of `build_app`.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.settled = threading.Event()
        """Set once it listens; whoever runs it sets it if it never will."""

    def end(self) -> None:
        """Begin to shut down."""
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        await super().startup(sockets)
        self.settled.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop to listen, and finish what was accepted."""
        self.config.app.state.watch.close_down()  # type: ignore[union-attr]
        await super().shutdown(sockets)


class _Protocol(AutoHTTPProtocol):  # type: ignore[misc,valid-type]
    """Closes connections on which no request has begun in time; uvicorn waits for ever."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait."""
        super().connection_made(transport)
        self.loop.call_later(self.config.receive_s, self._end_if_silent, transport)

    def _end_if_silent(self, transport: asyncio.BaseTransport) -> None:
        if self.cycle is None:
            transport.close()


def uvicorn_config(
    app: FastAPI | str,
    options: ServiceOptions,
    workers: int = 1,
    log_config: dict[str, Any] | None = None,
) -> uvicorn.Config:
    """Settings of uvicorn; without `log_config`, the process's logging is left alone."""
    config = uvicorn.Config(
        app,
        http=_Protocol,
        factory=isinstance(app, str),
        workers=workers,
        log_config=log_config,
        log_level="warning" if log_config is None else "info",
        access_log=False,
        ws="none",
        lifespan="on",
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_worker_healthcheck=_WORKER_S,
        timeout_graceful_shutdown=options.shutdown_s,  # type: ignore[arg-type]
    )
    config.receive_s = options.receive_s  # type: ignore[attr-defined]
    return config


def bind(host: str, port: int) -> socket.socket:
    """A socket that takes connections; they wait until the service answers them.

    Raises:
        JudgeError: If the port is in use, or this machine has no such address.
        ValueError: If there is no such port.
    """
    if not 0 <= port < 2**16:
        raise ValueError(f"port: expected an int from 0 to 65535, got {port}")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        return socket.create_server(address[:2], family=family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise JudgeError(
                f"port: {port} of {host} is in use; choose another one, or 0 for a free one"
            ) from error
        raise JudgeError(f"host: cannot listen on {host}, port {port}: {error}") from error


def url_of(sock: socket.socket) -> str:
    """Where `sock` listens, e.g. `http://127.0.0.1:8765`."""
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
