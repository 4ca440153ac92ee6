"""A run that was stopped and goes on ends where one that was never stopped does."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from resuming import OPTIONS, adapter, assert_as_if_never_stopped, metrics, rollouts
from runs import Commands
from stops import Plan
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from speciarl_pl.callbacks import RunWatch
from speciarl_pl.commands.cli import main
from speciarl_pl.commands.report import main as report
from speciarl_pl.errors import TrainingError

TERM, INT, KILL = signal.SIGTERM, signal.SIGINT, signal.SIGKILL

EPOCHS = ("--trainer.max_epochs=2", "--trainer.num_sanity_val_steps=-1")
"""Two epochs of four batches, a validation of three batches before and after each."""

pytestmark = pytest.mark.slow

exhaustive = pytest.mark.skipif(
    "RESUME_MATRIX" not in os.environ, reason="cells much like others; RESUME_MATRIX=1 runs them"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Holds `whole`, a run that was never stopped; all others go beside it."""
    folder = tmp_path_factory.mktemp("resume")
    with pytest.MonkeyPatch.context() as patch:
        assert Commands(folder, patch)("fit", "whole", *OPTIONS, *EPOCHS) == 0
    return folder


@pytest.fixture
def fit(folder, monkeypatch, request):
    """Runs `fit` in a directory named by the test; `moment`, `time` and `signum` stop it."""
    commands = Commands(folder, monkeypatch)
    name = request.node.name.replace("/", " ")

    def fit(*options, moment="", time=0, signum=0):
        Plan.set(moment, time, signum)
        try:
            return commands("fit", name, *OPTIONS, *options)
        finally:
            Plan.set()

    fit.run = folder / name
    return fit


def test_the_run_to_compare_with(folder):
    whole = folder / "whole"
    assert [row["step"] for row in metrics(whole)] == [str(step) for step in range(8)]
    rows = rollouts(whole)
    keys = {(r["stage"], r["step"], r["dataset"], r["sample_id"], r["index"]) for r in rows}
    assert len(keys) == len(rows) == 8 * 2 * 2 + 3 * 5


@pytest.mark.parametrize(
    ("moment", "time", "signum"),
    [
        pytest.param("validate", 1, TERM, id="validating the base"),
        pytest.param("draw", 0, INT, id="drawing the first batch"),
        pytest.param("draw", 2, TERM, id="drawing"),
        pytest.param("judge", 5, INT, id="judging", marks=exhaustive),
        pytest.param("update", 2, TERM, id="half an update"),
        pytest.param("update", 7, INT, id="the last update of an epoch"),
        pytest.param("validate", 4, TERM, id="validating after an epoch", marks=exhaustive),
        pytest.param("draw", 3, INT, id="drawing the last batch of an epoch"),
        pytest.param("validate", 7, TERM, id="validating at the end"),
    ],
)
def test_stopped_by_a_signal(fit, folder, capfd, moment, time, signum):
    before = signal.getsignal(signum)
    assert fit(*EPOCHS, moment=moment, time=time, signum=signum) == 128 + signum
    assert signal.getsignal(signum) == before
    said = capfd.readouterr().err
    path = fit.run / "checkpoints" / "stopped.ckpt"
    assert path.is_file()
    (advice,) = [line for line in said.splitlines() if line.startswith("The run was saved.")]
    words = shlex.split(advice.partition("It goes on with: ")[2])
    assert words[:4] == ["python", "-m", "speciarl_pl", "fit"]
    assert words[-4:] == ["--run_dir", str(fit.run), "--ckpt_path", "last"]
    assert set(EPOCHS) <= set(words)
    assert main(words[3:]) == 0
    assert_as_if_never_stopped(fit.run, folder / "whole")


@pytest.mark.parametrize(
    ("first", "then"),
    [
        pytest.param("max_steps=3", "max_epochs=2", id="before an epoch's end, on by epochs"),
        pytest.param("max_steps=4", "max_steps=8", id="at an epoch's end, on by steps"),
        pytest.param(
            "max_steps=5", "max_steps=8", id="after an epoch's end, on by steps", marks=exhaustive
        ),
        pytest.param("max_epochs=1", "max_epochs=2", id="an epoch, on by epochs", marks=exhaustive),
        pytest.param("max_epochs=1", "max_steps=8", id="an epoch, on by steps"),
    ],
)
def test_ended_and_gone_on(fit, folder, first, then):
    """What the loops do under each limit is in tests/data/test_resume.py."""
    sanity = EPOCHS[1]
    assert fit(sanity, "--trainer.max_epochs=5", f"--trainer.{first}") == 0
    assert adapter(fit.run) != adapter(folder / "whole")
    assert fit(sanity, "--trainer.max_epochs=5", f"--trainer.{then}", "--ckpt_path=last") == 0
    assert_as_if_never_stopped(fit.run, folder / "whole")


