"""A run that was stopped and goes on ends where one that was never stopped does."""

import csv

import pyarrow.parquet as pq
import pytest
import torch
from runs import Commands

EVERY_STEP = ("--checkpoint.every_n_train_steps=1", "--trainer.limit_val_batches=0")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The run directories: never stopped, and stopped after the second of four steps."""
    folder = tmp_path_factory.mktemp("resume")
    with pytest.MonkeyPatch.context() as patch:
        commands = Commands(folder, patch)
        assert commands("fit", "whole", *EVERY_STEP) == 0
        assert commands("fit", "stopped", *EVERY_STEP, "--trainer.max_steps=2") == 0
        early = adapter(folder / "stopped")
        resume = f"--ckpt_path={folder / 'stopped' / 'checkpoints' / 'last.ckpt'}"
        assert commands("fit", "stopped", *EVERY_STEP, resume) == 0
    return folder / "whole", folder / "stopped", early


def adapter(run):
    return (run / "adapter" / "adapter_model.safetensors").read_bytes()


def test_adapter_is_the_same_to_the_bit(runs):
    whole, stopped, early = runs
    assert adapter(stopped) == adapter(whole)
    assert early != adapter(whole)


def test_metrics_have_one_row_a_step(runs):
    whole, stopped, _ = runs
    rows = {}
    for run in (whole, stopped):
        with (run / "metrics.csv").open(newline="", encoding="utf-8") as file:
            rows[run] = list(csv.DictReader(file))
        assert [row["step"] for row in rows[run]] == [str(n) for n in range(len(rows[run]))]
        assert len(rows[run]) == 4
    for one, other in zip(rows[whole], rows[stopped], strict=True):
        same = [name for name in one if not name.startswith(("time/", "tokens_per_s"))]
        assert {name: one[name] for name in same} == {name: other[name] for name in same}


def test_rollouts_are_all_there_once(runs):
    whole, stopped, _ = runs
    tables = [pq.read_table(run / "rollouts.parquet").to_pylist() for run in (whole, stopped)]
    assert tables[0] == tables[1]
    keys = [(row["step"], row["sample_id"], row["index"]) for row in tables[0]]
    assert len(keys) == len(set(keys)) == 4 * 2 * 2
    assert {row["stage"] for row in tables[0]} == {"train"}


def test_checkpoint_holds_all_that_a_resume_needs_and_no_base(runs):
    whole, _, _ = runs
    path = whole / "checkpoints" / "last.ckpt"
    checkpoint = torch.load(path, map_location="cpu", weights_only=False)
    assert all("lora_" in name for name in checkpoint["state_dict"])
    moments = checkpoint["optimizer_states"][0]["state"]
    assert len(moments) == len(checkpoint["state_dict"])
    assert checkpoint["speciarl"]["batches_trained"] == 4
    assert set(checkpoint["speciarl"]["rng"]) == {"python", "numpy", "torch", "cuda"}
    loader = checkpoint["loops"]["fit_loop"]["state_dict"]["combined_loader"][0]
    assert loader == {"epoch": 1, "seen": 0, "size": 8, "seed": 3}
    weights = sum(tensor.nbytes for tensor in checkpoint["state_dict"].values())
    assert path.stat().st_size < 4 * weights  # adapter, two moments, and change


def test_checkpoint_is_loaded_without_running_code(runs):
    whole, _, _ = runs
    path = whole / "checkpoints" / "last.ckpt"
    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    assert checkpoint["speciarl"]["batches_trained"] == 4


def test_another_seed_cannot_be_resumed(runs, commands, capsys):
    whole, _, _ = runs
    resume = f"--ckpt_path={whole / 'checkpoints' / 'last.ckpt'}"
    assert commands("fit", "other", *EVERY_STEP, "--seed_everything=5", resume) == 1
    assert "written with seed 3, this run has 5" in capsys.readouterr().err
