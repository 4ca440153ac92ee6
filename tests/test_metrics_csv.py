import csv

import pytest

from speciarl_pl.errors import RunError
from speciarl_pl.run.metrics_csv import MetricsCSV


def read(folder):
    with (folder / "metrics.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_step_has_one_row_whoever_logs(tmp_path):
    log = MetricsCSV(tmp_path)
    log.log_metrics({"reward": 1.0}, step=1)
    log.log_metrics({"reward": 0.5}, step=0)
    log.log_metrics({"val/hm": 0.25}, step=1)
    log.finalize("success")
    assert read(tmp_path) == [
        {"step": "0", "reward": "0.5", "val/hm": ""},
        {"step": "1", "reward": "1.0", "val/hm": "0.25"},
    ]


def test_rows_of_the_resumed_run_stay_and_repeated_steps_are_replaced(tmp_path):
    first = MetricsCSV(tmp_path)
    for step in range(3):
        first.log_metrics({"reward": 0.0, "old": 1.0}, step=step)
    first.finalize("interrupted")
    second = MetricsCSV(tmp_path)
    second.log_metrics({"reward": 9.0, "new": 2.0}, step=2)
    second.log_metrics({"reward": 9.0, "new": 2.0}, step=3)
    second.finalize("success")
    rows = read(tmp_path)
    assert [row["step"] for row in rows] == ["0", "1", "2", "3"]
    assert [row["reward"] for row in rows] == ["0.0", "0.0", "9.0", "9.0"]
    assert [row["new"] for row in rows] == ["", "", "2.0", "2.0"]


def test_numbers_are_written_exactly(tmp_path):
    log = MetricsCSV(tmp_path)
    log.log_metrics({"lr": 0.1 + 0.2, "signal": float("nan")}, step=0)
    log.save()
    (row,) = read(tmp_path)
    assert float(row["lr"]) == 0.1 + 0.2
    assert row["signal"] == "nan"


def test_it_is_written_every_so_often(tmp_path):
    log = MetricsCSV(tmp_path, flush_every=2)
    log.log_metrics({"reward": 1.0}, step=0)
    assert not (tmp_path / "metrics.csv").exists()
    log.log_metrics({"reward": 1.0}, step=1)
    assert len(read(tmp_path)) == 2


def test_nothing_logged_writes_nothing(tmp_path):
    MetricsCSV(tmp_path).finalize("success")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["reward\n1.0\n", "step,reward\nfirst,1.0\n"])
def test_file_of_something_else_is_named_and_kept(tmp_path, text):
    (tmp_path / "metrics.csv").write_text(text)
    with pytest.raises(RunError, match=r"metrics\.csv: not a table of metrics by step"):
        MetricsCSV(tmp_path)
    assert (tmp_path / "metrics.csv").read_text() == text


def test_a_resumed_run_forgets_later_steps(tmp_path):
    first = MetricsCSV(tmp_path, flush_every=1)
    for step in range(4):
        first.log_metrics({"reward": step}, step)
    second = MetricsCSV(tmp_path)
    second.drop_from(2)
    with (tmp_path / "metrics.csv").open() as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["0", "1"]
