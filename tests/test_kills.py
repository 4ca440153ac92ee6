"""Runs that are killed at random moments, by SIGKILL, end as one that was never killed.

KILLS=20 kills twenty of each kind; by default two with one process and one with two. KILLS_SEED
draws other moments.
"""

import json
import os
import random
import shutil

import pyarrow.parquet as pq
import pytest
import runs
import torch
from kill_server import Server
from resuming import OPTIONS, assert_as_if_never_stopped

from speciarl_pl.report import read_run

pytestmark = pytest.mark.slow

TWENTY_STEPS = (
    "--trainer.max_epochs=5",
    "--trainer.num_sanity_val_steps=-1",
    "--trainer.check_val_every_n_epoch=2",
    "--checkpoint.every_n_train_steps=3",
)
TWO = ("--trainer.devices=2", "--trainer.strategy=ddp", "--data.batch_size=1")


class Killed:
    """A fit of twenty steps, in directories under `folder`."""

    def __init__(self, server, folder, ranks):
        self.server, self.folder, self.ranks = server, folder, ranks
        self.config = folder / "tiny.yaml"
        self.config.write_text(runs.CONFIG)

    def __call__(self, name, **kill):
        run = self.folder / name
        words = ["fit", f"--config={self.config}", f"--run_dir={run}", "--ckpt_path=last", *OPTIONS]
        words += [*TWENTY_STEPS, *(TWO if self.ranks == 2 else ())]
        log = self.folder / f"{name}.log"
        done = self.server(words=words, ranks=self.ranks, run=str(run), log=str(log), **kill)
        assert None not in done["codes"], log.read_text()
        return done


@pytest.fixture(scope="module", params=[1, 2], ids=["one process", "two processes"])
def fit(request, tmp_path_factory):
    """Has done a run that was not killed, `whole`, in `seconds`."""
    with Server() as server:
        fit = Killed(server, tmp_path_factory.mktemp("kills"), request.param)
        done = fit("whole")
        assert set(done["codes"]) == {0}, (fit.folder / "whole.log").read_text()
        fit.seconds = done["seconds"]
        yield fit


def test_killed_at_random_moments(fit):
    """A third of the kills with two processes take rank 0 alone, a third rank 1, the rest both."""
    kills = int(os.environ.get("KILLS", 3 - fit.ranks))
    draw = random.Random(int(os.environ.get("KILLS_SEED", "0")))
    for number in range(kills):
        name = f"killed-{number}"
        run = fit.folder / name
        whom = [[0], [1], [0, 1]][number % 3] if fit.ranks == 2 else [0]
        codes = [0]
        while -9 not in codes:
            shutil.rmtree(run, ignore_errors=True)
            after = draw.random() * fit.seconds
            done = fit(name, after=after, whom=whom)
            codes = done["codes"]
            if -9 not in codes:  # it had ended before, on a machine that has less to do now
                fit.seconds = done["seconds"]
        print(f"{name}: ranks {whom} after {after:.1f} s, codes {codes}, {left(run)}", flush=True)
        done = fit(name)
        log = (fit.folder / f"{name}.log").read_text()
        assert set(done["codes"]) == {0}, log
        assert_as_if_never_stopped(run, fit.folder / "whole")
        assert_readable(run)


def left(run):
    """What a killed run left; every file of it can be read."""
    steps = [
        torch.load(path, weights_only=True)["speciarl"]["batches_trained"]
        for path in run.glob("checkpoints/*.ckpt")
    ]
    for path in run.rglob("[!.]*.parquet"):
        pq.read_table(path)
    for path in run.glob("*.json"):
        json.loads(path.read_text())
    return f"checkpoints of steps {sorted(set(steps))}"


def assert_readable(run):
    left(run)
    read_run(run)
    hidden = {path.name for path in run.rglob(".*")}
    assert hidden == {".lock"}
    assert not (run / "rollouts.parts").exists()