def test_a_checkpoint_from_the_middle_takes_back_what_came_later(fit, folder):
    shutil.copytree(folder / "whole", fit.run)
    middle = fit.run / "checkpoints" / "stopped.ckpt"
    assert fit(*EPOCHS, f"--ckpt_path={_stop_in_the_middle(fit, middle)}") == 0
    assert_as_if_never_stopped(fit.run, folder / "whole")


def _stop_in_the_middle(fit, path):
    """A checkpoint of step 5, in a run directory that knows all 8 steps."""
    run = fit.run
    aside = run.with_name("aside")
    run.rename(aside)
    assert fit(*EPOCHS, moment="draw", time=5, signum=TERM) == 143
    shutil.copy(path, aside)
    shutil.rmtree(run)
    aside.rename(run)
    return run / path.name


def test_killed(fit, folder):
    """Without any chance to save: the checkpoints of every second batch remain."""
    environment = {"STOP_MOMENT": "update", "STOP_TIME": "11", "STOP_SIGNAL": str(int(KILL))}
    environment["OMP_NUM_THREADS"] = str(torch.get_num_threads())  # sums depend on it
    every = ("--checkpoint.every_n_train_steps=2",)
    words = ["fit", f"--config={folder / 'tiny.yaml'}", f"--run_dir={fit.run}", *OPTIONS, *EPOCHS]
    assert process([*words, *every], environment).returncode == -KILL
    assert not (fit.run / "rollouts.parquet").exists()
    assert fit(*EPOCHS, *every, "--ckpt_path=last") == 0
    assert_as_if_never_stopped(fit.run, folder / "whole")


