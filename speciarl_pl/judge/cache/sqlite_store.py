"""Verdicts in one SQLite file, for all threads and processes of this machine."""

import json
import logging
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from queue import Empty, LifoQueue
from typing import Final

from speciarl_pl.errors import JudgeError
from speciarl_pl.judge.cache.store import StoreError, VerdictStore

_log = logging.getLogger(__name__)

# An older file has further tables, which nothing reads any more.
_SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS verdicts (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"
)

_LISTED: Final = "(SELECT value FROM json_each(?))"
"""Any number of keys as one parameter."""

_BUSY_S: Final = 30.0
"""Seconds that a write waits for the writes of others."""


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

    def put(self, values: Mapping[str, str]) -> None:
        """Keep the values of keys that have none."""
        with self._writing() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO verdicts VALUES (?, ?)", list(values.items())
            )

    def drop(self, values: Mapping[str, str]) -> None:
        """Remove values, each only if it is still the one given."""
        with self._writing() as connection:
            connection.executemany(
                "DELETE FROM verdicts WHERE key = ? AND value = ?", list(values.items())
            )

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
            connection.execute(_SCHEMA)
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
        # Threads queue here: SQLite lets those who wait for its lock try anew, in no order.
        with self._write_lock, self._connection(for_writing=True) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                if connection.in_transaction:  # a full disk has undone it already
                    connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file lies at `path`; None if there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
