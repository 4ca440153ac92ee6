"""The judge service in a thread of a process that does something else."""

import logging
import socket
import threading
from dataclasses import replace
from typing import Self

from speciarl_pl.errors import JudgeError
from speciarl_pl.judge.base import Judge
from speciarl_pl.judge.listening import Server, bind, url_of, uvicorn_config
from speciarl_pl.judge.service import build_app
from speciarl_pl.judge.service_options import ServiceOptions, check_open_to

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
        >>> from speciarl_pl.judge.http import HTTPJudge
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
