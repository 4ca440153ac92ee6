"""From the name of a store to the store."""

from typing import Final

from speciarl_pl.judge.redis_store import RedisStore
from speciarl_pl.judge.sqlite_store import SQLiteStore
from speciarl_pl.judge.store import VerdictStore

DEFAULT_STORE: Final = "~/.cache/speciarl_pl/verdicts.sqlite"
"""Shared by all runs of a user on this machine."""


def open_store(store: str) -> VerdictStore:
    """Open the store that `store` names.

    Args:
        store: A Redis URL (`redis://`, `rediss://`, `unix://`), or the path of an SQLite file.

    Raises:
        ValueError: If it is another kind of URL, or empty.
        JudgeError: If the file cannot be used.
        MissingExtraError: If the client for Redis is not installed.
    """
    if store.startswith(("redis://", "rediss://", "unix://")):
        return RedisStore(store)
    if not store or "://" in store:
        raise ValueError(
            f"store: expected the path of an SQLite file or redis://..., got {store!r}"
        )
    return SQLiteStore(store)
