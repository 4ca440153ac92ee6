"""Verdicts on a Redis server, for many nodes."""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from speciarl_pl.errors import MissingExtraError
from speciarl_pl.judge.cache.store import Ask, Failure, StoreError, VerdictStore

_PREFIX: Final = "speciarl:judge:"
_CHUNK: Final = 500
"""Keys per command, so that no command blocks the server for long."""

_LEASE_MS: Final = 24 * 3600 * 1000
"""An upper bound; a lease ends with its owner."""

_FAILURE_MS: Final = 60 * 1000

_CLAIM: Final = """
local prefix, holders = ARGV[3], {}
for i, key in ipairs(KEYS) do
  local lease = prefix .. 'lease:' .. key
  if redis.call('EXISTS', prefix .. 'verdict:' .. key) == 1 then
    holders[i] = ''
  else
    local holder = redis.call('GET', lease)
    if holder then
      local owner = cjson.decode(holder)[1]
      local dead = redis.call('EXISTS', prefix .. 'owner:' .. owner) == 0
      if dead or owner == ARGV[4] then holder = false end
    end
    if not holder then
      redis.call('SET', lease, ARGV[1], 'PX', ARGV[2])
      redis.call('DEL', prefix .. 'failure:' .. key)
    end
    holders[i] = holder or ARGV[1]
  end
end
return holders
"""

_RELEASE: Final = """
for i, key in ipairs(KEYS) do
  if redis.call('GET', key) == ARGV[1] then redis.call('DEL', key) end
end
"""

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
        self._claim = self._redis.register_script(_CLAIM)
        self._release = self._redis.register_script(_RELEASE)
        self._drop = self._redis.register_script(_DROP)

    def get(self, keys: Sequence[str]) -> dict[str, str]:
        """Values of those keys that have one."""
        return self._read("verdict:", keys, _as_text)

    def put(self, values: Mapping[str, str], ask: Ask) -> None:
        """Keep values and end their leases."""
        with self._answering():
            for part in _parts(list(values)):
                pipe = self._redis.pipeline(transaction=True)
                for key in part:
                    pipe.set(f"{_PREFIX}verdict:{key}", values[key], nx=True)
                self._release(keys=_names("lease:", part), args=[_holder(ask)], client=pipe)
                pipe.execute()

    def drop(self, values: Mapping[str, str]) -> None:
        """Remove values, each only if it is still the one given."""
        with self._answering():
            for part in _parts(list(values)):
                self._drop(keys=_names("verdict:", part), args=[values[key] for key in part])

    def claim(self, keys: Sequence[str], ask: Ask) -> dict[str, Ask]:
        """Take leases on keys that have no value and that nobody alive holds."""
        found: dict[str, Ask] = {}
        with self._answering():
            for part in _parts(keys):
                holders = self._claim(keys=part, args=[_holder(ask), _LEASE_MS, _PREFIX, ask.owner])
                found |= {key: _ask(who) for key, who in zip(part, holders, strict=True) if who}
        return found

    def renew(self, owner: str, seconds: float) -> None:
        """Make the leases of `owner` last for so long from now."""
        with self._answering():
            self._redis.set(f"{_PREFIX}owner:{owner}", "1", px=max(1, round(seconds * 1000)))

    def release(self, failures: Mapping[str, str], ask: Ask) -> None:
        """End leases of `ask` without a value."""
        with self._answering():
            for part in _parts(list(failures)):
                pipe = self._redis.pipeline(transaction=True)
                for key in part:
                    note = json.dumps([ask.owner, ask.number, failures[key]])
                    pipe.set(f"{_PREFIX}failure:{key}", note, px=_FAILURE_MS)
                self._release(keys=_names("lease:", part), args=[_holder(ask)], client=pipe)
                pipe.execute()

    def failures(self, keys: Sequence[str]) -> dict[str, Failure]:
        """The last failure of each key that had one since its last lease or value."""
        return self._read("failure:", keys, _failure)

    def close(self) -> None:
        """Close all connections."""
        self._redis.close()

    def _read(
        self, kind: str, keys: Sequence[str], as_value: Callable[[bytes], Any]
    ) -> dict[str, Any]:
        found: dict[str, Any] = {}
        with self._answering():
            for part in _parts(keys):
                values = self._redis.mget(_names(kind, part))
                found |= {k: as_value(v) for k, v in zip(part, values, strict=True) if v}
        return found

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


def _names(kind: str, keys: Sequence[str]) -> list[str]:
    return [f"{_PREFIX}{kind}{key}" for key in keys]


def _holder(ask: Ask) -> str:
    return json.dumps([ask.owner, ask.number])


def _ask(holder: bytes) -> Ask:
    return Ask(*json.loads(holder))


def _failure(note: bytes) -> Failure:
    owner, number, reason = json.loads(note)
    return Failure(Ask(owner, number), reason)


def _as_text(value: bytes) -> str:
    return value.decode("utf-8", errors="replace")
