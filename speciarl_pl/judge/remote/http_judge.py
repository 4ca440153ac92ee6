"""A judge somewhere else, asked by HTTP."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import httpx

from speciarl_pl.errors import JudgeError
from speciarl_pl.judge.calls import CallError
from speciarl_pl.judge.loop import LoopJudge
from speciarl_pl.judge.remote.batches import Patience, VerdictClient
from speciarl_pl.judge.wire import TOKEN_VARIABLE, check_token, encode_pair, is_loopback
from speciarl_pl.records import Pair


class HTTPJudge(LoopJudge[bytes]):
    """Asks a judge service (`python -m speciarl_pl judge serve`), from any number of threads.

    Verdicts come as the service has them. If a connection breaks, what was received stands and the
    rest is asked again; what has no answer after `retries` more requests is unjudged for now. An
    answer that says anything but one judgement for a pair that was asked is no answer.

    Args:
        url: Of the service, such as `http://node1:8765`.
        token_env: Name of the environment variable with the service's token; unset if the service
            needs none.
        batch_size: Most pairs of one request.
        concurrency: Requests on their way at once, of all threads together.
        timeout_s: Seconds without a sign of the service until a request counts as lost.
        retries: Times that pairs without an answer are asked about again.
        wait_s: Seconds before the first such time, doubled for each further one; a service may ask
            for another wait.

    Raises:
        ValueError: If an argument is out of range.
    """

    failures = (CallError,)

    def __init__(
        self,
        url: str,
        token_env: str = TOKEN_VARIABLE,
        batch_size: int = 256,
        concurrency: int = 8,
        timeout_s: float = 600.0,
        retries: int = 3,
        wait_s: float = 0.5,
        *,
        _token: str | None = None,  # for the data module; here, so that no config shows it
    ) -> None:
        super().__init__()
        host = _host(url)
        for name, value, least in (
            ("batch_size", batch_size, 1),
            ("concurrency", concurrency, 1),
            ("retries", retries, 0),
        ):
            if value < least:
                raise ValueError(f"{name}: expected an int >= {least}, got {value}")
        for name, seconds in (("timeout_s", timeout_s), ("wait_s", wait_s)):
            if not seconds > 0:
                raise ValueError(f"{name}: expected seconds > 0, got {seconds}")
        check_token(_token)
        self.url = url.rstrip("/")
        self._is_near = is_loopback(host)
        self._token_env, self._token = token_env, _token
        self._patience = Patience(batch_size, concurrency, retries, wait_s)
        self._timeout_s = timeout_s

    @property
    def name(self) -> str:
        """Its URL."""
        return self.url

    def _question(self, pair: Pair) -> bytes:
        return encode_pair(pair)

    @asynccontextmanager
    async def _connect(self) -> AsyncIterator[VerdictClient]:
        connections = self._patience.concurrency + 1  # one for `check`
        async with httpx.AsyncClient(
            headers=self._headers(),
            timeout=httpx.Timeout(self._timeout_s, connect=5.0, pool=None),
            limits=httpx.Limits(
                max_connections=connections,
                max_keepalive_connections=connections,
                keepalive_expiry=30.0,
            ),
            trust_env=not self._is_near,  # no proxy leads to this very machine
        ) as client:
            yield VerdictClient(client, self.url, self._patience, lambda: self.stats)

    def _headers(self) -> dict[str, str]:
        token = self._token or os.environ.get(self._token_env)
        try:
            check_token(token or None)
        except ValueError as error:
            raise JudgeError(f"{self._token_env}: cannot be sent: {error}") from error
        return {"Authorization": f"Bearer {token}"} if token else {}


def _host(url: str) -> str:
    """The host that `url` names."""
    try:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc:
            return parts.hostname
    except ValueError:
        pass
    raise ValueError(
        f"url: expected one such as http://node1:8765, without a password, got {_bare(url)!r}"
    )


def _bare(url: str) -> str:
    """`url` without what may be a password."""
    return url.rpartition("@")[2]
