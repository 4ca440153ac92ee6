import errno
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from safetensors import SafetensorError

from speciarl_pl.errors import RunError
from speciarl_pl.system.files import (
    check_writable,
    new_directory,
    remove_unfinished,
    replacing,
    replacing_files,
    take,
    write_json,
)


def full_disk():
    raise OSError(errno.ENOSPC, "No space left on device")


def files(folder):
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_replacing_puts_the_new_file_in_place(tmp_path):
    path = tmp_path / "made" / "a.txt"
    for text in ("old", "new"):
        with replacing(path) as part:
            part.write_text(text)
    assert files(path.parent) == {"a.txt": "new"}


def test_replacing_keeps_the_old_file_when_the_disk_is_full(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def write():
        with replacing(path) as part:
            part.write_text("ha")
            full_disk()

    with pytest.raises(RunError, match=r"a\.txt: cannot be written \(No space left on device\)"):
        write()
    assert files(tmp_path) == {"a.txt": "old"}


def test_replacing_does_not_hide_a_bug(tmp_path):
    def write():
        with replacing(tmp_path / "a.txt") as part:
            part.write_text("ha")
            raise KeyError("bug")

    with pytest.raises(KeyError, match="bug"):
        write()
    assert files(tmp_path) == {}


def test_replacing_names_a_folder_that_is_a_file(tmp_path):
    (tmp_path / "a").write_text("old")
    with pytest.raises(RunError, match=r"a/b\.txt: cannot be written"):  # noqa: SIM117
        with replacing(tmp_path / "a" / "b.txt"):
            pass
    assert files(tmp_path) == {"a": "old"}


@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "full"), SafetensorError("I/O error: full (os error 28)")],
    ids=["of_python", "of_rust"],
)
def test_replacing_files_is_all_or_nothing(tmp_path, error):
    folder = tmp_path / "adapter"
    with replacing_files(folder) as part:
        (part / "one").write_text("old")
        (part / "two").write_text("old")

    def write():
        with replacing_files(folder) as part:
            (part / "one").write_text("new")
            raise error

    with pytest.raises(RunError, match=r"adapter: cannot be written \(No space left on device\)"):
        write()
    assert files(folder) == {"one": "old", "two": "old"}
    assert [path.name for path in tmp_path.iterdir()] == ["adapter"]


def test_replacing_files_replaces_by_name(tmp_path):
    for text in ("old", "new"):
        with replacing_files(tmp_path / "adapter") as part:
            (part / "one").write_text(text)
    assert files(tmp_path / "adapter") == {"one": "new"}


def test_write_json_keeps_accents(tmp_path):
    write_json(tmp_path / "a.json", {"été": None})
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert "été" in text
    assert json.loads(text) == {"été": None}


def test_check_writable_makes_the_directory_and_leaves_it_empty(tmp_path):
    check_writable(tmp_path / "runs" / "one")
    assert list((tmp_path / "runs" / "one").iterdir()) == []


def test_check_writable_names_the_directory(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"run directory .*/file: .*--run_dir"):
        check_writable(tmp_path / "file")


def test_runs_of_the_same_second_have_directories_of_their_own(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: new_directory(tmp_path / "runs", "now"), range(8)))
    assert {path.name for path in made} == {"now", *(f"now-{number}" for number in range(2, 9))}


def test_a_new_directory_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "now").touch()
    with pytest.raises(RunError, match="there is a file of that name"):
        new_directory(tmp_path, "now")


HOLD = "import sys; from pathlib import Path; from speciarl_pl.system.files import take\n"
HOLD += "lock = take(Path(sys.argv[1])); print('taken', flush=True); sys.stdin.read()"


def test_a_directory_is_taken_until_its_process_is_gone(tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"taken\n"
        with pytest.raises(RunError, match="another process is writing into it"):
            take(tmp_path)
        other.kill()
        other.wait()
        os.close(take(tmp_path))


def test_what_killed_processes_left_is_removed(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    for name in ("checkpoints", "rollouts.parts", f".adapter.{ended.pid}.part"):
        (tmp_path / name).mkdir()
    left = [
        tmp_path / f".adapter.{ended.pid}.part",
        tmp_path / f".results.json.{ended.pid}.part",
        tmp_path / f".writable.{ended.pid}",
        tmp_path / f"checkpoints/.last.ckpt.{ended.pid}.part",
        tmp_path / f"rollouts.parts/.000001-0.parquet.{os.getpid()}.part",  # of a container before
    ]
    kept = [tmp_path / f".report.html.{os.getppid()}.part", tmp_path / "my.part"]
    for path in left[1:] + kept:
        path.touch()
    assert sorted(remove_unfinished(tmp_path)) == sorted(left)
    assert not any(path.exists() for path in left)
    assert all(path.exists() for path in kept)
