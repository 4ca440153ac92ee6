"""Both stores keep the same promises; Redis is a real server."""

import sqlite3
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from counting import redis_server

from speciarl_pl.errors import JudgeError, MissingExtraError
from speciarl_pl.judge.cache.cached_judge import open_store
from speciarl_pl.judge.cache.redis_store import RedisStore
from speciarl_pl.judge.cache.sqlite_store import SQLiteStore
from speciarl_pl.judge.cache.store import StoreError

MANY = [f"{number:032x}" for number in range(1200)]
OLDER = """
CREATE TABLE verdicts (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE leases (key TEXT PRIMARY KEY, owner TEXT NOT NULL, number TEXT NOT NULL,
    failure TEXT) WITHOUT ROWID;
CREATE TABLE holders (owner TEXT PRIMARY KEY, expires REAL NOT NULL,
    seconds REAL NOT NULL) WITHOUT ROWID;
INSERT INTO verdicts VALUES ('a', '1');
INSERT INTO leases VALUES ('b', 'host:1:aa', '0', NULL);
INSERT INTO holders VALUES ('host:1:aa', 9e9, 10);
"""


@pytest.fixture(scope="session")
def redis_url():
    with redis_server() as url:
        yield url


@pytest.fixture(params=["sqlite", "redis"])
def store(request, tmp_path):
    if request.param == "sqlite":
        store = open_store(str(tmp_path / "deep" / "verdicts.sqlite"))
        assert isinstance(store, SQLiteStore)
    else:
        from redis import Redis

        url = request.getfixturevalue("redis_url")
        with Redis.from_url(url, protocol=2) as client:
            client.flushall()
        store = open_store(url)
        assert isinstance(store, RedisStore)
    yield store
    store.close()


def test_values_are_found_and_the_first_one_stays(store):
    assert store.get(["a", "b"]) == {}
    store.put({"a": "1", "b": "2"})
    store.put({"b": "3", "c": "4"})
    assert store.get(["c", "a", "b", "d"]) == {"a": "1", "b": "2", "c": "4"}
    assert store.get([]) == {}


def test_many_values(store):
    store.put({key: key for key in MANY})
    assert store.get(MANY) == {key: key for key in MANY}


def test_a_value_is_dropped_only_if_it_is_the_one_given(store):
    store.put({"a": "1", "b": "2"})
    store.drop({"a": "1", "b": "another"})
    assert store.get(["a", "b"]) == {"b": "2"}


def test_of_threads_that_put_at_once_one_is_first(store):
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda who: store.put(dict.fromkeys(MANY[:300], str(who))), range(8)))
    assert store.get(MANY[:300]).keys() == set(MANY[:300])


def test_a_file_of_an_older_version_with_leases_is_used_as_it_is(tmp_path):
    path = tmp_path / "v.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(OLDER)
    with closing(SQLiteStore(path)) as store:
        assert store.get(["a", "b"]) == {"a": "1"}
        store.put({"b": "2"})
        assert store.get(["a", "b"]) == {"a": "1", "b": "2"}


def test_sqlite_keeps_its_values_over_a_restart(tmp_path):
    for _ in range(2):
        store = SQLiteStore(tmp_path / "v.sqlite")
        store.put({"a": "1"})
        assert store.get(["a"]) == {"a": "1"}
        store.close()
        assert store.get(["a"]) == {"a": "1"}, "a closed store opens again"
        store.close()


def test_sqlite_is_in_wal_mode(tmp_path):
    SQLiteStore(tmp_path / "v.sqlite").close()
    with sqlite3.connect(tmp_path / "v.sqlite") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_a_file_that_is_no_database(tmp_path):
    path = tmp_path / "v.sqlite"
    path.write_text("not a database, but long enough to be read as one" * 40)
    with pytest.raises(
        JudgeError, match=r"store: .*v\.sqlite: cannot use it for verdicts: file is"
    ):
        SQLiteStore(path)


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(JudgeError, match=r"store: .*cannot make the file: (File|Not a)"):
        SQLiteStore(tmp_path / "file" / "v.sqlite")


@pytest.mark.parametrize("name", ["", "http://host/", "postgres://x"])
def test_another_kind_of_store(name):
    with pytest.raises(ValueError, match="store: expected the path of an SQLite file or redis://"):
        open_store(name)


def test_a_redis_server_that_is_down_is_named_without_its_password():
    store = open_store("redis://user:secret@127.0.0.1:1/0")
    with pytest.raises(
        StoreError, match=r"store redis://127\.0\.0\.1:1/0: ConnectionError"
    ) as caught:
        store.get(["a"])
    assert "secret" not in str(caught.value)


def test_redis_takes_its_password_from_the_environment(monkeypatch):
    from redis import Redis

    with redis_server() as url:
        with Redis.from_url(url, protocol=2) as client:
            client.config_set("requirepass", "secret")
        store = open_store(url)
        with pytest.raises(StoreError, match="Authentication"):
            store.get(["a"])
        store.close()
        monkeypatch.setenv("REDISCLI_AUTH", "secret")
        store = open_store(url)
        assert store.get(["a"]) == {}
        store.close()


def test_without_the_client_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'speciarl_pl\[redis\]'"):
        open_store("redis://127.0.0.1:1/0")


@pytest.fixture
def file_store(tmp_path):
    with closing(SQLiteStore(tmp_path / "verdicts.sqlite")) as store:
        yield store


@pytest.mark.parametrize("fault", ["deleted", "replaced"])
def test_a_file_that_is_taken_away_is_begun_anew_and_said(file_store, caplog, fault):
    file_store.put({"a": "1"})
    for file in file_store.path.parent.iterdir():
        file.unlink()
    if fault == "replaced":
        file_store.path.touch()
    file_store.put({"b": "2"})
    assert "the file is gone or another one; it is begun anew" in caplog.text
    file_store.close()
    assert file_store.get(["a", "b"]) == {"b": "2"}


def test_a_disk_that_is_full_is_told(file_store):
    with file_store._connection() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match="database or disk is full"):
        file_store.put({key: "x" * 1000 for key in MANY})
    assert file_store.get(MANY) == {}
