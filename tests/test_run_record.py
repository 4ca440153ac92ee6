import json
from dataclasses import replace
from importlib.metadata import version

import pytest

from speciarl_pl.errors import RunError
from speciarl_pl.run.record import Session, machine, read_record, versions, write_record

ONE = Session(
    "fit", "2026-01-31T12:00:00+01:00", 7.5, True, 2, {"cpu": "x"}, {"torch": "2"}, None, "What?"
)


def test_what_is_written_is_read(tmp_path):
    both = [ONE, replace(ONE, checkpoint="last.ckpt", prompt=None, finished=False)]
    write_record(tmp_path, both)
    assert read_record(tmp_path) == both


def test_an_older_run_has_none(tmp_path):
    assert read_record(tmp_path) == []


def test_fields_of_a_later_version_are_left_out(tmp_path):
    write_record(tmp_path, [ONE])
    content = json.loads((tmp_path / "run.json").read_text())
    content["sessions"][0]["power_w"] = 300
    (tmp_path / "run.json").write_text(json.dumps({**content, "more": 1}))
    assert read_record(tmp_path) == [ONE]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "Invalid JSON"),
        ("[]", "should be an object"),
        ('{"schema": 2, "sessions": []}', "schema: Input should be 1"),
        ('{"schema": 1}', "sessions: Field required"),
        ('{"schema": 1, "sessions": [3]}', "sessions.0: Input should be an object"),
        ('{"schema": 1, "sessions": [{"command": 3}]}', "sessions.0.command: Input should be a"),
    ],
)
def test_a_broken_file_is_named(tmp_path, content, said):
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(RunError, match=r"run\.json: ") as caught:
        read_record(tmp_path)
    assert said in str(caught.value)
    assert "move it away" in str(caught.value)


def test_versions_and_machine_are_those_of_here():
    assert versions()["torch"] == version("torch")
    found = machine(["A", "B", "A"])
    assert found["gpu"] == "2 x A, B"
    assert found["cpu"].endswith("cores")
    assert machine()["gpu"] == ""