def process(words, environment):
    return subprocess.run(
        [sys.executable, "-m", "speciarl_pl", *words],
        env={
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": os.pathsep.join(
                [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
            ),
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize(
    ("moment", "time"),
    [
        pytest.param("draw", 2, id="in a batch"),
        pytest.param("validate", 1, id="in a validation", marks=exhaustive),
    ],
)
def test_a_signal_to_one_of_two_ranks_ends_both(two, moment, time):
    """Rank 1 is told to stop; the command ends with the code of rank 0."""
    stop = {"STOP_MOMENT": moment, "STOP_TIME": str(time), "STOP_SIGNAL": "15", "STOP_RANK": "1"}
    run = two / moment
    words = [*on_two(two), f"--run_dir={run}"]
    done = process(words, stop)
    assert done.returncode == 143, done.stderr
    assert done.stderr.count("The run was saved.") == 1
    checkpoint = torch.load(run / "checkpoints" / "stopped.ckpt", weights_only=True)
    one, other = (state["torch"] for state in checkpoint["speciarl"]["rng"])
    assert not torch.equal(one, other), "each rank's own"
    done = process([*words, "--ckpt_path=last"], {})
    assert done.returncode == 0, done.stderr
    assert_as_if_never_stopped(run, two / "whole")


@pytest.fixture(scope="module")
def two(folder):
    """Holds `whole`, a run on two ranks that was never stopped."""
    two = folder / "two"
    done = process([*on_two(two), f"--run_dir={two / 'whole'}"], {})
    assert done.returncode == 0, done.stderr
    return two


def on_two(two):
    config = f"--config={two.parent / 'tiny.yaml'}"
    ranks = ("--trainer.devices=2", "--trainer.strategy=ddp", "--data.batch_size=1")
    return ["fit", config, *OPTIONS, *EPOCHS, *ranks]


@pytest.fixture
def slurm(folder, monkeypatch):
    """A job of SLURM; gives the file in which its `scontrol` notes what it was asked."""
    tools, asked = folder / "slurm", folder / "asked"
    tools.mkdir(exist_ok=True)
    (tools / "scontrol").write_text(f'#!/bin/sh\necho "$@" >> {asked}\n')
    (tools / "scontrol").chmod(0o755)
    asked.unlink(missing_ok=True)
    job = {"NTASKS": 1, "JOB_ID": 4711, "JOB_NAME": "train", "PROCID": 0, "LOCALID": 0, "NODEID": 0}
    for name, value in job.items():
        monkeypatch.setenv(f"SLURM_{name}", str(value))
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    return asked


@pytest.mark.parametrize(
    ("signum", "asked"), [(signal.SIGUSR1, "requeue 4711\n"), (TERM, None)], ids=["USR1", "TERM"]
)
def test_slurm_starts_it_again_with_the_same_command(fit, folder, slurm, capfd, signum, asked):
    assert fit(*EPOCHS, moment="update", time=4, signum=signum) == 128 + signum
    assert "started again by SLURM, the same command goes on" in capfd.readouterr().err
    assert (slurm.read_text() if slurm.exists() else None) == asked
    assert (fit.run / "hpc_ckpt_1.ckpt").is_file()
    assert fit(*EPOCHS) == 0
    assert_as_if_never_stopped(fit.run, folder / "whole")


def test_a_run_that_stops_itself_after_a_batch_goes_on(fit, folder, monkeypatch):
    """What a stop of `RunWatch` saves is the state after the batch at which it stops."""

    def stop(watch, trainer, module, *args):
        if module.batches_trained == 6:
            raise TrainingError("enough")

    with monkeypatch.context() as patch:
        patch.setattr(RunWatch, "on_train_batch_end", stop)
        assert fit(*EPOCHS) == 1
    assert fit(*EPOCHS, f"--ckpt_path={fit.run / 'checkpoints' / 'stopped.ckpt'}") == 0
    assert_as_if_never_stopped(fit.run, folder / "whole")


def test_a_second_interrupt_stops_at_once(fit, monkeypatch, capfd):
    def twice(moment):
        if moment == "update":
            os.kill(os.getpid(), INT)
            os.kill(os.getpid(), INT)  # at once: the terminal's, passed on by torchrun
            time.sleep(1.1)
            os.kill(os.getpid(), INT)

    monkeypatch.setattr(Plan, "comes", twice)
    assert fit(*EPOCHS) == 130
    assert "Stopping at once; nothing more is saved." in capfd.readouterr().err
    assert not (fit.run / "checkpoints" / "stopped.ckpt").exists()


def test_where_nothing_can_be_saved_the_newest_checkpoint_is_named(fit, monkeypatch, capfd):
    def full(*args, **options):
        raise OSError(28, "No space left on device")

    assert fit(*EPOCHS, moment="draw", time=5, signum=TERM) == 143
    stopped = fit.run / "checkpoints" / "stopped.ckpt"
    last = fit.run / "checkpoints" / "last.ckpt"
    capfd.readouterr()
    stopped.unlink()
    monkeypatch.setattr(torch, "save", full)
    assert fit(*EPOCHS, f"--ckpt_path={last}", moment="draw", time=0, signum=TERM) == 143
    said = capfd.readouterr().err
    assert "The run could not be saved" in said
    assert said.rstrip().endswith("--ckpt_path last")
    assert not stopped.exists()


def test_checkpoint_holds_all_that_a_resume_needs_and_no_base(folder):
    path = folder / "whole" / "checkpoints" / "last.ckpt"
    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    assert all("lora_" in name for name in checkpoint["state_dict"])
    moments = checkpoint["optimizer_states"][0]["state"]
    assert len(moments) == len(checkpoint["state_dict"])
    own = checkpoint["speciarl"]
    assert own["batches_trained"] == 8
    (state,) = own["rng"]
    assert set(state) == {"python", "numpy", "torch", "cuda"}
    assert own["policy"]["base"] == "world"
    assert own["policy"]["dtype"] == "float32"
    assert (own["policy"]["adapter"]["r"], own["policy"]["adapter"]["lora_alpha"]) == (4, 8)
    position = checkpoint["OpenWorldDataModule"]["position"]
    assert (position["epoch"], position["seen"], position["batches"]) == (1, 8, 8)
    assert position["over"]
    assert position["validated"]
    weights = sum(tensor.nbytes for tensor in checkpoint["state_dict"].values())
    assert path.stat().st_size < 4 * weights  # adapter, two moments, and change


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--seed_everything=5", "written with seed 3, this run has 5"),
        ("--data.train.init_args.n=12", "written with size 8, this run has 12"),
        ("--data.train.init_args.seed=9", "written with 8 other samples"),
        ("--model.lora={r: 2, alpha: 8}", "Pass --model.lora.r 4"),
        ("--model.lora={r: 4, alpha: 256}", "Pass --model.lora.alpha 8"),
        ("--model.dtype=bfloat16", "trained on dtype float32; this run has dtype bfloat16"),
    ],
)
def test_another_run_cannot_be_gone_on_with(fit, folder, capsys, option, message):
    path = folder / "whole" / "checkpoints" / "last.ckpt"
    assert fit(*EPOCHS, f"--ckpt_path={path}", option) == 1
    assert message in capsys.readouterr().err


def test_validation_takes_the_adapter_over_from_the_checkpoint(folder, monkeypatch, capsys):
    commands = Commands(folder, monkeypatch)
    path = folder / "whole" / "checkpoints" / "last.ckpt"
    options = (*OPTIONS[4:6], f"--ckpt_path={path}", "--model.lora={r: 2, alpha: 64}")
    assert commands("validate", "read", *options) == 0
    assert "takes over from the checkpoint: r 4, lora_alpha 8" in capsys.readouterr().err
    one, other = (
        json.loads((folder / run / "results.json").read_text())["datasets"]
        for run in ("read", "whole")
    )
    for name, found in other.items():
        assert found["counts"] == one[name]["counts"]
    assert commands("validate", "other", *options, "--model.dtype=bfloat16") == 1
    assert "Pass --model.dtype float32" in capsys.readouterr().err


