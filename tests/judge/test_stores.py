"""Both stores keep the same promises; Redis is a real server."""

import sqlite3
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from counting import redis_server

from speciarl_pl.errors import JudgeError, MissingExtraError
from speciarl_pl.judge.cache.cached_judge import open_store
from speciarl_pl.judge.cache.redis_store import RedisStore
from speciarl_pl.judge.cache.sqlite_store import SQLiteStore
from speciarl_pl.judge.cache.store import Ask, Failure, StoreError

ME, YOU = Ask("me", "1"), Ask("you", "1")
MANY = [f"{number:032x}" for number in range(1200)]


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
    store.renew("me", 60)
    yield store
    store.close()


def test_values_are_found_and_the_first_one_stays(store):
    assert store.get(["a", "b"]) == {}
    store.put({"a": "1", "b": "2"}, ME)
    store.put({"b": "3", "c": "4"}, YOU)
    assert store.get(["c", "a", "b", "d"]) == {"a": "1", "b": "2", "c": "4"}
    assert store.get([]) == {}


def test_many_values(store):
    store.put({key: key for key in MANY}, ME)
    assert store.get(MANY) == {key: key for key in MANY}


def test_a_value_is_dropped_only_if_it_is_the_one_given(store):
    store.put({"a": "1", "b": "2"}, ME)
    store.drop({"a": "1", "b": "another"})
    assert store.get(["a", "b"]) == {"b": "2"}


def test_a_lease_is_held_by_one_until_its_value_is_there(store):
    store.renew("you", 60)
    assert store.claim(MANY, ME) == dict.fromkeys(MANY, ME)
    assert store.claim([*MANY, "x"], YOU) == {**dict.fromkeys(MANY, ME), "x": YOU}
    store.put({MANY[0]: "1"}, ME)
    assert store.claim(MANY[:2], YOU) == {MANY[1]: ME}, "a key with a value needs no lease"


def test_the_leases_of_the_dead_are_free(store):
    store.claim(["a", "b"], Ask("dead", "1"))
    assert store.claim(["a"], ME) == {"a": ME}
    store.renew("dead", 60)
    assert store.claim(["b"], ME) == {"b": Ask("dead", "1")}
    store.renew("dead", 0.001)
    while store.claim(["b"], ME) != {"b": ME}:
        pass


def test_an_owner_takes_over_what_it_lost(store):
    store.claim(["a"], ME)
    assert store.claim(["a"], Ask("me", "2")) == {"a": Ask("me", "2")}


def test_a_failure_frees_the_key_and_is_told_until_the_next_lease(store):
    store.claim(["a", "b"], ME)
    store.release({"a": "why\nnot"}, ME)
    assert store.failures(["a", "b"]) == {"a": Failure(ME, "why\nnot")}
    store.renew("you", 60)
    assert store.claim(["a", "b"], YOU) == {"a": YOU, "b": ME}
    assert store.failures(["a", "b"]) == {}


def test_a_lease_taken_over_is_not_ended_by_its_former_owner(store):
    store.claim(["a"], Ask("dead", "1"))
    store.claim(["a"], ME)
    store.release({"a": "late"}, Ask("dead", "1"))
    store.renew("you", 60)
    assert store.claim(["a"], YOU) == {"a": ME}


def test_threads_share_out_the_keys(store):
    asks = [Ask(f"owner {number}", "1") for number in range(8)]
    for ask in asks:
        store.renew(ask.owner, 60)
    with ThreadPoolExecutor(8) as threads:
        claims = list(threads.map(lambda ask: store.claim(MANY, ask), asks))
    assert all(claim == claims[0] for claim in claims)
    assert claims[0].keys() == set(MANY)


def test_sqlite_keeps_its_values_over_a_restart(tmp_path):
    for _ in range(2):
        store = SQLiteStore(tmp_path / "v.sqlite")
        store.put({"a": "1"}, ME)
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


def test_a_lease_from_before_the_clock_was_set_back_is_free(file_store, monkeypatch):
    now = time.time()
    with monkeypatch.context() as later:
        later.setattr("speciarl_pl.judge.cache.sqlite_store.time.time", lambda: now + 7200)
        file_store.renew("you", 10)
        assert file_store.claim(["a"], YOU) == {"a": YOU}
    file_store.renew("me", 10)
    assert file_store.claim(["a"], ME) == {"a": ME}


@pytest.mark.parametrize("fault", ["deleted", "replaced"])
def test_a_file_that_is_taken_away_is_begun_anew_and_said(file_store, caplog, fault):
    file_store.put({"a": "1"}, ME)
    for file in file_store.path.parent.iterdir():
        file.unlink()
    if fault == "replaced":
        file_store.path.touch()
    file_store.put({"b": "2"}, ME)
    assert "the file is gone or another one; it is begun anew" in caplog.text
    file_store.close()
    assert file_store.get(["a", "b"]) == {"b": "2"}


def test_a_disk_that_is_full_is_told(file_store):
    with file_store._connection() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match="database or disk is full"):
        file_store.put({key: "x" * 1000 for key in MANY}, ME)
    assert file_store.get(MANY) == {}
