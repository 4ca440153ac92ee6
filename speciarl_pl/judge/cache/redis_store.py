"""Verdicts on a Redis server, for many nodes."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from speciarl_pl.errors import MissingExtraError
from speciarl_pl.judge.cache.store import StoreError, VerdictStore

_PREFIX: Final = "speciarl:judge:verdict:"
_CHUNK: Final = 500
"""Keys per command, so that no command blocks the server for long."""

_DROP: Final = """
for i, key in ipairs(KEYS) do
  if redis.call('GET', key) == ARGV[i] then redis.call('DEL', key) end
end
"""


class RedisStore(VerdictStore):
    """A server that `url` names; needs the extra `redis`.

    Verdicts live on the server for as long as it keeps them: give it persistence, a password and
    no eviction (`maxmemory-policy noeviction`). Every key begins with `speciarl:judge:`. A cluster
    of Redis servers is not supported.

    Args:
        url: Such as `redis://user:password@host:6379/0`, `rediss://` for TLS or `unix://`; without
            a password, `REDISCLI_AUTH` of the environment is taken.
        timeout_s: Seconds until a server that does not answer counts as down.

    Raises:
        MissingExtraError: If the client is not installed.
        ValueError: If the url is none.
    """

    def __init__(self, url: str, timeout_s: float = 10.0) -> None:
        self._redis = _connect(url, timeout_s)
        self.name = _without_secret(url)
        self._drop = self._redis.register_script(_DROP)

    def get(self, keys: Sequence[str]) -> dict[str, str]:
        """Values of those keys that have one."""
        found: dict[str, str] = {}
        with self._answering():
            for part in _parts(keys):
                values = self._redis.mget(_names(part))
                found |= {k: _as_text(v) for k, v in zip(part, values, strict=True) if v}
        return found

    def put(self, values: Mapping[str, str]) -> None:
        """Keep the values of keys that have none."""
        with self._answering():
            for part in _parts(list(values)):
                pipe = self._redis.pipeline(transaction=True)
                for key in part:
                    pipe.set(f"{_PREFIX}{key}", values[key], nx=True)
                pipe.execute()

    def drop(self, values: Mapping[str, str]) -> None:
        """Remove values, each only if it is still the one given."""
        with self._answering():
            for part in _parts(list(values)):
                self._drop(keys=_names(part), args=[values[key] for key in part])

    def close(self) -> None:
        """Close all connections."""
        self._redis.close()

    @contextmanager
    def _answering(self) -> Iterator[None]:
        from redis import RedisError

        try:
            yield
        except RedisError as error:
            raise StoreError(f"store {self.name}: {type(error).__name__}: {error}") from error


def _connect(url: str, timeout_s: float) -> Any:
    try:
        from redis import Redis
    except ImportError as error:
        raise MissingExtraError("redis", "redis") from error
    options: dict[str, Any] = {
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
        "protocol": 2,  # also spoken by old servers
    }
    if password := os.environ.get("REDISCLI_AUTH"):
        options["password"] = password
    return Redis.from_url(url, **options)


def _without_secret(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def _parts(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), _CHUNK):
        yield keys[start : start + _CHUNK]


def _names(keys: Sequence[str]) -> list[str]:
    return [f"{_PREFIX}{key}" for key in keys]


def _as_text(value: bytes) -> str:
    return value.decode("utf-8", errors="replace")
