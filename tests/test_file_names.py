r"""Names that are not UTF-8: every byte is shown, nothing ends in a traceback, no file is lost."""

import io
import os
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speciarl_pl.commands.running import run_command
from speciarl_pl.errors import DataError, RunError
from speciarl_pl.system.file_names import kept_path, opened_path, printable
from speciarl_pl.system.files import check_writable

LATIN_1 = os.fsdecode("Citroën".encode("latin-1"))


@settings(max_examples=50)
@given(st.binary(min_size=1).filter(lambda name: b"\0" not in name))
def test_any_name_of_a_file_is_kept_and_shown(raw):
    name = os.fsdecode(raw)
    kept_path(name).encode("utf-8")
    assert os.fsencode(opened_path(kept_path(name))) == raw
    shown = printable(name)
    shown.encode("utf-8")
    assert shown == raw.decode("utf-8", "backslashreplace")


def test_names_that_differ_are_kept_apart():
    assert len({kept_path(name) for name in (LATIN_1, printable(LATIN_1), "Citroën")}) == 3


def test_half_a_pair_of_surrogates_is_no_name_of_a_file():
    assert kept_path("a\ud800.jpg") == "a\\ud800.jpg"


def test_messages_can_be_printed_and_written():
    assert str(DataError(f"{LATIN_1}.jpg: cut")) == "Citro\\xebn.jpg: cut"


@pytest.mark.parametrize(("encoding", "said"), [("utf-8", "é Citro\\xebn"), ("ascii", "\\xe9 ")])
def test_a_command_prints_names_that_its_console_cannot_write(monkeypatch, encoding, said):
    console = io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True)
    monkeypatch.setattr(sys, "stdout", console)
    run_command(lambda: print(f"é {LATIN_1}") or 0)
    assert said in console.buffer.getvalue().decode(encoding)


def test_a_run_directory_that_tensorboard_cannot_write_to_is_refused(tmp_path):
    with pytest.raises(RunError, match=r"run directory .*Citro\\xebn: its name is not UTF-8"):
        check_writable(tmp_path / LATIN_1)
