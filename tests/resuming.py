"""What a run leaves, to be compared with that of a run that was never stopped."""

import csv
import json

import pyarrow.parquet as pq

OPTIONS = (
    "--model.reward=stops.Dice",
    "--model.mini_batches=2",
    "--model.optimizer={class_path: stops.Adam, init_args: {lr: 0.003}}",
    "--model.lr_scheduler={class_path: torch.optim.lr_scheduler.StepLR, "
    "init_args: {step_size: 1, gamma: 0.9}}",
    "--rollout.class_path=stops.Engine",
    "--data.val_batch_size=2",
    "--rollout.sampling.max_new_tokens=3",
    "--watch.patience=null",
    "--gallery=0",
)
"""With a schedule, several optimiser steps a batch, and rewards from the global generator."""


def adapter(run):
    return (run / "adapter" / "adapter_model.safetensors").read_bytes()


def rollouts(run):
    return pq.read_table(run / "rollouts.parquet").to_pylist()


def metrics(run):
    """Rows of metrics.csv, without what was measured with a clock."""
    with (run / "metrics.csv").open(newline="", encoding="utf-8") as file:
        return [
            {name: v for name, v in row.items() if not name.startswith(("time/", "tokens_per_s"))}
            for row in csv.DictReader(file)
        ]


def assert_as_if_never_stopped(run, whole):
    assert adapter(run) == adapter(whole)
    assert rollouts(run) == rollouts(whole)
    assert metrics(run) == metrics(whole)
    for name in ("results.json", "results.base.json"):
        assert json.loads((run / name).read_text()) == json.loads((whole / name).read_text())
    assert not list(run.rglob("*.part"))
