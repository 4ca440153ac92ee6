"""Options of Lightning's that a run cannot take are refused before anything is drawn."""

import csv
from types import SimpleNamespace

import factory
import lightning as L
import pytest
import torch
from lightning.pytorch.accelerators import MPSAccelerator
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.strategies import FSDPStrategy, SingleDeviceStrategy
from torch.optim import lr_scheduler

from speciarl_pl.step.trainer_check import (
    STEP_METRICS,
    check_monitors,
    check_schedule,
    check_trainer,
)

PRECISIONS = ("16-mixed", "bf16-mixed", "bf16-true", "16-true", "64-true")


def trainer(**options):
    """A trainer that has done nothing yet."""
    return L.Trainer(
        accelerator="cpu", logger=False, enable_checkpointing=False, barebones=False, **options
    )


@pytest.mark.filterwarnings("ignore:You passed .Trainer.accelerator='cpu', precision='16-mixed'")
@pytest.mark.parametrize("fitting", [True, False], ids=["fit", "validate"])
@pytest.mark.parametrize("precision", PRECISIONS)
def test_precision(precision, fitting):
    made = trainer(precision=precision)
    message = (
        r"^trainer.precision: expected 32-true, got .*; the base's number format .*model.dtype"
    )
    with pytest.raises(ValueError, match=message):
        check_trainer(made, fitting)


def test_strategy_that_shards():
    """FSDP itself cannot be set up without a GPU; the check looks at the kind alone."""
    made = trainer()
    made._accelerator_connector.strategy = FSDPStrategy()
    with pytest.raises(ValueError, match=r"^trainer.strategy: expected auto or ddp, got FSDPStr"):
        check_trainer(made, fitting=True)


def test_accelerator_without_float64():
    made = trainer()
    made.strategy.accelerator = MPSAccelerator()
    with pytest.raises(ValueError, match=r"^trainer.accelerator: expected cpu or gpu.*got MPSAcc"):
        check_trainer(made, fitting=False)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gradient_clip_val": 0.5}, r"gradient_clip_val: .* --model.max_grad_norm 0.5 instead"),
        (
            {"accumulate_grad_batches": 4},
            r"accumulate_grad_batches: expected 1, got 4; .*batch_size",
        ),
    ],
    ids=["clipping", "accumulation"],
)
def test_automatic_optimisation(options, message):
    made = trainer(**options)
    check_trainer(made, fitting=False)
    with pytest.raises(ValueError, match=rf"^trainer.{message}"):
        check_trainer(made, fitting=True)


@pytest.mark.parametrize("strategy", ["auto", "ddp", "ddp_find_unused_parameters_true"])
def test_what_is_taken(strategy):
    made = trainer(strategy=strategy)
    assert isinstance(made.strategy, SingleDeviceStrategy) == (strategy == "auto")
    check_trainer(made, fitting=True)


def sgd():
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)


def run_of(batches):
    return SimpleNamespace(estimated_stepping_batches=batches)


@pytest.mark.parametrize(
    ("schedule", "batches", "message"),
    [
        (lr_scheduler.ReduceLROnPlateau(sgd()), 8, "got ReduceLROnPlateau, which waits"),
        (lr_scheduler.OneCycleLR(sgd(), 0.1, total_steps=7), 8, "ends after 7 steps.*has 8"),
    ],
    ids=["plateau", "too short"],
)
def test_schedules_that_cannot_be_stepped_to_the_end(schedule, batches, message):
    with pytest.raises(ValueError, match=rf"^model.lr_scheduler: .*{message}"):
        check_schedule(schedule, run_of(batches))


def test_schedules_that_can():
    check_schedule(lr_scheduler.OneCycleLR(sgd(), 0.1, total_steps=8), run_of(8))
    check_schedule(lr_scheduler.OneCycleLR(sgd(), 0.1, total_steps=8), run_of(float("inf")))
    check_schedule(lr_scheduler.CosineAnnealingLR(sgd(), 4), run_of(8))


def watching(*callbacks):
    data = factory.data_module(val_names=["birds"], val_groups={"birds": "fine_grained"})
    return SimpleNamespace(callbacks=list(callbacks), datamodule=data)


@pytest.mark.parametrize("name", ["val/birds/hm", "val/fine_grained/hm", "val/macro/hm", "reward"])
def test_monitors_of_what_is_logged(name):
    check_monitors(watching(ModelCheckpoint(monitor=name), EarlyStopping(monitor=name)))


def test_a_monitor_of_nothing():
    with pytest.raises(
        ValueError, match=r"^checkpoint.monitor: expected one of .*val/birds/hm.*'val/hm'"
    ):
        check_monitors(watching(ModelCheckpoint(monitor="val/hm")))
    with pytest.raises(ValueError, match=r"^EarlyStopping.monitor: .*got 'loss'"):
        check_monitors(watching(EarlyStopping(monitor="loss")))


def test_a_callback_of_the_users_own_may_log_anything():
    class Mine(L.Callback):
        pass

    check_monitors(watching(Mine(), ModelCheckpoint(monitor="mine/loss")))


# ------------------------------------------------------------------ on the command line


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--trainer.precision=bf16-mixed"], "trainer.precision: expected 32-true"),
        (["--trainer.gradient_clip_val=1"], "pass --model.max_grad_norm 1"),
        (["--trainer.accumulate_grad_batches=2"], "trainer.accumulate_grad_batches: expected 1"),
        (["--trainer.strategy=fsdp"], "trainer: The strategy `fsdp` requires a GPU"),
        (["--checkpoint.monitor=val/hm"], "checkpoint.monitor: expected one of"),
        (["--model.optimizer=torch.optim.LBFGS"], "model.optimizer: expected one that steps"),
        (
            [
                "--model.lr_scheduler=torch.optim.lr_scheduler.OneCycleLR",
                "--model.lr_scheduler.max_lr=0.1",
                "--model.lr_scheduler.total_steps=3",
            ],
            "model.lr_scheduler: OneCycleLR ends after 3 steps and this run has 4",
        ),
    ],
    ids=lambda value: value[0].partition("=")[0] if isinstance(value, list) else "",
)
def test_refused_in_a_line_before_anything_is_drawn(commands, capsys, tmp_path, options, message):
    assert commands("fit", "run", *options) in (1, 2)
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error
    assert not list(tmp_path.glob("run/rollouts*"))


def test_all_that_a_step_logs_may_be_monitored(commands, tmp_path):
    assert commands("fit", "run", "--trainer.max_steps=2", "--checkpoint.monitor=reward") == 0
    with (tmp_path / "run" / "metrics.csv").open(newline="", encoding="utf-8") as file:
        (names, *_) = csv.reader(file)
    logged = {name for name in names if not name.startswith("val/")} - {"step", "epoch"}
    assert logged <= STEP_METRICS
    assert {"grad_norm", "kl", "lr", "time/rollout_s"} <= logged
