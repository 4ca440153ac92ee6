"""A judge that goes away in the middle of a run, and comes back."""

import json
import threading
import time

import pyarrow.parquet as pq
import pytest

from speciarl_pl.category import Category

pytestmark = pytest.mark.slow

STEPS = (
    "--trainer.limit_val_batches=0",
    "--model.judge_patience_s=0.5",
    "--model.max_unjudged_share=0.0",
)


def options(folder, **judge):
    judge = {"class_path": "hinge.Hinge", "init_args": {"down": str(folder / "down"), **judge}}
    return (
        *STEPS,
        f"--data.judge={json.dumps(judge)}",
        "--rollout.class_path=runs.Answering",
    )


def adapter(run):
    return (run / "adapter" / "adapter_model.safetensors").read_bytes()


def test_a_run_that_stops_for_its_judge_goes_on_where_it_was(commands, capsys):
    folder = commands.folder
    assert commands("fit", "whole", *options(folder)) == 0
    capsys.readouterr()
    assert commands("fit", "stopped", *options(folder, calls=2)) == 1
    said = capsys.readouterr().err
    stopped = folder / "stopped" / "checkpoints" / "stopped.ckpt"
    assert "rollouts were left unjudged, more than max_unjudged_share=0.0" in said
    assert "down for repairs. Once that is mended: The run was saved. It goes on with: " in said
    assert f"--run_dir {folder / 'stopped'} --ckpt_path last" in said
    (folder / "down").unlink()
    assert commands("fit", "stopped", *options(folder), f"--ckpt_path={stopped}") == 0
    assert adapter(folder / "stopped") == adapter(folder / "whole")
    tables = [
        pq.read_table(folder / run / "rollouts.parquet").to_pylist() for run in ("whole", "stopped")
    ]
    assert tables[0] == tables[1]


def test_a_run_waits_for_a_judge_that_comes_back(commands):
    folder = commands.folder
    assert commands("fit", "whole", *options(folder)) == 0

    def repair():
        while not (folder / "down").exists():
            time.sleep(0.01)
        time.sleep(0.7)
        (folder / "down").unlink()

    threading.Thread(target=repair, daemon=True).start()
    patient = (*options(folder, calls=2), "--model.judge_patience_s=60")
    assert commands("fit", "patient", *patient) == 0
    assert adapter(folder / "patient") == adapter(folder / "whole")
    rows = pq.read_table(folder / "patient" / "rollouts.parquet").to_pylist()
    assert {row["verdict"] for row in rows} <= {category.label for category in Category}


def test_validation_stops_too(commands, capsys):
    (commands.folder / "down").touch()
    assert commands("validate", "val", *options(commands.folder)[1:]) == 1
    assert "rollouts were left unjudged" in capsys.readouterr().err
