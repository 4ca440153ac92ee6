"""Runs the judge service: until a signal, or beside something else."""

import asyncio
import errno
import logging
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final, Self

import uvicorn
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from speciarl_pl.errors import JudgeError
from speciarl_pl.judge.base import Judge
from speciarl_pl.judge.service.app import build_app
from speciarl_pl.judge.service.options import ServiceOptions, check_open_to

_KEEP_ALIVE_S: Final = 75
"""Seconds that an idle connection stays open; longer than clients keep theirs."""

_logger = logging.getLogger(__name__)


def serve_judge(
    judge: Judge, host: str = "127.0.0.1", port: int = 8765, options: ServiceOptions | None = None
) -> None:
    """Serve a judge until SIGTERM or SIGINT; opens and closes it.

    Then no more connections are taken, and what was accepted is finished. To be called from the
    main thread.

    Args:
        judge: The judge, not opened yet.
        host: Address to listen on; other than a loopback address only with a token.
        port: Port to listen on; 0 for a free one, which is logged.
        options: Limits and token.

    Raises:
        JudgeError: If the port is in use.
        ValueError: If there is no token for a `host` that other machines can reach.
    """
    options = options or ServiceOptions()
    service = BackgroundService(judge, host, port, options.token, options)
    with judge, service, _on_signals(service.end):
        _logger.info("The judge service listens on %s", service.url)
        service.join()


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
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self.url = ""
        """Where it listens, e.g. `http://127.0.0.1:8765`, once it has started."""

    def start(self) -> None:
        """Begin to serve; when this returns, requests are answered.

        Raises:
            JudgeError: If the port is in use or the service cannot start.
        """
        sock = _bind(self._host, self._port)
        self.url = _url_of(sock)
        server = self._server = uvicorn.Server(_config(self._judge, self._options))
        # A daemon, as are then the threads at the judge: one that hangs does not keep the process.
        self._thread = threading.Thread(
            target=_run, args=(server, sock), name="judge-service", daemon=True
        )
        self._thread.start()
        while not server.started:
            if not self._thread.is_alive():
                raise JudgeError(f"{self.url}: the judge service could not start; the log says why")
            time.sleep(0.005)

    def end(self) -> None:
        """Begin to shut down: take no more requests, and finish those accepted."""
        if self._server is not None:
            self._server.should_exit = True

    def join(self) -> None:
        """Wait until it has ended."""
        if self._thread is not None:
            self._thread.join()

    def stop(self) -> None:
        """Take no more requests, finish those accepted, and end."""
        self.end()
        self.join()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()


def _run(server: uvicorn.Server, sock: socket.socket) -> None:
    with sock:
        try:
            server.run([sock])
        except Exception:
            _logger.exception("the judge service failed")


def _config(judge: Judge, options: ServiceOptions) -> uvicorn.Config:
    return uvicorn.Config(
        build_app(judge, options),
        http=_protocol(options.receive_s),
        log_config=None,  # the logging of the process is left alone
        log_level="warning",
        access_log=False,
        ws="none",
        lifespan="off",
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=options.shutdown_s,  # type: ignore[arg-type]
    )


def _protocol(receive_s: float) -> type[asyncio.Protocol]:
    """What closes connections on which no request begins in time; uvicorn waits for ever."""

    class Protocol(AutoHTTPProtocol):  # type: ignore[misc,valid-type]
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            self.loop.call_later(receive_s, self._end_if_silent, transport)

        def _end_if_silent(self, transport: asyncio.BaseTransport) -> None:
            if self.cycle is None:
                transport.close()

    return Protocol


def _bind(host: str, port: int) -> socket.socket:
    """A socket that takes connections; they wait until the service answers them."""
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


def _url_of(sock: socket.socket) -> str:
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextmanager
def _on_signals(end: Callable[[], None]) -> Iterator[None]:
    """Call `end` at the first SIGINT or SIGTERM; a second one does what it did before."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def first(*_: object) -> None:
        restore()
        end()

    for number in before:
        signal.signal(number, first)
    try:
        yield
    finally:
        restore()