def test_an_older_checkpoint_is_read_with_a_warning(fit, folder):
    checkpoint = torch.load(folder / "whole" / "checkpoints" / "last.ckpt", weights_only=True)
    own = checkpoint["speciarl"]
    own["rng"] = own["rng"][0]
    del own["policy"], checkpoint["OpenWorldDataModule"]["position"]
    path = folder / "older.ckpt"
    torch.save(checkpoint, path)
    with pytest.warns(UserWarning, match="written before checkpoints said what they need"):
        assert fit(*EPOCHS, f"--ckpt_path={path}", "--trainer.max_epochs=3") == 0


def test_validate_that_is_stopped_goes_on_by_itself(folder, monkeypatch, capfd):
    commands = Commands(folder, monkeypatch)
    options = (*OPTIONS[4:6],)
    assert commands("validate", "val whole", *options) == 0
    Plan.set("validate", 1, TERM)
    assert commands("validate", "val", *options) == 143
    Plan.set()
    said = capfd.readouterr().err
    assert "What was drawn and judged so far is kept. It goes on with: python -m" in said
    assert commands("validate", "val", *options) == 0
    for name in ("results.json", "rollouts.parquet"):
        assert (folder / "val" / name).read_bytes() == (folder / "val whole" / name).read_bytes()


def test_a_checkpoint_that_does_not_exist(folder, monkeypatch, capsys):
    commands = Commands(folder, monkeypatch)
    missing = folder / "whole" / "checkpoints" / "lost.ckpt"
    assert commands("fit", "whole", f"--ckpt_path={missing}") == 1
    said = capsys.readouterr().err
    assert "no such file" in said
    assert str(folder / "whole" / "checkpoints" / "last.ckpt") in said


def test_a_run_directory_in_use_names_what_it_holds(folder, monkeypatch, capsys, tmp_path):
    commands = Commands(folder, monkeypatch)
    assert commands("fit", "whole") == 1
    last = folder / "whole" / "checkpoints" / "last.ckpt"
    said = capsys.readouterr().err
    assert said.rstrip().endswith(f"--run_dir {folder / 'whole'} --ckpt_path last")
    assert commands("validate", "whole") == 1
    assert f"continue it by fit with --ckpt_path {last}" in capsys.readouterr().err


def test_a_finished_run_says_so_and_ends_well(fit, folder, capfd):
    shutil.copytree(folder / "whole", fit.run)
    (fit.run / "adapter" / "adapter_model.safetensors").unlink()  # killed just before
    assert fit(*EPOCHS, "--ckpt_path=last") == 0
    said = capfd.readouterr().err
    assert "This run was finished before, after 8 batches; for more of them raise" in said
    assert_as_if_never_stopped(fit.run, folder / "whole")


def test_the_command_that_a_report_of_a_killed_fit_names_works(fit, folder, capfd):
    assert fit(*EPOCHS, moment="draw", time=1, signum=TERM) == 143
    (fit.run / "checkpoints" / "stopped.ckpt").unlink()  # as after a kill before the first
    capfd.readouterr()
    assert report(["--out", str(folder / "page.html"), str(fit.run)]) == 1
    said = capfd.readouterr().err
    assert "no results.json in it" in said
    words = shlex.split(said.partition("it goes on with: ")[2])
    assert words[:4] == ["python", "-m", "speciarl_pl", "fit"]
    assert main(words[3:]) == 0
    assert "begins again; what it left was moved to" in capfd.readouterr().err
    assert_as_if_never_stopped(fit.run, folder / "whole")
    assert report(["--out", str(folder / "page.html"), str(fit.run)]) == 0


def test_checkpoints_keep_their_interval_and_tensorboard_its_order(fit, folder, capfd):
    """Of every second batch, whether it took two optimiser steps or none; a later run goes on."""
    every = (
        "--checkpoint.every_n_train_steps=2",
        "--checkpoint.save_top_k=-1",
        "--model.reward=stops.Flat",
    )
    assert fit(*EPOCHS, *every, moment="draw", time=5, signum=TERM) == 143
    last = fit.run / "checkpoints" / "epoch=0-step=2.ckpt"
    assert fit(*EPOCHS, *every, f"--ckpt_path={last}") == 0
    assert "Going back to" in capfd.readouterr().err
    names = {path.stem for path in (fit.run / "checkpoints").glob("epoch*.ckpt")}
    steps = {name.removesuffix("-v1").partition("-")[2] for name in names}  # step 4 of both runs
    assert steps == {f"step={n}" for n in (2, 4, 6, 8)}
    events = EventAccumulator(str(fit.run / "tensorboard")).Reload()
    assert [event.step for event in events.Scalars("reward")] == list(range(8))
