"""Verdicts in one SQLite file, for all threads and processes of this machine."""

import json
import logging
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from queue import Empty, LifoQueue
from typing import Final

from speciarl_pl.errors import JudgeError
from speciarl_pl.judge.cache.store import Ask, Failure, StoreError, VerdictStore

_log = logging.getLogger(__name__)

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS verdicts (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS leases (key TEXT PRIMARY KEY, owner TEXT NOT NULL, number TEXT NOT NULL,
    failure TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS holders (owner TEXT PRIMARY KEY, expires REAL NOT NULL,
    seconds REAL NOT NULL) WITHOUT ROWID;
"""

_CLAIM: Final = """
INSERT INTO leases SELECT value, :owner, :number, NULL FROM json_each(:keys) AS asked
WHERE NOT EXISTS (SELECT 1 FROM verdicts WHERE key = asked.value)
ON CONFLICT (key) DO UPDATE SET owner = :owner, number = :number, failure = NULL
WHERE failure IS NOT NULL
   OR owner = :owner
   OR owner NOT IN (
       SELECT owner FROM holders WHERE expires > :now AND expires <= :now + seconds + :slack)
"""

_SLACK_S: Final = 1.0
"""A lease that ends later than it can was taken before the clock was set back: it is void."""

_LISTED: Final = "(SELECT value FROM json_each(?))"
"""Any number of keys as one parameter."""

_BUSY_S: Final = 30.0
"""Seconds that a write waits for the writes of others."""

_FORGET_S: Final = 3600.0
"""Seconds after which what dead owners left is cleared."""


class SQLiteStore(VerdictStore):
    """One file in WAL mode; it has to lie on a local disk, not on a network share.

    What `put` was given survives the death of the process at any moment. After a power cut the
    last verdicts may be missing, never damaged.

    Args:
        path: The file; made with its folders if absent.

    Raises:
        JudgeError: If it is no such file or can not be written.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).expanduser()
        self._write_lock = threading.Lock()
        self._idle: LifoQueue[sqlite3.Connection] = LifoQueue()
        self._file: tuple[int, int] | None = None
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._prepare()
        except OSError as error:
            raise JudgeError(
                f"store: {self.path}: cannot make the file: {error.strerror}"
            ) from error
        except sqlite3.Error as error:
            raise JudgeError(f"store: {self.path}: cannot use it for verdicts: {error}") from error

    def get(self, keys: Sequence[str]) -> dict[str, str]:
        """Values of those keys that have one."""
        query = f"SELECT key, value FROM verdicts WHERE key IN {_LISTED}"
        with self._connection() as connection:
            return dict(connection.execute(query, (json.dumps(list(keys)),)))

    def put(self, values: Mapping[str, str], ask: Ask) -> None:
        """Keep values and end their leases."""
        with self._writing() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO verdicts VALUES (?, ?)", list(values.items())
            )
            self._end(connection, list(values), ask)

    def drop(self, values: Mapping[str, str]) -> None:
        """Remove values, each only if it is still the one given."""
        with self._writing() as connection:
            connection.executemany(
                "DELETE FROM verdicts WHERE key = ? AND value = ?", list(values.items())
            )

    def claim(self, keys: Sequence[str], ask: Ask) -> dict[str, Ask]:
        """Take leases on keys that have no value and that nobody alive holds."""
        names = json.dumps(list(keys))
        values = {"keys": names, "owner": ask.owner, "number": ask.number}
        times = {"now": time.time(), "slack": _SLACK_S}
        query = f"SELECT key, owner, number FROM leases WHERE key IN {_LISTED}"
        with self._writing() as connection:
            connection.execute(_CLAIM, {**values, **times})
            return {key: Ask(*who) for key, *who in connection.execute(query, (names,))}

    def renew(self, owner: str, seconds: float) -> None:
        """Make the leases of `owner` last for so long from now."""
        values = owner, time.time() + seconds, seconds
        with self._writing() as connection:
            connection.execute("INSERT OR REPLACE INTO holders VALUES (?, ?, ?)", values)

    def release(self, failures: Mapping[str, str], ask: Ask) -> None:
        """End leases of `ask` without a value."""
        rows = [(reason, key, ask.owner, ask.number) for key, reason in failures.items()]
        query = "UPDATE leases SET failure = ? WHERE key = ? AND owner = ? AND number = ?"
        with self._writing() as connection:
            connection.executemany(query, rows)

    def failures(self, keys: Sequence[str]) -> dict[str, Failure]:
        """The last failure of each key that had one since its last lease or value."""
        query = (
            "SELECT key, failure, owner, number FROM leases "
            f"WHERE key IN {_LISTED} AND failure IS NOT NULL"
        )
        with self._connection() as connection:
            rows = connection.execute(query, (json.dumps(list(keys)),)).fetchall()
        return {key: Failure(Ask(*who), reason) for key, reason, *who in rows}

    def close(self) -> None:
        """Close all connections."""
        while True:
            try:
                self._idle.get_nowait().close()
            except Empty:
                return

    def _prepare(self) -> None:
        with closing(self._connect()) as connection:  # whatever goes wrong with a file of others
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(_SCHEMA)
            with connection:
                old = time.time() - _FORGET_S
                connection.execute("DELETE FROM holders WHERE expires < ?", (old,))
                connection.execute(
                    "DELETE FROM leases WHERE owner NOT IN (SELECT owner FROM holders)"
                )
        self._file = _identity(self.path)

    def _ensure_file(self) -> None:
        """Make the file anew if somebody removed or replaced it: SQLite would go on in silence."""
        if _identity(self.path) != self._file:
            _log.warning("store %s: the file is gone or another one; it is begun anew", self.path)
            self.close()
            self._prepare()

    def _connect(self) -> sqlite3.Connection:
        # Used by one thread at a time, which sqlite3 cannot know.
        connection = sqlite3.connect(
            self.path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
        )
        try:
            # In WAL mode this loses nothing when the process dies, and waits for no disk.
            connection.execute("PRAGMA synchronous = NORMAL")
        except BaseException:
            connection.close()
            raise
        return connection

    @contextmanager
    def _connection(self, for_writing: bool = False) -> Iterator[sqlite3.Connection]:
        """An idle connection, or a new one."""
        try:
            if for_writing:
                self._ensure_file()
            try:
                connection = self._idle.get_nowait()
            except Empty:
                connection = self._connect()
            try:
                yield connection
            finally:
                self._idle.put(connection)
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"store {self.path}: {error}") from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that has the right to write from its beginning, or all of it is undone."""
        # Threads queue here: SQLite lets those who wait for its lock try anew, in no order, and a
        # lease that is to be renewed must not come last for seconds.
        with self._write_lock, self._connection(for_writing=True) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                if connection.in_transaction:  # a full disk has undone it already
                    connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def _end(self, connection: sqlite3.Connection, keys: Sequence[str], ask: Ask) -> None:
        connection.executemany(
            "DELETE FROM leases WHERE key = ? AND owner = ? AND number = ?",
            [(key, ask.owner, ask.number) for key in keys],
        )


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file lies at `path`; None if there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
