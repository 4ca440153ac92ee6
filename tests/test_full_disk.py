"""Disks without room: a real limit of this process, below which every file fits and no larger."""

import csv
import errno
import resource
from contextlib import contextmanager

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from speciarl_pl.commands.data import main as data
from speciarl_pl.commands.running import run_command
from speciarl_pl.data.reading.splits import read_split, write_split
from speciarl_pl.errors import RunError
from speciarl_pl.run.checkpoint import WholeCheckpointIO
from speciarl_pl.run.metrics_csv import MetricsCSV
from speciarl_pl.system.csv_cells import safe_cell
from speciarl_pl.system.files import replacing, replacing_files, write_json
from speciarl_pl.system.tensor_files import save_tensors

LARGEST = 4096


@contextmanager
def no_file_larger():
    """No file of this process grows beyond a few KiB, as where a disk or a quota is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def checkpoint(folder):
    tensors = {str(number): torch.zeros(500) for number in range(9)}
    WholeCheckpointIO().save_checkpoint(tensors, folder / "file")


def refused_batch(folder):
    save_tensors([torch.zeros(50_000)], folder / "file")


def rollouts(folder):
    with replacing(folder / "file") as part:
        pq.write_table(pa.table({"a": np.random.default_rng(0).random(9999)}), part)


def metrics(folder):
    logger = MetricsCSV(folder, flush_every=501)
    logger._path = folder / "file"
    for step in range(500):
        logger.log_metrics({"reward": step / 7, "kl": step / 3}, step)
    logger.finalize("success")


def page(folder):
    with replacing(folder / "file") as part:
        part.write_text("<p>" * LARGEST, encoding="utf-8")


def results(folder):
    write_json(folder / "file", {"numbers": list(range(LARGEST))})


def split(folder):
    write_split(folder / "file", {f"{number}.jpg": "train" for number in range(LARGEST)})


def adapter(folder):
    from safetensors.torch import save_file

    with replacing_files(folder / "file") as part:
        save_file({"a": torch.zeros(5000)}, part / "adapter_model.safetensors")


WRITERS = [checkpoint, refused_batch, rollouts, metrics, page, results, split, adapter]


@pytest.mark.parametrize("write", WRITERS, ids=lambda one: one.__name__)
def test_what_finds_no_room_is_named_and_leaves_nothing_half_written(tmp_path, write):
    old = tmp_path / "file"
    if write is not adapter:
        old.write_text("step\n")
    expected = r"file: cannot be written \(File too large\).*ulimit"
    with no_file_larger(), pytest.raises(RunError, match=expected):
        write(tmp_path)
    left = [path.name for path in tmp_path.iterdir()]
    assert left == ([] if write is adapter else ["file"])
    if left:
        assert old.read_text() == "step\n"


def test_what_is_written_elsewhere_is_a_line_too(capsys):
    def command():
        raise OSError(errno.ENOSPC, "No space left on device", "/data/config.yaml")

    assert run_command(command) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: /data/config.yaml: No space left on device; free some space")


def test_an_error_that_is_not_of_the_disk_stays_a_bug():
    def command():
        raise ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")

    with pytest.raises(ConnectionResetError):
        run_command(command)


def test_a_target_that_cannot_be_written_is_one_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(
        "speciarl_pl.data.checks.splits_build.build_split", lambda *_: {"a.jpg": "train"}
    )
    (tmp_path / "file").write_text("")
    for out, reason in (
        (tmp_path / "file" / "a.csv", "File exists"),
        (tmp_path, "Is a directory"),
        ("/proc/a.csv", "No such file"),
    ):
        assert data(["splits", "flowers102", "--out", str(out)]) == 1
        said = capsys.readouterr().err
        assert said.startswith(f"error: {out}: cannot be written ({reason}")
        assert said.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_split_whose_names_a_spreadsheet_would_run_comes_back(tmp_path):
    names = ["=1+1.jpg", "-a.jpg", "'-a.jpg", "@b/c.jpg", "plain.jpg", "'quoted'.jpg"]
    write_split(tmp_path / "split.csv", dict.fromkeys(names, "train"))
    with (tmp_path / "split.csv").open(newline="") as file:
        cells = [row["filename"] for row in csv.DictReader(file)]
    assert cells == [safe_cell(name) for name in names]
    assert not any(cell[0] in "=+-@" for cell in cells)
    assert list(read_split(tmp_path / "split.csv")) == names
